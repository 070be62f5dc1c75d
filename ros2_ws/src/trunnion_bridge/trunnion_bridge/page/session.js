// Who looks at the page: a cookie that no script can read, which the bridge gives at its own machine, or to whoever has
// signed in at its OpenID provider.

import { begin, complete, end } from "./sign_in.js";

const gate = document.getElementById("gate");
const says = document.getElementById("gate-says");
const button = document.getElementById("gate-button");
let opening = null;
let offer = null;
let role = "admin"; // of whoever runs the bridge, in development mode
const ROLES = ["viewer", "operator", "integrator", "admin"];
const HINT_MAX = 3500;

// Several parts of the page may ask at once; one request is enough.
export function openSession(options = {}) {
  opening ||= fetch("/v1/session", { method: "POST", ...options }).finally(() => (opening = null));
  return opening;
}

// Why the reader may not do what wants that role; empty when they may.
export const mayNot = (wanted) =>
  ROLES.indexOf(role) >= ROLES.indexOf(wanted) ? "" : `You may look on as ${role}. It takes the role ${wanted}: ask whoever gives out roles.`;

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
    const tokens = await complete(offer);
    return await isLetIn(await openSession(tokens ? withTokens(tokens) : {}), Boolean(tokens));
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
  if (!answer.ok) return closeGate(hasToken ? `${said.title}: ${said.got}.` : (history.state?.says ?? ""));
  if (!said.role) return closeGate(`${said.name} has no role at this cell. Ask whoever gives out roles.`);
  role = said.role;
  history.replaceState(null, "");
  const leave = document.getElementById("leave");
  leave.hidden = false;
  leave.title = `Signed in as ${said.name}, ${said.role}`;
  leave.addEventListener("click", signOut);
  return true;
}

// A bridge keeps the ID token until the session ends, where no script can read it.
const withTokens = ({ access_token, id_token }) => ({
  headers: { Authorization: `Bearer ${access_token}`, "Content-Type": "application/json" },
  body: JSON.stringify(id_token?.length <= HINT_MAX ? { id_token } : {}),
});

async function signOut() {
  const ended = await (await fetch("/v1/session", { method: "DELETE" })).json();
  try {
    if (await end(offer, ended.id_token)) return;
  } catch (error) {
    history.replaceState({ says: `You are signed out here, but ${offer.issuer} did not hear of it: ${error.message}.` }, "");
  }
  location.reload();
}

function closeGate(words) {
  document.querySelector("main").hidden = true;
  says.textContent = words;
  gate.hidden = false;
  button.onclick = () => begin(offer).catch((error) => (says.textContent = `${offer.issuer} cannot be used: ${error.message}.`));
  button.focus();
  return false;
}
