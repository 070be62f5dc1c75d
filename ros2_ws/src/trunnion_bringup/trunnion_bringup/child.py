"""Runs a command that dies with its parent, even when the parent is killed with SIGKILL.

Started as `python -I -S child.py PARENT_PID COMMAND...`: sets the parent-death signal and becomes the command, same
process id. The signal survives the exec, and the restart of the interpreter that the ROS wheels do. Needs Linux.
"""

import ctypes
import os
import signal
import sys

PR_SET_PDEATHSIG = 1


def main() -> None:
    """Becomes the command."""
    parent, command = int(sys.argv[1]), sys.argv[2:]
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:
        sys.exit("the parent died before its child began")
    os.execv(command[0], command)


if __name__ == "__main__":
    main()
