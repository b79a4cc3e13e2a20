// <button type="button" hidden data-print> prints the page; without scripts it isn't there.
function show() {
  for (const button of document.querySelectorAll("button[data-print]")) button.hidden = false;
}

document.addEventListener("click", (event) => {
  if (event.target.closest?.("button[data-print]")) window.print();
});
document.addEventListener("htmx:afterSettle", show);
show();
