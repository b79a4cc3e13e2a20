// <ol data-list-keys>: j and k go to the next and the previous link of the list, e presses the button of the row one is at
// ([data-list-key=e]), ? opens the help beside it. Enter opens a link anyway. Letters that are written stay letters, and
// whoever speaks to the computer can switch the keys off: the browser remembers it.
const OFF = "list-keys-off";
const WRITTEN_IN = "textarea, select, [contenteditable], input:not([type=checkbox], [type=radio], [type=submit])";

function isOff() {
  try {
    return localStorage.getItem(OFF) === "1";
  } catch {
    return false; // no storage: nothing to remember
  }
}

function step(list, by) {
  const links = [...list.querySelectorAll("li > a")];
  const here = links.findIndex((link) => link.parentElement.contains(document.activeElement));
  const next = here < 0 ? 0 : Math.min(Math.max(here + by, 0), links.length - 1);
  links[next]?.focus();
}

function press(list, key) {
  document.activeElement?.closest("[data-list-keys] > li")?.querySelector(`[data-list-key="${key}"]`)?.click();
}

document.addEventListener("keydown", (event) => {
  if (event.defaultPrevented || event.isComposing || event.ctrlKey || event.altKey || event.metaKey) return;
  const list = document.querySelector("[data-list-keys]");
  if (!list || isOff() || document.querySelector("dialog:modal") || event.target.closest?.(WRITTEN_IN)) return;
  const help = document.querySelector(".key-help");
  const acts = { j: () => step(list, 1), k: () => step(list, -1), e: () => press(list, "e"), "?": () => help?.toggleAttribute("open") };
  const act = acts[event.key];
  if (!act) return;
  event.preventDefault();
  if (event.key !== "e" || !event.repeat) act();
});

const SWITCH = "[data-list-keys-switch]";

function showSwitch() {
  for (const button of document.querySelectorAll(SWITCH)) {
    button.hidden = false;
    button.setAttribute("aria-pressed", String(isOff()));
  }
}

document.addEventListener("click", (event) => {
  if (!event.target.closest?.(SWITCH)) return;
  try {
    localStorage.setItem(OFF, isOff() ? "0" : "1");
  } catch {
    return;
  }
  showSwitch();
});
document.addEventListener("htmx:afterSettle", showSwitch);
showSwitch();
