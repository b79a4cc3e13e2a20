// What was done in place is told at the top of the page (#notices). Who has scrolled past it reads the same words at the
// lower edge, until the next press or key; nothing jumps, and screen readers, which were told already, are not told twice.
let copy = null;

function show() {
  const notices = document.getElementById("notices");
  if (!notices?.childElementCount || notices.getBoundingClientRect().bottom > 0) return;
  copy = notices.cloneNode(true);
  copy.removeAttribute("id");
  copy.removeAttribute("role");
  copy.inert = true;
  copy.classList.add("is-below");
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
for (const act of ["pointerdown", "keydown"]) document.addEventListener(act, hide, { passive: true });
