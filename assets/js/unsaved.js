// <form data-unsaved-guard>: leaving with changes that are not saved asks first; the save bar counts the changes.
export const changed = (form) =>
  [...form.elements].filter((field) => {
    if (field.type === "checkbox") return field.checked !== field.defaultChecked;
    if (field.type === "radio") return field.checked && !field.defaultChecked; // one change, not one per button
    if (field instanceof HTMLSelectElement) {
      return [...field.options].some((option) => option.selected !== option.defaultSelected);
    }
    return "defaultValue" in field && field.type !== "hidden" && field.value !== field.defaultValue;
  });

function mark(form) {
  const fields = changed(form);
  for (const cell of form.querySelectorAll("[data-changed]")) cell.removeAttribute("data-changed");
  for (const field of fields) (field.closest("td") ?? field.closest("label, .ds-field"))?.setAttribute("data-changed", "");
  const count = form.querySelector("[data-unsaved-count]");
  if (count) {
    const words = fields.length === 1 ? count.dataset.one : count.dataset.many;
    count.textContent = fields.length ? words.replace("%d", fields.length) : count.dataset.none;
  }
}

let leaving = false;
/** Go away without asking: what is changed is kept elsewhere. */
export function leave() {
  leaving = true;
}
document.addEventListener("change", (event) => {
  const form = event.target.form ?? event.target.closest?.("form");
  if (form?.hasAttribute("data-unsaved-guard")) mark(form);
});
document.addEventListener("submit", (event) => {
  if (event.target.hasAttribute("data-unsaved-guard")) leaving = true;
});
document.addEventListener("reset", (event) => {
  if (event.target.hasAttribute("data-unsaved-guard")) setTimeout(() => mark(event.target));
});
window.addEventListener("pageshow", () => {
  leaving = false;
});
window.addEventListener("beforeunload", (event) => {
  if (leaving) return;
  const guarded = [...document.querySelectorAll("form[data-unsaved-guard]")];
  if (guarded.some((form) => form.hasAttribute("data-kept") || changed(form).length)) event.preventDefault();
});
