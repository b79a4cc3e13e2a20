// The staff's calendar by keys: [data-calendar-keys] holds a link for each (t, arrows, d, w, n), m begins to move the
// appointment one is at, and while one moves ([data-moving]) the arrows go from time to time and Enter takes one. The
// switch that turns the inbox's keys off turns these off, too.
const OFF = "list-keys-off";
const WRITTEN_IN = "textarea, select, [contenteditable], input:not([type=checkbox], [type=radio], [type=submit])";
const calendar = document.querySelector(".day-calendar");
const keys = document.querySelector("[data-calendar-keys]");
const moving = document.querySelector("[data-moving]");

function isOff() {
  try {
    return localStorage.getItem(OFF) === "1";
  } catch {
    return false; // no storage: nothing to remember
  }
}

/** Free times, column by column. */
function columns() {
  return [...calendar.querySelectorAll(".column")].map((one) => [...one.querySelectorAll("a.entry[data-target]")]);
}

/** The time of the list that begins nearest to where one is. */
function nearest(list, entry) {
  const at = (one) => one.querySelector("time").dateTime.split(":").reduce((hours, minutes) => hours * 60 + +minutes, 0);
  const here = at(entry);
  return list.reduce((best, one) => (Math.abs(at(one) - here) < Math.abs(at(best) - here) ? one : best));
}

/** Go to the next free time in this direction; from elsewhere to the first. */
function go(key) {
  const all = columns();
  const place = all.findIndex((list) => list.includes(document.activeElement));
  if (place < 0) return all.flat()[0]?.focus();
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
  here.searchParams.set("move", from.pathname.match(/([0-9a-f-]{36})/)[1]);
  here.searchParams.set("version", from.searchParams.get("version"));
  location.assign(here);
}

function press(event) {
  const { key } = event;
  if (key === "?") return document.querySelector(".key-help")?.toggleAttribute("open") ?? true;
  if (moving && key.startsWith("Arrow")) return go(key) ?? true;
  if (key === "m" && calendar) return begin() ?? true;
  // In a calendar that is wider than its place the arrows look at the rest of it.
  if (key.startsWith("Arrow") && event.target === calendar && calendar.scrollWidth > calendar.clientWidth) return false;
  const link = document.querySelector(`[data-calendar-keys] [data-key="${CSS.escape(key)}"], [data-moving] [data-key="${CSS.escape(key)}"]`);
  link?.click();
  return Boolean(link);
}

if (keys) {
  document.addEventListener("keydown", (event) => {
    if (event.defaultPrevented || event.isComposing || event.ctrlKey || event.altKey || event.metaKey || event.repeat && !moving) return;
    if (isOff() || document.querySelector("dialog:modal") || event.target.closest?.(WRITTEN_IN)) return;
    if (press(event) !== false) {
      if (event.key === "?" || event.key.startsWith("Arrow")) event.preventDefault();
    }
  });
}
if (moving) {
  for (const words of moving.querySelectorAll("[data-scripts-only]")) words.hidden = false;
  if (calendar) go("ArrowDown");
}
