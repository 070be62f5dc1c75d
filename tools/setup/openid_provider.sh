#!/bin/sh
# Some tests of the bridge ask a real OpenID provider for tokens. Brings it where npm is, otherwise says so; never fails.
root=$(cd "$(dirname "$0")/../.." && pwd)
place="$root/.venv/openid-provider"
[ -d "$place/node_modules/oidc-provider" ] && exit 0
if command -v npm >/dev/null 2>&1; then
    echo "tests: installing an OpenID provider for the tests of the bridge"
    mkdir -p "$place" && npm install --silent --no-audit --no-fund --prefix "$place" oidc-provider@9.13.3 && exit 0
fi
echo "tests: no OpenID provider here, so tests/bridge/test_openid_provider.py does not run; to have it: sudo apt-get install -y npm"
