// <p data-opens-in="135" data-open hidden>: counts down to the moment when urgent times come out, and says when they have.
// By the seconds that are left, not by this computer's clock. Without scripts the page names the time all the same.
const soon = document.querySelector("[data-opens-in]");

function count(opensAt) {
  const left = Math.ceil((opensAt - Date.now()) / 1000);
  if (left <= 0) return say(soon.dataset.open);
  soon.querySelector("[data-left]").textContent = asClock(left);
  setTimeout(count, 250, opensAt);
}

function asClock(left) {
  const two = (number) => String(number).padStart(2, "0");
  const [hours, minutes, seconds] = [Math.floor(left / 3600), Math.floor(left / 60) % 60, left % 60];
  return hours ? `${hours}:${two(minutes)}:${two(seconds)}` : `${minutes}:${two(seconds)}`;
}

/** Those who hear the page are told once, not each second. */
function say(words) {
  soon.querySelector("[data-counts]").textContent = words;
  soon.querySelector("[role=status]").textContent = words;
}

if (soon) {
  soon.hidden = false;
  count(Date.now() + Number(soon.dataset.opensIn) * 1000);
}
