"""A program of its own, not a module: `python -I -S launch.py PARENT_PID PROGRAM ARG...`.

It becomes PROGRAM after asking the kernel to kill it when its parent ends, however the parent ends, and
after checking that the parent has not ended already. This is done here, between fork and exec of a fresh
interpreter, because running Python code in a forked child of a threaded process is not safe. Where the
kernel has no such request (any but Linux) the reaper alone sees to it. It also asks to adopt what its descendants leave
behind, so that all of them stay below it, where they are found and measured, whatever sessions they go into.
"""

import os
import signal
import sys

_PR_SET_PDEATHSIG = 1
_PR_SET_CHILD_SUBREAPER = 36


def main() -> None:
    parent = int(sys.argv[1])
    command = sys.argv[2:]
    if sys.platform == 'linux':
        try:
            import ctypes

            prctl = ctypes.CDLL(None).prctl
            prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
            prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
        except (ImportError, OSError, AttributeError):
            pass  # a Python without ctypes: the reaper is left
    if os.getppid() != parent:
        sys.exit(f'launch: the parent {parent} is gone, not starting {command[0]}')
    # A driver that runs under nohup or in the background ignores signals; its children must not.
    # This interpreter ignores the last two.
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGPIPE, signal.SIGXFSZ):
        signal.signal(number, signal.SIG_DFL)
    signal.pthread_sigmask(signal.SIG_SETMASK, ())
    try:
        os.execvp(command[0], command)
    except OSError as err:
        print(f'launch: cannot start {command[0]}: {err.strerror}', file=sys.stderr)
        sys.exit(127)


if __name__ == '__main__':
    main()
