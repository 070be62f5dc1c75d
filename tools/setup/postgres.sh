#!/bin/sh
# Some tests of the bridge start a PostgreSQL server of their own. Brings its programs where this user may, and no
# service; otherwise names them; never fails.
command -v initdb >/dev/null 2>&1 && exit 0
for program in /usr/lib/postgresql/*/bin/initdb; do
    [ -x "$program" ] && exit 0
done
if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null 2>&1; then
    echo "tests: installing postgresql for the tests of the bridge"
    export DEBIAN_FRONTEND=noninteractive
    log=$(mktemp)
    # Debian's package would make a database and start it; its own switch for that comes with postgresql-common.
    (apt-get update && apt-get install -y --no-install-recommends postgresql-common \
        && sed -ri 's/^#?create_main_cluster .*/create_main_cluster = false/' /etc/postgresql-common/createcluster.conf \
        && apt-get install -y --no-install-recommends postgresql) >"$log" 2>&1 && rm -f "$log" && exit 0
    tail -n 5 "$log"
    rm -f "$log"
fi
echo "tests: no postgresql here, so tests/bridge skip what needs one; to have it: sudo apt-get install -y postgresql"
