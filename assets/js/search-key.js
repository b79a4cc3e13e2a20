// <input data-search-key="/"> takes the focus when this key is pressed anywhere but in a field.
document.addEventListener("keydown", (event) => {
  if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey || event.isComposing) return;
  if (event.target.closest?.("input, textarea, select, [contenteditable]")) return;
  const field = [...document.querySelectorAll("[data-search-key]")].find((one) => one.dataset.searchKey === event.key);
  if (!field) return;
  event.preventDefault();
  field.focus();
  field.select();
});
