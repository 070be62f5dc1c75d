# Source this (bash or zsh): the environment in which this checkout's ROS processes and tests run.
_trunnion_root=$(cd "$(dirname "${BASH_SOURCE[0]:-$0}")/../.." && pwd)
if [ -f "$_trunnion_root/ros2_ws/install/environment.json" ]; then
    # -S: without it the wheels' start-up hook has already changed the variables that are read here.
    eval "$("$_trunnion_root/.venv/bin/python" -S "$_trunnion_root/tools/trunnion/environment.py" "$_trunnion_root")"
else
    echo "the workspace is not built: run make setup in $_trunnion_root" >&2
fi
unset _trunnion_root
