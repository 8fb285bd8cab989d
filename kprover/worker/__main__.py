"""`python -m kprover.worker --fd N --session MODULE:CLASS`: started by `kprover.pool`, not by people."""

from __future__ import annotations

import argparse
import socket

from .loop import serve


def main() -> None:
    """Read the command line and serve the driver at the other end of the socket until it is gone."""
    parser = argparse.ArgumentParser(prog='python -m kprover.worker', description=__doc__)
    parser.add_argument('--fd', type=int, required=True, metavar='N', help='the inherited socket to the driver')
    parser.add_argument(
        '--session',
        default='kprover.proofs.session:Session',
        metavar='MODULE:CLASS',
        help='the class that runs the steps (default: %(default)s)',
    )
    options = parser.parse_args()
    serve(socket.socket(fileno=options.fd), options.session)


if __name__ == '__main__':
    main()
