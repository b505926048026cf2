"""Start it: `python -m sample_apps.atompub [--bind HOST:PORT] [--database FILE]`."""

import argparse
import sys

from sqlalchemy.exc import DatabaseError

from . import DATABASE, make_app
from .guide import guide


def main():
    options = _options()
    host, port = options.bind
    try:
        app = make_app(options.database)
        app.run(host, port, ready=lambda url: print(guide(url), flush=True))
    except DatabaseError as error:
        return _complain(f"{options.database}: {error.orig}")
    except OSError as error:
        return _complain(error)
    return 0


def _options():
    parser = argparse.ArgumentParser(
        prog="python -m sample_apps.atompub", description="Serve AtomPub until Ctrl-C or SIGTERM."
    )
    parser.add_argument(
        "--bind",
        type=_address,
        default="127.0.0.1:8080",
        metavar="HOST:PORT",
        help="where to listen (%(default)s); port 0 for any",
    )
    parser.add_argument(
        "--database",
        default=DATABASE,
        metavar="FILE",
        help="the SQLite file; it is made where there is none (%(default)s)",
    )
    return parser.parse_args()


def _address(text):
    host, _, port = text.rpartition(":")
    if not (host and port.isdecimal() and int(port) < 65536):
        raise argparse.ArgumentTypeError(f"{text!r} is no HOST:PORT")
    return host.strip("[]"), int(port)


def _complain(problem):
    print(f"atompub: {problem}", file=sys.stderr)
    return 2


if __name__ == "__main__":
    sys.exit(main())
