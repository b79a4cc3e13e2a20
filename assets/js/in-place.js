// <form data-in-place hx-post>: sent by the page itself; only what it says about it changes. Sending twice is once, so
// what can't be answered in place (an error page, a page of another person) is asked for again as any form would be.
const sent = (event) => event.target.closest?.("[data-in-place]");
const formOf = (element) => element.closest("form");

document.addEventListener("htmx:beforeRequest", (event) => {
  const element = sent(event);
  if (!element) return;
  const button = event.detail.requestConfig.triggeringEvent?.submitter ?? (element.matches("button") ? element : null);
  button?.setAttribute("aria-busy", "true"); // double-submit.js takes it away again
  formOf(element).querySelector("[data-unsent]")?.setAttribute("hidden", "");
});

for (const name of ["htmx:sendError", "htmx:timeout"]) {
  document.addEventListener(name, (event) => {
    if (sent(event)) formOf(sent(event)).querySelector("[data-unsent]")?.removeAttribute("hidden");
  });
}

document.addEventListener("htmx:responseError", (event) => {
  const element = sent(event);
  if (!element || event.detail.xhr.getResponseHeader("HX-Redirect")) return;
  const form = formOf(element);
  if (element.formAction) form.action = element.formAction;
  form.submit();
});
