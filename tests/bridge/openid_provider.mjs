// An OpenID provider for the tests: node openid_provider.mjs PORT [ORIGIN OF A PAGE], with oidc-provider from the folder in NODE_MODULES.
// Each start makes keys of its own, so that starting it anew rotates them. Clients and people are called as the role
// that they get; people sign in with any password.

import { generateKeyPairSync } from "node:crypto";
import { createRequire } from "node:module";
import { pathToFileURL } from "node:url";

const require = createRequire(`${process.env.NODE_MODULES}/`);
const { Provider } = await import(pathToFileURL(require.resolve("oidc-provider")));
const [port, page] = [Number(process.argv[2]), process.argv[3]];
const key = generateKeyPairSync("rsa", { modulusLength: 2048 }).privateKey.export({ format: "jwk" });
const client = (client_id) => ({
  client_id, client_secret: "for-tests", grant_types: ["client_credentials"], redirect_uris: [], response_types: [],
});
const ofPage = () => ({
  client_id: "page", token_endpoint_auth_method: "none", application_type: "native", redirect_uris: [`${page}/`],
  post_logout_redirect_uris: [`${page}/`],
});
const provider = new Provider(`http://127.0.0.1:${port}`, {
  clients: [...["viewer", "operator", "nobody"].map(client), ...(page ? [ofPage()] : [])],
  jwks: { keys: [{ ...key, kid: `key-${process.pid}`, use: "sig", alg: "RS256" }] },
  extraTokenClaims: (_, token) => ({ realm_access: { roles: [token.accountId || token.clientId] } }),
  features: {
    devInteractions: { enabled: Boolean(page) },
    clientCredentials: { enabled: true },
    resourceIndicators: {
      enabled: true,
      getResourceServerInfo: (_, audience) => ({ scope: "", audience, accessTokenFormat: "jwt", accessTokenTTL: 300 }),
    },
  },
});
provider.listen(port, "127.0.0.1", () => console.log("ready"));
