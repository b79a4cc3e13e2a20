// Today's calendar opens where it is now, not where the day began; an address that names an entry shows that entry.
const board = document.querySelector(".day-calendar");
const now = board?.querySelector(".now");
const ABOVE = 3; // a third of the calendar is what has been, the rest is to come

if (now && !location.hash && !document.querySelector("[data-moving]") && board.scrollHeight > board.clientHeight) {
  board.scrollTop = now.getBoundingClientRect().top - board.getBoundingClientRect().top - board.clientHeight / ABOVE;
}
