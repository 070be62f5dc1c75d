// An OpenID provider for the tests: node openid_provider.mjs PORT, with oidc-provider from the folder in NODE_MODULES.
// Each start makes keys of its own, so that starting it anew rotates them. Clients are called as the role they get.

import { generateKeyPairSync } from "node:crypto";
import { createRequire } from "node:module";
import { pathToFileURL } from "node:url";

const require = createRequire(`${process.env.NODE_MODULES}/`);
const { Provider } = await import(pathToFileURL(require.resolve("oidc-provider")));
const port = Number(process.argv[2]);
const key = generateKeyPairSync("rsa", { modulusLength: 2048 }).privateKey.export({ format: "jwk" });
const client = (client_id) => ({
  client_id, client_secret: "for-tests", grant_types: ["client_credentials"], redirect_uris: [], response_types: [],
});
const provider = new Provider(`http://127.0.0.1:${port}`, {
  clients: ["viewer", "operator", "nobody"].map(client),
  jwks: { keys: [{ ...key, kid: `key-${process.pid}`, use: "sig", alg: "RS256" }] },
  extraTokenClaims: (_, token) => ({ realm_access: { roles: [token.clientId] } }),
  features: {
    devInteractions: { enabled: false },
    clientCredentials: { enabled: true },
    resourceIndicators: {
      enabled: true,
      getResourceServerInfo: (_, audience) => ({ scope: "", audience, accessTokenFormat: "jwt", accessTokenTTL: 300 }),
    },
  },
});
provider.listen(port, "127.0.0.1", () => console.log("ready"));
