// Appointments of the staff's calendar can be dragged: onto a free time, or to where nothing is. Letting go leads to the
// page that moves ([data-mover]), which shows both times and asks; Escape lets it lie. By key: see calendar-keys.js.
const STARTS = 6; // pixels before a press is a drag and not a click
const STEP = 5; // minutes

let drag = null;

/** What lies under the pointer: a free time, or a column and the clock time there. */
function aimAt(x, y) {
  const under = document.elementFromPoint(x, y);
  const entry = under?.closest(".day-calendar .entry");
  if (entry) return entry.dataset.target ? { query: entry.dataset.target, entry } : null;
  const column = under?.closest(".day-calendar .column[data-target]");
  if (!column) return null;
  const hours = column.closest(".board").querySelectorAll(".hours time");
  const first = hours[0].getBoundingClientRect();
  const from = Number(/at-(\d+)/.exec(hours[0].className)[1]) * STEP;
  const minutes = from + Math.floor(((y - first.top) / first.height) * (60 / STEP)) * STEP;
  const at = `${String(Math.floor(minutes / 60)).padStart(2, "0")}:${String(minutes % 60).padStart(2, "0")}`;
  return minutes < 0 || minutes >= 1440 ? null : { query: `${column.dataset.target}&at=${encodeURIComponent(at)}`, at };
}

function show(aim) {
  document.querySelector(".entry.is-aim")?.classList.remove("is-aim");
  aim?.entry?.classList.add("is-aim");
  drag.says.textContent = aim ? (aim.entry ? aim.entry.querySelector("time").textContent : aim.at) : "–";
}

function begin(event) {
  drag.entry.classList.add("is-dragged");
  drag.says = document.createElement("div");
  drag.says.className = "drag-says";
  document.body.append(drag.says);
  drag.entry.setPointerCapture(event.pointerId);
}

function end() {
  if (!drag) return;
  drag.entry.classList.remove("is-dragged");
  drag.entry.style.transform = "";
  drag.says?.remove();
  document.querySelector(".entry.is-aim")?.classList.remove("is-aim");
  drag = null;
}

/** A link that was dragged is not followed by the click that ends the dragging. */
function once(entry) {
  const stop = (event) => event.preventDefault();
  entry.addEventListener("click", stop, { capture: true });
  setTimeout(() => entry.removeEventListener("click", stop, { capture: true }), 0);
}

document.addEventListener("dragstart", (event) => {
  if (event.target.closest?.("[data-mover]")) event.preventDefault(); // the browser's own dragging of links
});
document.addEventListener("pointerdown", (event) => {
  const entry = event.target.closest?.(".day-calendar [data-mover]");
  if (!entry || event.button !== 0 || event.pointerType === "touch") return;
  drag = { entry, x: event.clientX, y: event.clientY, says: null };
});
document.addEventListener("pointermove", (event) => {
  if (!drag) return;
  const [dx, dy] = [event.clientX - drag.x, event.clientY - drag.y];
  if (!drag.says && Math.hypot(dx, dy) < STARTS) return;
  if (!drag.says) begin(event);
  drag.entry.style.transform = `translate(${dx}px, ${dy}px)`;
  show(aimAt(event.clientX, event.clientY));
});
document.addEventListener("pointerup", (event) => {
  if (!drag?.says) return end();
  const { entry } = drag;
  const aim = aimAt(event.clientX, event.clientY);
  end();
  once(entry);
  if (aim) location.assign(`${entry.dataset.mover}&${aim.query}`);
});
document.addEventListener("pointercancel", end);
document.addEventListener("keydown", (event) => {
  if (event.key !== "Escape" || !drag) return;
  const { entry, says } = drag;
  if (says) document.addEventListener("pointerup", () => once(entry), { once: true });
  end();
});
