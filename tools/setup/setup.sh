#!/bin/sh
# Finds the Python to set up with and hands over to trunnion_setup, which says the rest.
# PYTHON=... names another one; a Jazzy in /opt/ros is compiled for Python 3.12, so that one goes first there.
here=$(cd "$(dirname "$0")" && pwd)
candidates="python3.11"
if [ -d /opt/ros/jazzy ] && [ "${TRUNNION_ROS:-}" != wheels ]; then
    candidates="python3.12 python3.11"
fi
for name in ${PYTHON:-$candidates}; do
    if command -v "$name" >/dev/null 2>&1 && "$name" -c '' 2>/dev/null; then
        PYTHONPATH="$here" PYTHONDONTWRITEBYTECODE=1 exec "$name" -m trunnion_setup "$@"
    fi
done
echo "set-up stopped: this machine lacks" >&2
echo "  Python 3.11: no ${PYTHON:-$candidates} on PATH" >&2
echo "      sudo apt-get install -y python3.11 python3.11-venv python3.11-dev" >&2
exit 2
