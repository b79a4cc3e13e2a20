// <dialog id="session-warning" data-left data-warn data-final>: warns before the session ends, lets it go on, and keeps
// what is typed just before the end. The server says how long is left; this file only asks. Without it a session ends all
// the same, and what is sent afterwards is kept by the server.
import { changed, leave } from "./unsaved.js";

const KEPT_BEFORE_END = 6; // seconds
const SPOKEN_AT = [120, 60, 30, 10]; // seconds left; each is said once
const dialog = document.getElementById("session-warning");
const tabs = dialog && "BroadcastChannel" in window ? new BroadcastChannel("session") : null;
let endsAt = 0; // by this computer's clock, which runs on while it sleeps
let isFinal = false;
let acknowledged = false;
let kept = false;
let spoken = Infinity;
let timer = 0;

const secondsLeft = () => Math.round((endsAt - Date.now()) / 1000);
const warnBefore = () => Number(dialog.dataset.warn);

/** Take over what the server, or another tab, says. */
function take({ left, final }, tell) {
  endsAt = Date.now() + left * 1000;
  isFinal = Boolean(final);
  kept = false;
  spoken = Infinity;
  if (left > warnBefore()) {
    acknowledged = false;
    if (dialog.open) dialog.close();
  }
  if (tell) tabs?.postMessage({ left, final: isFinal });
  tick();
}

async function ask(method = "GET") {
  const body = method === "POST" ? new URLSearchParams(new FormData(dialog.querySelector("[data-session-stay]"))) : undefined;
  const answer = await fetch(method === "POST" ? dialog.dataset.stay : dialog.dataset.status, {
    method,
    body,
    headers: { Accept: "application/json" },
    cache: "no-store",
  });
  if (!answer.ok) throw new Error(String(answer.status));
  return answer.json();
}

/** Send each form in which something was typed to the server, to be kept and not carried out. */
async function keep() {
  if (kept) return;
  kept = true;
  const forms = [...document.querySelectorAll("form[method=post]")].filter((form) => !dialog.contains(form) && isTyped(form));
  await Promise.allSettled(
    forms.map((form) => {
      const typed = [...new FormData(form)].filter(([, value]) => typeof value === "string");
      return fetch(form.getAttribute("action") || location.href, {
        method: "POST",
        body: new URLSearchParams(typed),
        headers: { "X-Keep-Form": "1" },
        keepalive: true,
      });
    }),
  );
}

const isTyped = (form) => form.hasAttribute("data-kept") || changed(form).length > 0;

/** The session is over, or nearly: ask once more, since another tab may have made it longer. */
async function end() {
  try {
    const now = await ask();
    if (now.left > KEPT_BEFORE_END) return take(now, true);
    await keep(); // in a sleeping tab it is over already: then the server still knows whose page this was
    if (now.left > 0) {
      setTimeout(end, (now.left + 1) * 1000);
      return;
    }
  } catch {
    setTimeout(end, 5000); // no network: what is on the page stays there, and nothing can be sent
    return;
  }
  leave(); // the question about unsaved changes would only stand in the way: they are kept
  location.replace(location.href.split("#")[0]);
}

function show(left) {
  for (const part of dialog.querySelectorAll("[data-when]")) part.hidden = (part.dataset.when === "final") !== isFinal;
  const shown = Math.max(left, 0);
  dialog.querySelector("[data-countdown]").textContent = `${Math.floor(shown / 60)}:${String(shown % 60).padStart(2, "0")}`;
  const due = SPOKEN_AT.find((one) => left <= one && left > one - 5);
  if (due === undefined || due >= spoken) return;
  spoken = due;
  const status = dialog.querySelector("[data-spoken]");
  const words = due === 60 ? "minute" : due > 60 ? "minutes" : "seconds";
  status.textContent = status.dataset[words].replace("%d", due > 60 ? due / 60 : due);
}

async function warn() {
  try {
    const now = await ask(); // another tab may have been used meanwhile
    if (now.left > warnBefore()) return take(now, false);
  } catch {
    // no network: warn by what is known here
  }
  if (!acknowledged && !dialog.open) dialog.showModal();
  tick();
}

function tick() {
  clearTimeout(timer);
  const left = secondsLeft();
  if (left <= KEPT_BEFORE_END) {
    end();
    return;
  }
  if (left > warnBefore()) {
    timer = setTimeout(tick, Math.min((left - warnBefore()) * 1000, 60_000));
    return;
  }
  if (!dialog.open && !acknowledged) {
    timer = setTimeout(tick, 1000);
    warn();
    return;
  }
  show(left);
  timer = setTimeout(tick, 1000);
}

async function stay() {
  if (isFinal) {
    acknowledged = true;
    dialog.close();
    return;
  }
  try {
    const now = await ask("POST");
    if (now.left > 0) take(now, true);
    else end();
  } catch {
    // no network: the dialog stays, the button can be pressed again
  }
}

/** The dialog promises that what is typed is kept; a sign-out elsewhere on the page doesn't. */
async function signOut(form) {
  await keep();
  leave();
  tabs?.postMessage("ask");
  form.submit();
}

if (dialog) {
  dialog.addEventListener("submit", (event) => {
    event.preventDefault();
    if (event.target.matches("[data-session-stay]")) stay();
    else signOut(event.target);
  });
  dialog.addEventListener("cancel", (event) => {
    event.preventDefault(); // Escape: somebody is there
    stay();
  });
  tabs?.addEventListener("message", ({ data }) => (data === "ask" ? setTimeout(warnIfOver, 1500) : take(data, false)));
  document.addEventListener("submit", (event) => {
    if (event.target.getAttribute("action")?.endsWith("/sign-out/")) tabs?.postMessage("ask");
  });
  document.addEventListener("visibilitychange", () => document.visibilityState === "visible" && tick());
  window.addEventListener("pageshow", (event) => event.persisted && warnIfOver());
  take({ left: Number(dialog.dataset.left), final: dialog.hasAttribute("data-final") }, true);
}

/** Somebody signed out in another tab, or came back with the back button: look whether the session is still there. */
async function warnIfOver() {
  const now = await ask().catch(() => null);
  if (now) take(now, false);
}
