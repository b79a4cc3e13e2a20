// A form that posts is sent once. The button says that it works; coming back to the page makes it ready again.
// One that answers with a file (data-download) leaves the page where it is, so it can be sent again.
const BUSY = "data-sending";

function release(form) {
  form.removeAttribute(BUSY);
  for (const button of form.querySelectorAll("button[aria-busy=true]")) button.removeAttribute("aria-busy");
}

document.addEventListener("submit", (event) => {
  const form = event.target;
  if (form.method === "dialog") return;
  if (form.hasAttribute(BUSY)) {
    event.preventDefault();
    return;
  }
  // Another listener may have stopped this submit, or htmx may send it; htmx tells us when it is done.
  if (event.defaultPrevented || form.method !== "post" || form.hasAttribute("data-download")) return;
  form.setAttribute(BUSY, "");
  event.submitter?.setAttribute("aria-busy", "true");
});

// A page brought back by the back button still has its old state.
window.addEventListener("pageshow", () => {
  for (const form of document.querySelectorAll(`form[${BUSY}]`)) release(form);
});
document.addEventListener("htmx:afterRequest", (event) => {
  const form = event.target.closest?.("form");
  if (form) release(form);
});
