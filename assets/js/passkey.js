// <button type="button" hidden data-passkey="get|create" data-options="{…}"> asks the browser for a passkey, puts the
// answer into the form's [data-passkey-answer] and sends the form. What goes wrong is told in the form's [data-passkey-trouble].
const TO_BYTES = ["challenge"];
const DEFAULT_TROUBLE = "NotAllowedError";

function bytes(text) {
  const plain = atob(text.replaceAll("-", "+").replaceAll("_", "/"));
  return Uint8Array.from(plain, (letter) => letter.charCodeAt(0));
}

function text(buffer) {
  const plain = String.fromCharCode(...new Uint8Array(buffer));
  return btoa(plain).replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
}

function readable(options) {
  const asked = structuredClone(options);
  for (const name of TO_BYTES) asked[name] = bytes(asked[name]);
  if (asked.user) asked.user.id = bytes(asked.user.id);
  for (const list of [asked.excludeCredentials, asked.allowCredentials])
    for (const one of list ?? []) one.id = bytes(one.id);
  return asked;
}

function sendable(credential) {
  const response = {};
  for (const name of ["clientDataJSON", "attestationObject", "authenticatorData", "signature", "userHandle"])
    if (credential.response[name]) response[name] = text(credential.response[name]);
  return { id: credential.id, rawId: text(credential.rawId), type: credential.type, response, clientExtensionResults: {} };
}

function tell(form, kind) {
  const box = form.querySelector("[data-passkey-trouble]");
  if (!box) return;
  for (const words of box.querySelectorAll("[data-for]")) words.hidden = words.dataset.for !== kind;
  if (!box.querySelector("[data-for]:not([hidden])")) box.querySelector(`[data-for=${DEFAULT_TROUBLE}]`).hidden = false;
  box.hidden = false;
}

async function ask(button) {
  const { form } = button;
  const publicKey = readable(JSON.parse(button.dataset.options).publicKey);
  try {
    const credential = await navigator.credentials[button.dataset.passkey]({ publicKey });
    form.querySelector("[data-passkey-answer]").value = JSON.stringify(sendable(credential));
    form.requestSubmit();
  } catch (trouble) {
    tell(form, trouble.name);
  }
}

document.addEventListener("click", (event) => {
  const button = event.target.closest?.("button[data-passkey]");
  if (button) ask(button);
});
if (window.PublicKeyCredential) {
  for (const button of document.querySelectorAll("button[data-passkey]")) button.hidden = false;
  for (const words of document.querySelectorAll("[data-without-passkeys]")) words.hidden = true;
}
