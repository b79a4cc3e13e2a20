// <form data-matrix>: drag over boxes to tick many, go about with the arrow keys, tick whole rows and columns at once.
// Without this each box is a checkbox and the whole-row buttons ask the server.
const boxOf = (target) => target.closest?.("[data-matrix] td")?.querySelector("input[type=checkbox]:not(:disabled)");
const changed = (form) => form.dispatchEvent(new Event("change", { bubbles: true }));

// A page that comes back with ticks that aren't saved says so: what is stored is what "changed" is measured against.
for (const cell of document.querySelectorAll("[data-matrix] td[data-changed] input")) {
  const ticked = cell.checked;
  cell.defaultChecked = !ticked;
  cell.checked = ticked;
}

// -- drag: the first box decides whether ticks go on or off --
let drag = null;
document.addEventListener("pointerdown", (event) => {
  const box = event.button === 0 && event.pointerType !== "touch" && boxOf(event.target);
  if (box) drag = { first: box, value: !box.checked, moved: false };
});
document.addEventListener("pointerover", (event) => {
  if (!drag) return;
  const box = boxOf(event.target);
  if (!box || (box === drag.first && !drag.moved)) return;
  drag.moved = true;
  drag.first.checked = drag.value;
  box.checked = drag.value;
});
document.addEventListener("pointerup", () => {
  if (!drag?.moved) {
    drag = null;
    return;
  }
  const { form } = drag.first;
  // The click that ends a drag within one label would tick it back.
  addEventListener("click", (click) => boxOf(click.target) && click.preventDefault(), { capture: true, once: true });
  setTimeout(() => {
    drag = null;
    changed(form);
  });
});
document.addEventListener("dragstart", (event) => drag && event.preventDefault());

// -- arrow keys --
const STEPS = { ArrowLeft: [0, -1], ArrowRight: [0, 1], ArrowUp: [-1, 0], ArrowDown: [1, 0] };
document.addEventListener("keydown", (event) => {
  const step = STEPS[event.key];
  if (!step || event.altKey || event.ctrlKey || event.metaKey || !event.target.matches?.("[data-matrix] td input")) return;
  const cell = event.target.closest("td");
  const row = cell.parentElement;
  const there = row.parentElement.rows[row.rowIndex - 1 + step[0]]?.cells[cell.cellIndex + step[1]];
  const next = there?.querySelector("input");
  event.preventDefault();
  if (!next) return;
  if (event.shiftKey) next.checked = event.target.checked;
  next.focus();
  if (event.shiftKey) changed(next.form);
});

// -- whole rows and columns --
function boxes(button) {
  const cell = button.closest("th");
  const row = cell.parentElement;
  if (button.value.startsWith("row:")) return [...row.querySelectorAll("td input")];
  return [...cell.closest("table").tBodies[0].rows].map((one) => one.cells[cell.cellIndex].querySelector("input"));
}

function name(form) {
  for (const button of form.querySelectorAll("button[data-fill]")) {
    const full = boxes(button).every((box) => box.checked);
    const words = button.querySelector("[data-fill-text]");
    words.textContent = full ? words.dataset.off : words.dataset.on;
    button.value = button.value.replace(/(on|off)$/, full ? "off" : "on");
  }
}

document.addEventListener("click", (event) => {
  const button = event.target.closest?.("[data-matrix] button[data-fill]");
  if (!button) return;
  event.preventDefault();
  const on = button.value.endsWith(":on");
  for (const box of boxes(button)) box.checked = on;
  changed(button.form);
});

// A whole-form change is told to the form itself; see unsaved.js for the marks.
document.addEventListener("change", (event) => {
  const form = event.target.closest?.("form[data-matrix]");
  if (form) name(form);
});
