// Signing in at an OpenID provider: the authorization code flow with PKCE (RFC 7636), as RFC 9700 wants it of pages.
// The token goes to the bridge at once, which gives a cookie for it that no script can read.

const KEPT = "sign-in";
const here = () => `${location.origin}/`;

export async function begin(offer) {
  if (!crypto.subtle) throw new Error("this page must come over https for that");
  const provider = await discover(offer.issuer);
  const [state, verifier] = [random(), random()];
  sessionStorage.setItem(KEPT, JSON.stringify({ state, verifier, endpoint: provider.token_endpoint }));
  const url = new URL(provider.authorization_endpoint);
  const challenge = encoded(await crypto.subtle.digest("SHA-256", new TextEncoder().encode(verifier)));
  const asked = { response_type: "code", scope: offer.scope, state, code_challenge: challenge, code_challenge_method: "S256" };
  for (const [name, value] of Object.entries({ ...asked, ...common(offer) })) url.searchParams.set(name, value);
  location.assign(url);
}

// The tokens when the provider has sent the reader back here, null when it has not.
export async function complete(offer) {
  const answer = new URLSearchParams(location.search);
  if (!answer.has("state")) return null;
  const kept = JSON.parse(sessionStorage.getItem(KEPT) || "{}");
  sessionStorage.removeItem(KEPT);
  history.replaceState(null, "", here()); // the code is for this once, and for nobody who looks at the address
  if (answer.get("state") !== kept.state) throw new Error("the answer is not to what this page asked");
  if ((answer.get("iss") || offer.issuer) !== offer.issuer) throw new Error("the answer is of another provider");
  if (!answer.has("code")) throw new Error(answer.get("error_description") || answer.get("error") || "there is no code");
  const form = { grant_type: "authorization_code", code: answer.get("code"), code_verifier: kept.verifier, ...common(offer) };
  const given = await fetch(kept.endpoint, { method: "POST", body: new URLSearchParams(form) });
  const tokens = await given.json();
  if (!given.ok) throw new Error(tokens.error_description || tokens.error || `the provider answers ${given.status}`);
  return tokens;
}

// To the provider, which ends its own session and sends the reader back; false where it does not offer that.
// (OpenID Connect RP-Initiated Logout 1.0)
export async function end(offer, idToken) {
  const { end_session_endpoint: endpoint } = await discover(offer.issuer);
  if (!endpoint) return false;
  const url = new URL(endpoint);
  if (url.protocol !== "https:" && url.protocol !== new URL(offer.issuer).protocol) throw new Error("it ends sessions without https");
  const asked = { client_id: offer.client_id, post_logout_redirect_uri: here(), ...(idToken ? { id_token_hint: idToken } : {}) };
  for (const [name, value] of Object.entries(asked)) url.searchParams.set(name, value);
  location.assign(url);
  return true;
}

const common = ({ client_id, resource }) => ({ client_id, redirect_uri: here(), ...(resource ? { resource } : {}) });

async function discover(issuer) {
  const answer = await fetch(`${issuer.replace(/\/$/, "")}/.well-known/openid-configuration`);
  const provider = await answer.json();
  if (provider.issuer !== issuer) throw new Error("its discovery document is of another provider");
  return provider;
}

const random = () => encoded(crypto.getRandomValues(new Uint8Array(32)).buffer);
const encoded = (buffer) => btoa(String.fromCharCode(...new Uint8Array(buffer))).replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
