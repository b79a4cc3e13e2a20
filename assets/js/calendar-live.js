// <div id="work" data-calendar data-version data-marks>: the staff's calendar. While it is seen it asks now and then,
// quietly, whether something in it has changed, and says how much; only a press shows it, in place: focus and what one
// looks at stay. The number of what waits is put right at once. Without scripts the page is as it was when it was opened.
import { askQuietly } from "./ask-quietly.js";

const WRITTEN_IN = "textarea, select, [contenteditable], input:not([type=checkbox], [type=radio], [type=submit])";
const REST = 5000; // milliseconds after a key while one moves an appointment
let pressedAt = -REST;
let kept = null;

const again = askQuietly({
  find: () => document.querySelector("[data-calendar]"),
  addressOf: (calendar) => calendar.dataset.calendar,
  header: "X-Calendar",
  take,
  isBusy: () =>
    Boolean(document.querySelector(".is-dragged, .htmx-request, dialog:modal")) ||
    Boolean(document.activeElement?.matches(WRITTEN_IN)) ||
    (Boolean(document.querySelector("[data-moving]")) && performance.now() - pressedAt < REST),
});

/** Places, as "column clock", at which the two differ. */
function differences(one, other) {
  const columns = new Set([...Object.keys(one), ...Object.keys(other)]);
  return [...columns].flatMap((column) => {
    const [was, is] = [one[column] ?? {}, other[column] ?? {}];
    const clocks = new Set([...Object.keys(was), ...Object.keys(is)]);
    return [...clocks].filter((clock) => was[clock] !== is[clock]).map((clock) => `${column} ${clock}`);
  });
}

function take(calendar, { version, marks, waiting, words }) {
  calendar.dataset.version = version;
  const places = differences(JSON.parse(calendar.dataset.marks), marks);
  tell(calendar.querySelector("[data-changes]"), places);
  for (const fact of calendar.querySelectorAll("[data-fact]")) {
    const place = fact.querySelector("a") ?? fact;
    if (place.textContent !== words[fact.dataset.fact]) place.textContent = words[fact.dataset.fact];
    if (place !== fact) fact.hidden = !waiting;
  }
  count(calendar.querySelector("[data-facts] a")?.pathname, waiting);
}

function tell(way, places) {
  if (!way) return;
  const words = way.querySelector("span");
  const said = places.length === 1 ? way.dataset.one : way.dataset.many.replace("#", places.length);
  if (places.length && words.textContent !== said) words.textContent = said;
  way.hidden = !places.length;
  way.places = places;
}

/** The number in the menu, at the page that lists what waits. */
function count(pathname, waiting) {
  const item = [...document.querySelectorAll("#ways a")].find((link) => link.pathname === pathname);
  let number = item?.querySelector(".count");
  if (!waiting) return number?.remove();
  if (item && !number) {
    number = document.createElement("span");
    number.className = "count";
    item.append(number);
  }
  if (number && number.textContent !== String(waiting)) number.textContent = waiting;
}

const board = () => document.querySelector(".day-calendar");
const keyOf = (entry) => `${entry.closest(".column")?.dataset.target} ${entry.querySelector("time")?.getAttribute("datetime")}`;
const entriesAt = (key) => [...document.querySelectorAll(".day-calendar .entry")].filter((entry) => keyOf(entry) === key);
const linkAt = (key) => entriesAt(key).find((entry) => entry.matches("a"));

/** Just before the press is carried out: where one was, what one looked at, and what will be new. */
function keep(event) {
  const { elt, requestConfig } = event.detail;
  const acted = requestConfig?.triggeringEvent?.submitter?.closest(".entry-with")?.querySelector(".entry");
  if (elt?.id !== "changes-show" && !acted) return;
  const calendar = board();
  kept = {
    places: elt.closest("[data-changes]")?.places ?? [],
    acted: acted?.id,
    was: calendar?.contains(last) ? keyOf(last) : null,
    calendar: [calendar?.scrollLeft ?? 0, calendar?.scrollTop ?? 0],
    top: calendar?.getBoundingClientRect().top,
    hadFocus: Boolean(document.activeElement?.closest("#work")),
  };
}

/** The calendar stands where it stood; what has changed is marked, and the focus is where it was, else at the first change. */
function shown() {
  if (kept) {
    const calendar = board();
    if (calendar) {
      calendar.scrollTo(...kept.calendar);
      window.scrollBy(0, calendar.getBoundingClientRect().top - kept.top);
      for (const entry of kept.places.flatMap(entriesAt)) entry.classList.add("is-new");
      const goal = document.getElementById(kept.acted) ?? linkAt(kept.was) ?? kept.places.map(linkAt).find(Boolean) ?? calendar;
      if (kept.hadFocus) goal.focus({ preventScroll: true });
      if (kept.acted) document.querySelector("#notices [data-color=warning]")?.scrollIntoView({ block: "center" });
    }
    kept = null;
  }
  again();
}

let last = null; // entry that had the focus most recently
document.addEventListener("focusin", (event) => {
  const entry = event.target.closest?.(".day-calendar a.entry");
  if (entry) last = entry;
});
document.addEventListener("keydown", () => (pressedAt = performance.now()), { passive: true });
document.addEventListener("htmx:beforeRequest", keep);
document.addEventListener("htmx:afterSettle", (event) => event.detail.elt?.closest?.("#work") && shown());
