// What was done is told at the top of the page (#notices). Who has scrolled past it, or is led to what was booked further
// down, reads the same words at the lower edge, until the next press or key; nothing jumps, and screen readers, which
// are told at the top, are not told twice.
let copy = null;

function show() {
  const notices = document.getElementById("notices");
  const words = notices?.querySelectorAll(":scope > .alert:not(:has(a, form))") ?? []; // not what something is done with
  if (!words.length || notices.getBoundingClientRect().bottom > 0) return;
  copy = document.createElement("div");
  copy.className = "notices is-below";
  copy.inert = true;
  copy.append(...[...words].map((one) => one.cloneNode(true)));
  document.body.append(copy);
}

function hide() {
  copy?.remove();
  copy = null;
}

document.addEventListener("htmx:afterSettle", ({ detail }) => {
  const isAct = detail.elt?.id === "work" && detail.requestConfig?.verb === "post";
  if (isAct) requestAnimationFrame(() => (hide(), show())); // focus and place are settled first
});
window.addEventListener("load", () => requestAnimationFrame(show)); // the browser has gone to the address's goal
for (const act of ["pointerdown", "keydown"]) document.addEventListener(act, hide, { passive: true });
