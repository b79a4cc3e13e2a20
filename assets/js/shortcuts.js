// <a aria-keyshortcuts="Control+1"> and <button aria-keyshortcuts="Alt+P"> are pressed by these keys as well. The
// attribute tells screen readers the same. The page shows the keys beside the words; without scripts both are still there.
const NAMES = [
  ["Control", "ctrlKey"],
  ["Alt", "altKey"],
  ["Shift", "shiftKey"],
  ["Meta", "metaKey"],
];
const WRITTEN_IN = "textarea, select, [contenteditable], input:not([type=checkbox], [type=radio], [type=submit])";

/** @param {KeyboardEvent} event */
function keyOf(event) {
  // A letter is the one that the keyboard writes. For digits, and where Alt writes something else (π for P on a Mac),
  // the place of the key counts.
  if (/^[a-z]$/i.test(event.key)) return event.key.toUpperCase();
  const place = /^(?:Digit|Numpad|Key)([0-9A-Z])$/.exec(event.code);
  return place ? place[1] : event.key;
}

/** @param {KeyboardEvent} event */
function pressed(event) {
  return [...NAMES.filter(([, held]) => event[held]).map(([name]) => name), keyOf(event)].join("+");
}

/** Whether these keys write a character: on a Mac with Alt, elsewhere with AltGr or with Alt and the numbers' block. */
function writes(event) {
  if (event.getModifierState("AltGraph") || (event.altKey && event.code.startsWith("Numpad"))) return true;
  if (!event.altKey || event.ctrlKey || !event.target.closest?.(WRITTEN_IN)) return false;
  return !/^[a-z]$/i.test(event.key);
}

/** What the keys press: something that can be seen, and nothing behind an open dialog. */
function targetOf(keys) {
  const dialog = document.querySelector("dialog:modal");
  return [...document.querySelectorAll(`[aria-keyshortcuts="${CSS.escape(keys)}"]`)].find(
    (one) => one.checkVisibility() && (!dialog || dialog.contains(one)),
  );
}

document.addEventListener("keydown", (event) => {
  if (event.defaultPrevented || event.isComposing || !(event.ctrlKey || event.altKey) || writes(event)) return;
  const target = targetOf(pressed(event));
  if (!target) return;
  event.preventDefault(); // also while the keys are held down: the browser would change its own tabs
  if (!event.repeat) target.click();
});
