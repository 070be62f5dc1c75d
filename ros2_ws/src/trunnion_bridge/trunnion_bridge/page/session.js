// Who looks at the page: a cookie that no script can read, which the bridge gives at its own machine, or to whoever has
// signed in at its OpenID provider.

import { begin, complete } from "./sign_in.js";

const gate = document.getElementById("gate");
const says = document.getElementById("gate-says");
const button = document.getElementById("gate-button");
let opening = null;
let offer = null;

// Several parts of the page may ask at once; one request is enough.
export function openSession(headers = {}) {
  opening ||= fetch("/v1/session", { method: "POST", headers }).finally(() => (opening = null));
  return opening;
}

// A fetch that opens a new session when the old one has ended, as it does when the bridge was started anew.
export async function ask(path, options) {
  const answer = await fetch(path, options);
  if (answer.status !== 401 || !(await openSession()).ok) return answer;
  return fetch(path, options);
}

// Whether the cell may be shown: at once, or after the reader has come back from the provider.
export async function arrive() {
  offer = await (await fetch("/v1/sign-in")).json();
  if (!offer.issuer) return true;
  try {
    const token = await complete(offer);
    return await isLetIn(await openSession(token ? { Authorization: `Bearer ${token}` } : {}), Boolean(token));
  } catch (error) {
    return closeGate(`Signing in did not work: ${error.message}.`);
  }
}

// Whether a connection may be tried. A bridge that does not answer is none of ours: who connects will tell.
export async function admitted() {
  const answer = await openSession().catch(() => null);
  if (!answer || answer.ok || !offer?.issuer || answer.status >= 500) return true;
  return closeGate("Your session has ended.");
}

async function isLetIn(answer, hasToken) {
  const said = await answer.json();
  if (!answer.ok) return closeGate(hasToken ? `${said.title}: ${said.got}.` : "");
  if (!said.role) return closeGate(`${said.name} has no role at this cell. Ask whoever gives out roles.`);
  const leave = document.getElementById("leave");
  leave.hidden = false;
  leave.title = `Signed in as ${said.name}, ${said.role}`;
  leave.addEventListener("click", async () => {
    await fetch("/v1/session", { method: "DELETE" });
    location.reload();
  });
  return true;
}

function closeGate(words) {
  document.querySelector("main").hidden = true;
  says.textContent = words;
  gate.hidden = false;
  button.onclick = () => begin(offer).catch((error) => (says.textContent = `${offer.issuer} cannot be used: ${error.message}.`));
  button.focus();
  return false;
}
