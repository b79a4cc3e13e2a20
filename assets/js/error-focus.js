// After a refused form the summary of errors is read first, whether the page was loaded or a fragment swapped in.
function focusSummary(root) {
  const summary = root.querySelector?.("[data-error-summary]");
  if (!summary) return;
  summary.focus({ preventScroll: true });
  summary.scrollIntoView({ block: "start" });
}

if (document.readyState === "loading") document.addEventListener("DOMContentLoaded", () => focusSummary(document));
else focusSummary(document);
document.addEventListener("htmx:afterSwap", (event) => focusSummary(event.target));
