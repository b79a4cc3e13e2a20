// What can be done with an entry of the staff's calendar where it stands: <details class="acts"> beside it, whose buttons
// send the form around the calendar. One that is to come (data-opens) shows itself when its time is here. By key: see
// calendar-keys.js. Without scripts the same buttons send the same form.
const isAct = (button) => Boolean(button?.matches(".acts .act"));
const isToCome = (button) => Boolean(button.dataset.opens) && Date.parse(button.dataset.opens) > Date.now();

/** Press the act with this key of the entry one is at; false where there is none. */
export function act(key) {
  const place = document.activeElement?.closest(".entry-with");
  const button = place?.querySelector(`.acts [data-key="${CSS.escape(key)}"]`);
  if (!button || isToCome(button)) return false;
  button.click();
  return true;
}

document.addEventListener(
  "toggle",
  (event) => {
    if (!event.target.matches?.("details.acts[open]")) return;
    for (const button of event.target.querySelectorAll("[data-opens]")) button.hidden = isToCome(button);
  },
  { capture: true },
);

/** A press elsewhere, or Escape, puts away what is open. */
document.addEventListener("click", (event) => {
  for (const open of document.querySelectorAll("details.acts[open]")) {
    if (!open.contains(event.target)) open.open = false;
  }
});
document.addEventListener("keydown", (event) => {
  const open = event.key === "Escape" && document.querySelector("details.acts[open]");
  if (!open) return;
  if (open.contains(document.activeElement)) open.querySelector("summary").focus();
  open.open = false;
});

/** What can't be sent from here is sent as without scripts: the browser then shows what comes of it. Twice is once. */
function sendPlainly(event) {
  const { requestConfig, xhr } = event.detail;
  const button = requestConfig?.triggeringEvent?.submitter;
  if (!isAct(button) || xhr.getResponseHeader("HX-Redirect")) return;
  const { form, name, value, formAction } = button;
  form.append(Object.assign(document.createElement("input"), { type: "hidden", name, value }));
  form.action = formAction;
  form.submit();
}
for (const name of ["htmx:sendError", "htmx:timeout", "htmx:responseError"]) document.addEventListener(name, sendPlainly);

// The answer puts another calendar in the place of this one, so only one mark is on its way. What is pressed meanwhile
// waits, and is sent with what the page showed when it was pressed: it overwrites nobody either.
let isSending = false;
let waiting = [];
const isOfAct = (event) => isAct(event.detail.requestConfig?.triggeringEvent?.submitter);

document.addEventListener(
  "submit",
  (event) => {
    const button = event.submitter;
    if (!isSending || !isAct(button)) return;
    event.preventDefault();
    event.stopImmediatePropagation();
    const entry = button.closest(".entry-with").querySelector(".entry").id;
    waiting = [...waiting.filter((one) => one.entry !== entry), { entry, key: button.dataset.key, address: button.formAction }];
  },
  { capture: true },
);
document.addEventListener("htmx:beforeRequest", (event) => isOfAct(event) && (isSending = true));
document.addEventListener("htmx:afterRequest", (event) => isOfAct(event) && (isSending = false));
document.addEventListener("htmx:afterSettle", () => {
  while (!isSending && waiting.length) {
    const next = waiting.shift();
    const place = document.getElementById(next.entry)?.closest(".entry-with");
    const button = place?.querySelector(`.acts [data-key="${next.key}"]`);
    if (button) Object.assign(button, { formAction: next.address }).click();
  }
});
