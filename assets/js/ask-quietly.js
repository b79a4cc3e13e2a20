// Lets an open page keep itself true: while it is seen it asks now and then, by itself, whether it is still the newest.
// Asking says so (X-By-Itself) and keeps no session open. It ends when nobody is there, or nobody is signed in any more.
const EVERY = 20; // seconds, and up to half as much again, so that many who look don't ask at the same moment
const SLOWEST = 300; // seconds, when the server fails
const SOON = 4; // seconds, when something is not to be disturbed
const MOST_UNTOUCHED = 60; // looks without anyone pressing or moving anything: then nobody is there

const seconds = (least) => (least + (Math.random() * least) / 2) * 1000;

/**
 * @param find the element that is to be kept true; its data-version says which state it shows
 * @param addressOf where to ask about it
 * @param header in which the version is sent and comes back
 * @param take what to do with the element and an answer that says something new
 * @param isBusy whether somebody is at something that is not to be disturbed
 * @returns a function that asks anew after a while; to be called when the element was changed by a press
 */
export function askQuietly({ find, addressOf, header, take, isBusy = () => false }) {
  let wait = EVERY;
  let untouched = 0;
  let timer = 0;
  let isLooking = false;

  function plan(least = wait) {
    clearTimeout(timer);
    if (find() && !document.hidden && untouched < MOST_UNTOUCHED) timer = setTimeout(look, seconds(least));
  }

  /** Ask; an answer about what is no longer there, or from no longer being signed in, says nothing. */
  async function look() {
    const asked = find();
    if (!asked || isLooking || document.hidden) return;
    if (isBusy()) return plan(SOON);
    isLooking = true;
    untouched += 1;
    const version = asked.dataset.version;
    try {
      const answer = await fetch(addressOf(asked), {
        headers: { "X-By-Itself": "1", [header]: version },
        redirect: "manual",
        cache: "no-store",
      });
      if (answer.status >= 500 || answer.status === 429) throw new Error(String(answer.status));
      if (!answer.headers.has(header)) return; // signed out, or no such page any more
      wait = EVERY;
      const news = answer.status === 200 ? await answer.json() : null;
      if (isBusy()) return plan(SOON);
      if (news && find() === asked && asked.dataset.version === version) take(asked, news);
      plan();
    } catch {
      wait = Math.min(wait * 2, SLOWEST);
      plan();
    } finally {
      isLooking = false;
    }
  }

  for (const name of ["pointerdown", "keydown", "scroll"]) {
    document.addEventListener(name, () => {
      const was = untouched;
      untouched = 0;
      if (was >= MOST_UNTOUCHED) plan(1);
    }, { passive: true });
  }
  document.addEventListener("visibilitychange", () => (document.hidden ? clearTimeout(timer) : plan(1)));
  window.addEventListener("pageshow", (event) => event.persisted && plan(1));
  plan();
  return () => {
    untouched = 0;
    plan();
  };
}
