// <form data-in-place hx-post>: sent by the page itself; only what it says about it changes. Sending twice is once, so
// what can't be answered in place (a page of another person) is asked for again as any form would be. Where nobody
// answers, or the server fails, what was written stays where it is.
const sent = (event) => event.target.closest?.("[data-in-place]");
const formOf = (element) => element.closest("form");

document.addEventListener("htmx:beforeRequest", (event) => {
  const element = sent(event);
  if (!element) return;
  const button = event.detail.requestConfig.triggeringEvent?.submitter ?? (element.matches("button") ? element : null);
  button?.setAttribute("aria-busy", "true"); // double-submit.js takes it away again
  formOf(element).querySelector("[data-unsent]")?.setAttribute("hidden", "");
});

function tellUnsent(element) {
  formOf(element).querySelector("[data-unsent]")?.removeAttribute("hidden");
}

for (const name of ["htmx:sendError", "htmx:timeout"]) {
  document.addEventListener(name, (event) => sent(event) && tellUnsent(sent(event)));
}

document.addEventListener("htmx:responseError", (event) => {
  const element = sent(event);
  if (!element || event.detail.xhr.getResponseHeader("HX-Redirect")) return;
  if (event.detail.xhr.status >= 500) return tellUnsent(element);
  const form = formOf(element);
  if (element.formAction) form.action = element.formAction;
  form.submit();
});
