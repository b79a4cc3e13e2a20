// <div data-times data-version>: free times. While the page is seen it asks now and then, quietly, which of them still
// stand. One that was taken is struck through where it is and can't be pressed; new ones are only told of, and a press
// shows them: nothing moves by itself. Without scripts the page is as it was when it was opened.
import { askQuietly } from "./ask-quietly.js";

const again = askQuietly({
  find: () => document.querySelector("[data-times]"),
  addressOf: (list) => list.dataset.times,
  header: "X-Times",
  take,
});

function addressOf(time) {
  return time.getAttribute("href") ?? time.dataset.href;
}

function take(asked, { version, times, notes }) {
  const shown = [...asked.querySelectorAll("a.time")];
  const free = new Set(times);
  const gone = shown.filter((time) => time.hasAttribute("href") && !free.has(addressOf(time)));
  gone.forEach((time) => strike(time, asked.dataset.gone));
  shown.filter((time) => time.dataset.href && free.has(addressOf(time))).forEach(restore);
  const known = new Set(shown.map(addressOf));
  tell(asked, gone, times.filter((one) => !known.has(one)));
  for (const note of asked.querySelectorAll("[data-note]")) note.textContent = notes[note.dataset.note] ?? "";
  asked.dataset.version = version;
}

/** Focus stays on a time that is struck through: it can be had without an address, by script. */
function strike(time, words) {
  time.tabIndex = -1;
  time.dataset.href = time.getAttribute("href");
  time.dataset.was = time.dataset.state;
  time.dataset.state = "taken";
  time.setAttribute("role", "link");
  time.setAttribute("aria-disabled", "true");
  const said = document.createElement("span");
  said.className = "visually-hidden";
  said.textContent = `. ${words}`;
  time.append(said);
  time.removeAttribute("href");
}

function restore(time) {
  time.setAttribute("href", time.dataset.href);
  time.dataset.state = time.dataset.was;
  time.lastElementChild.remove();
  for (const name of ["role", "aria-disabled", "tabindex", "data-href", "data-was"]) time.removeAttribute(name);
}

function tell(asked, gone, fresh) {
  const said = document.getElementById("times-said");
  if (gone.length === 1) said.textContent = `${gone[0].querySelector(".visually-hidden").textContent}. ${asked.dataset.gone}`;
  if (gone.length > 1) said.textContent = asked.dataset.goneMany.replace("#", gone.length);
  const way = document.getElementById("times-new");
  way.hidden = !fresh.length;
  way.dataset.fresh = fresh.join(" ");
  const words = fresh.length === 1 ? way.dataset.one : way.dataset.many.replace("#", fresh.length);
  if (fresh.length && way.querySelector("span").textContent !== words) way.querySelector("span").textContent = words;
}

/** The list was asked for anew: go to the first time that was not there before. */
function shown(event) {
  const fresh = event.detail.requestConfig?.elt?.closest?.("[data-fresh]")?.dataset.fresh?.split(" ");
  if (fresh) {
    const times = [...document.querySelectorAll("[data-times] a.time")];
    (times.find((time) => fresh.includes(addressOf(time))) ?? document.querySelector("#when"))?.focus();
  }
  again();
}

document.addEventListener("htmx:afterSettle", shown);
