// <a aria-keyshortcuts="Control+1"> is pressed by these keys as well. The attribute tells screen readers the same.
// The page shows the keys beside the words; without scripts the link is still there.
const NAMES = [
  ["Control", "ctrlKey"],
  ["Alt", "altKey"],
  ["Shift", "shiftKey"],
  ["Meta", "metaKey"],
];

/** @param {KeyboardEvent} event */
export function pressed(event) {
  // The place of the key counts for digits and letters: Alt and Shift change what they write.
  const place = /^(?:Digit|Numpad|Key)([0-9A-Z])$/.exec(event.code);
  const key = place ? place[1] : event.key;
  return [...NAMES.filter(([, held]) => event[held]).map(([name]) => name), key].join("+");
}

document.addEventListener("keydown", (event) => {
  if (event.defaultPrevented || event.repeat || event.isComposing || !(event.ctrlKey || event.altKey)) return;
  const target = document.querySelector(`[aria-keyshortcuts="${pressed(event).replace(/["\\]/g, "")}"]`);
  if (!(target instanceof HTMLElement)) return;
  event.preventDefault();
  target.click();
});
