#!/bin/sh
# Some tests of the bridge start an MQTT broker of their own. Brings it where this user may, and no service; otherwise
# names it; never fails.
command -v mosquitto >/dev/null 2>&1 && exit 0
[ -x /usr/sbin/mosquitto ] && exit 0
if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null 2>&1; then
    echo "tests: installing mosquitto for the tests of the bridge"
    export DEBIAN_FRONTEND=noninteractive
    log=$(mktemp) policy=/usr/sbin/policy-rc.d
    # Debian's package would start it; a policy of its own keeps it from that, and is taken away again.
    [ -e "$policy" ] || { printf '#!/bin/sh\nexit 101\n' >"$policy" && chmod +x "$policy" && ours=1; }
    (apt-get update && apt-get install -y --no-install-recommends mosquitto) >"$log" 2>&1
    code=$?
    [ "${ours:-0}" = 1 ] && rm -f "$policy"
    [ "$code" = 0 ] && rm -f "$log" && exit 0
    tail -n 5 "$log"
    rm -f "$log"
fi
echo "tests: no mosquitto here, so tests/bridge skip what needs a broker; to have it: sudo apt-get install -y mosquitto"
