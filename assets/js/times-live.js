// <div data-times data-version>: free times. While the page is seen it asks now and then, quietly, which of them still
// stand. One that was taken is struck through where it is and can't be pressed, one at which the patient has something
// else by now says so; new ones are only told of, and a press shows them: nothing moves by itself. Without scripts the page is as it was when it was opened.
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

function take(asked, { version, times, busy, notes }) {
  const shown = [...asked.querySelectorAll("a.time")].filter(addressOf);
  const states = { free: new Set(times), own: new Set(busy) };
  const changed = shown.filter((time) => stand(time, stateOf(addressOf(time), states), asked));
  const known = new Set(shown.map(addressOf));
  tell(asked, changed, times.filter((one) => !known.has(one)));
  for (const note of asked.querySelectorAll("[data-note]")) note.textContent = notes[note.dataset.note] ?? "";
  for (const hint of asked.querySelectorAll("[data-own-times]")) hint.hidden = !asked.querySelector('[data-state="own"]');
  asked.dataset.version = version;
}

function stateOf(address, { free, own }) {
  if (free.has(address)) return "free";
  return own.has(address) ? "own" : "taken";
}

/** Let a time look as it stands. Returns whether it can't be had any more, or for another reason than before. */
function stand(time, state, asked) {
  const now = time.hasAttribute("href") ? "free" : time.dataset.state;
  if (now === state) return false;
  if (now !== "free") restore(time);
  if (state !== "free") strike(time, state, asked.dataset);
  return state !== "free";
}

/** Focus stays on a time that is struck through: it can be had without an address, by script. */
function strike(time, state, { gone, busy, busyNote }) {
  time.tabIndex = -1;
  time.dataset.href = time.getAttribute("href");
  time.dataset.was = time.dataset.state;
  time.dataset.state = state;
  time.setAttribute("role", "link");
  time.setAttribute("aria-disabled", "true");
  time.removeAttribute("href");
  time.dataset.html = time.innerHTML;
  if (state === "own") noteOf(time).textContent = busyNote;
  const said = document.createElement("span");
  said.className = "visually-hidden";
  said.textContent = `. ${state === "own" ? busy : gone}`;
  time.append(said);
}

/** The few words below the clock: one that has none gets some. */
function noteOf(time) {
  const known = time.querySelector("small");
  if (known) return known;
  const made = document.createElement("small");
  made.ariaHidden = "true";
  time.firstElementChild.after(made);
  return made;
}

function restore(time) {
  time.setAttribute("href", time.dataset.href);
  time.dataset.state = time.dataset.was;
  time.innerHTML = time.dataset.html;
  for (const name of ["role", "aria-disabled", "tabindex", "data-href", "data-was", "data-html"]) time.removeAttribute(name);
}

function tell(asked, changed, fresh) {
  const words = asked.dataset;
  const said = [
    sentence(changed.filter((time) => time.dataset.state === "own"), words.busy, words.busyMany),
    sentence(changed.filter((time) => time.dataset.state === "taken"), words.gone, words.goneMany),
  ].filter(Boolean);
  if (said.length) document.getElementById("times-said").textContent = said.join(" ");
  const way = document.getElementById("times-new");
  way.hidden = !fresh.length;
  way.dataset.fresh = fresh.join(" ");
  const told = fresh.length === 1 ? way.dataset.one : way.dataset.many.replace("#", fresh.length);
  if (fresh.length && way.querySelector("span").textContent !== told) way.querySelector("span").textContent = told;
}

function sentence(times, one, many) {
  if (!times.length) return "";
  return times.length === 1 ? `${times[0].querySelector(".visually-hidden").textContent}. ${one}` : many.replace("#", times.length);
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
