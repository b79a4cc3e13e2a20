// <input data-national-id="NO"> groups the digits as people write them: 010190 12345 in Norway, 010190-1234 in Denmark.
// The server takes either way. A button beside the field can hide what is typed.
const SHAPES = { NO: { digits: 11, mark: " " }, DK: { digits: 10, mark: "-" } };

/** @param {string} text @param {{digits: number, mark: string}} shape */
export function group(text, shape) {
  const digits = text.replace(/\D/g, "").slice(0, shape.digits);
  return digits.length > 6 ? `${digits.slice(0, 6)}${shape.mark}${digits.slice(6)}` : digits;
}

function regroup(input) {
  const shape = SHAPES[input.dataset.nationalId];
  if (!shape || /[^\d\s-]/.test(input.value)) return; // letters stay, so that the message about them makes sense
  const before = input.value.slice(0, input.selectionStart ?? input.value.length).replace(/\D/g, "").length;
  const grouped = group(input.value, shape);
  if (grouped === input.value) return;
  input.value = grouped;
  const place = before > 6 ? before + 1 : before;
  input.setSelectionRange(place, place);
}

document.addEventListener("input", (event) => {
  if (event.isComposing || event.inputType?.startsWith("delete")) return;
  if (event.target.matches?.("input[data-national-id]")) regroup(event.target);
});

// Without this file the button does nothing, so it is not shown.
for (const button of document.querySelectorAll("button[data-hides][hidden]")) button.hidden = false;

document.addEventListener("click", (event) => {
  const button = event.target.closest?.("button[data-hides]");
  const input = button && document.getElementById(button.dataset.hides);
  if (!input) return;
  const hide = !input.hasAttribute("data-hidden-digits");
  input.toggleAttribute("data-hidden-digits", hide);
  button.setAttribute("aria-pressed", String(hide));
});
