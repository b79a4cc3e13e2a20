// The staff's calendar by keys: [data-calendar-keys] holds a link for each (t, arrows, d, w, n), r shows what has changed, m begins to move the
// appointment one is at, a, x and u say whether the patient came (calendar-acts.js), and while one moves ([data-moving]) the arrows go from time to time and Enter takes one. The
// switch that turns the inbox's keys off turns these off, too.
import { act } from "./calendar-acts.js";

const OFF = "list-keys-off";
const WRITTEN_IN = "textarea, select, [contenteditable], input:not([type=checkbox], [type=radio], [type=submit])";
// Looked up anew each time: the page may have been shown anew in place.
const board = () => document.querySelector(".day-calendar");
const isMoving = () => Boolean(document.querySelector("[data-moving]"));

function isOff() {
  try {
    return localStorage.getItem(OFF) === "1";
  } catch {
    return false; // no storage: nothing to remember
  }
}

/** Free times, column by column. */
function columns() {
  return [...board().querySelectorAll(".column")].map((one) => [...one.querySelectorAll("a.entry[data-target]")]);
}

/** The time of the list that begins nearest to where one is. */
function nearest(list, entry) {
  const at = (one) => one.querySelector("time").dateTime.split(":").reduce((hours, minutes) => hours * 60 + +minutes, 0);
  const here = at(entry);
  return list.reduce((best, one) => (Math.abs(at(one) - here) < Math.abs(at(best) - here) ? one : best));
}

/** Where the arrows begin: the free time nearest to the appointment that is moved, on another day the first. */
function beginning(all) {
  const moved = document.getElementById(`entry-${new URL(location.href).searchParams.get("move")}`);
  const own = all.find((list) => list[0]?.closest(".column") === moved?.closest(".column"));
  return moved && own ? nearest(own, moved) : all.flat()[0];
}

/** Go to the next free time in this direction; from elsewhere to the beginning. */
function go(key) {
  const all = columns();
  const place = all.findIndex((list) => list.includes(document.activeElement));
  if (place < 0) return beginning(all)?.focus();
  const list = all[place];
  const here = list.indexOf(document.activeElement);
  if (key === "ArrowUp") return list[here - 1]?.focus();
  if (key === "ArrowDown") return list[here + 1]?.focus();
  const step = key === "ArrowLeft" ? -1 : 1;
  for (let other = place + step; other >= 0 && other < all.length; other += step) {
    if (all[other].length) return nearest(all[other], list[here]).focus();
  }
}

/** Begin to move the appointment that has the focus: the same page, with free times as goals. */
function begin() {
  const mover = document.activeElement?.dataset?.mover;
  if (!mover) return;
  const from = new URL(mover, location.href);
  const here = new URL(location.href);
  here.hash = ""; // what was booked before has the focus no more
  here.searchParams.set("move", from.pathname.match(/([0-9a-f-]{36})/)[1]);
  here.searchParams.set("version", from.searchParams.get("version"));
  location.assign(here);
}

/** Show which keys there are, or hide it; it is seen also by whoever has scrolled down. */
function help() {
  const keys = document.querySelector(".key-help");
  if (keys?.toggleAttribute("open")) keys.scrollIntoView({ block: "nearest" });
}

function press(event) {
  const { key } = event;
  if (key === "?") return help() ?? true;
  if (isMoving() && board() && key.startsWith("Arrow")) return go(key) ?? true;
  if (key === "m" && board()) return begin() ?? true;
  if (act(key)) return true;
  // In a calendar that is wider than its place the arrows look at the rest of it.
  if (key.startsWith("Arrow") && event.target === board() && event.target.scrollWidth > event.target.clientWidth) return false;
  const link = document.querySelector(
    ["[data-calendar-keys]", "[data-moving]", "[data-changes]:not([hidden])"].map((place) => `${place} [data-key="${CSS.escape(key)}"]`).join(),
  );
  link?.click();
  return Boolean(link);
}

/** Words about keys are shown where there are keys. */
function start() {
  for (const words of document.querySelectorAll("[data-moving] [data-scripts-only]")) words.hidden = false;
}

document.addEventListener("keydown", (event) => {
  if (!document.querySelector("[data-calendar-keys]")) return;
  if (event.defaultPrevented || event.isComposing || event.ctrlKey || event.altKey || event.metaKey || event.repeat && !isMoving()) return;
  if (isOff() || document.querySelector("dialog:modal") || event.target.closest?.(WRITTEN_IN)) return;
  if (press(event) !== false) {
    if (event.key === "?" || event.key.startsWith("Arrow")) event.preventDefault();
  }
});
document.addEventListener("htmx:afterSettle", start);
start();
if (isMoving() && board()) go("ArrowDown");
