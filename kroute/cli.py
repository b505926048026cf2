"""The command `kroute`: `kroute run module:app`, `kroute routes module:app`.

main: the whole of it, from arguments to an exit status: 0, 1 for a route that does not match, 2
for what the user has to put right.
"""

from __future__ import annotations

import argparse
import importlib
import json
import os
import re
import signal
import ssl
import sys
import traceback
import warnings
from collections.abc import Sequence
from dataclasses import asdict, replace
from math import inf
from typing import NoReturn, TextIO

from . import __version__
from .app import App
from .http import PARSERS, Limits, Proxies, field_reader
from .listing import explained, listed, match_row, route_rows
from .loading import LoadError, load_app
from .net import Address, BindError, Endpoint, UnixAddress, parse_endpoint, tls_context
from .reload import run_reloading
from .routing import RouteError, RouteWarning
from .serve import GRACEFUL_TIMEOUT, keep_freed_memory, raise_descriptor_limit, serve, show_log
from .server import ACCESS_FORMATS

__all__ = ["main"]

ACCESS_LOG = "--access-log"


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command with `arguments` (those of the process by default); returns its status."""
    words = sys.argv[1:] if arguments is None else list(arguments)
    # argparse would take the next word for the format.
    words = [f"{ACCESS_LOG}={ACCESS_FORMATS[0]}" if word == ACCESS_LOG else word for word in words]
    options = _parser().parse_args(words)
    options.words = words
    try:
        status: int = options.command(options)
        return status
    except (LoadError, BindError, RouteError, RouteWarning) as error:
        # A warning is raised where the interpreter was asked for that (-W error).
        print(f"kroute: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        return 130  # as the shell has it for a process ended by Ctrl-C


class _Parser(argparse.ArgumentParser):
    """One that says in a line what is wrong, instead of after a page of usage."""

    def error(self, message: str) -> NoReturn:
        self.exit(2, f"{self.prog}: {message} ({self.prog} --help says more)\n")


def _parser() -> argparse.ArgumentParser:
    # No abbreviations: an option is looked for by its name when the command runs itself again.
    parser = _Parser(prog="kroute", description="Serve kroute applications.", allow_abbrev=False)
    parser.add_argument("--version", action="version", version=f"kroute {__version__}")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    run = commands.add_parser(
        "run", help="serve an application", description=_run.__doc__, allow_abbrev=False
    )
    run.set_defaults(command=_run)
    _add_app(run)
    run.add_argument(
        "--bind",
        action="append",
        default=[],
        type=_endpoint,
        metavar="WHERE",
        help="where to listen (127.0.0.1:8080); may be given more than once. HOST:PORT, port 0 "
        "for any; unix:PATH; fd://NUMBER for an open descriptor; systemd: for those it passes",
    )
    run.add_argument(
        "--socket-mode",
        type=_mode,
        metavar="MODE",
        help="permissions of the file of unix:PATH, in octal (666)",
    )
    run.add_argument("--certfile", metavar="PEM", help="speak TLS with this certificate")
    run.add_argument("--keyfile", metavar="PEM", help="its key, if it is in a file of its own")
    run.add_argument(
        "--threads",
        type=_threads,
        metavar="NUMBER",
        help="of a WSGI application, which has as many requests at a time (8)",
    )
    run.add_argument("--debug", action="store_true", help="show tracebacks to clients")
    run.add_argument("--reload", action="store_true", help="start again when a *.py file changes")
    run.add_argument(
        "--forwarded-allow-ips",
        metavar="LIST",
        type=_proxies,
        help="proxies whose X-Forwarded fields count: addresses, networks, "
        "unix: for whoever comes by a Unix socket, * for all (127.0.0.1,::1)",
    )
    run.add_argument(
        "--limit",
        action="append",
        default=[],
        type=_limit,
        metavar="NAME=NUMBER",
        help="one of the limits of the server, such as body_bytes=1000000 or keep_alive_seconds=2",
    )
    run.add_argument(
        "--graceful-timeout",
        type=_seconds,
        default=GRACEFUL_TIMEOUT,
        metavar="SECONDS",
        help=f"that requests have to be finished after SIGTERM or Ctrl-C ({GRACEFUL_TIMEOUT:g})",
    )
    run.add_argument(
        "--parser",
        type=_parser_name,
        metavar="|".join(PARSERS),
        help="the library that reads header fields (httptools, or h11 where that is missing)",
    )
    run.add_argument(
        ACCESS_LOG,
        choices=ACCESS_FORMATS,
        metavar="FORMAT",
        help="log a line for each answer to the standard output, in one of the formats "
        f"{', '.join(ACCESS_FORMATS)}; the first where no =FORMAT is given",
    )

    routes = commands.add_parser(
        "routes",
        help="list the routes of an application",
        description=_routes.__doc__,
        allow_abbrev=False,
    )
    routes.set_defaults(command=_routes)
    _add_app(routes)
    routes.add_argument(
        "--match",
        metavar="'METHOD /PATH'",
        type=_asked,
        help="say which route takes a request, and why those before it do not; "
        "'METHOD http://HOST/PATH' where routes ask for a sub-domain",
    )
    routes.add_argument("--json", action="store_true", help="write JSON")
    return parser


def _add_app(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("app", metavar="MODULE:APP", help="hello:app, or hello:make_app()")


def _endpoint(text: str) -> Endpoint:
    try:
        return parse_endpoint(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from None


def _mode(text: str) -> int:
    if not re.fullmatch("0?[0-7]{3}", text):
        raise argparse.ArgumentTypeError(f"{text!r} is no mode of a file; 660 is")
    return int(text, 8)


def _proxies(text: str) -> Proxies:
    try:
        return Proxies(word.strip() for word in text.split(","))
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from None


def _limit(text: str) -> tuple[str, float]:
    name, _, number = text.partition("=")
    usual: dict[str, float] = asdict(Limits())
    try:
        value = type(usual[name])(number)
    except KeyError:
        problem = f"there is no limit {name!r}; there are {', '.join(usual)}"
        raise argparse.ArgumentTypeError(problem) from None
    except ValueError:
        problem = f"{number!r} is no number; NAME=NUMBER is needed"
        raise argparse.ArgumentTypeError(problem) from None
    try:
        Limits(**{name: value})  # type: ignore[arg-type]  # of the type of its default
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from None
    return name, value


def _threads(text: str) -> int:
    if not (text.isascii() and text.isdigit() and int(text)):
        raise argparse.ArgumentTypeError(f"{text!r} is no number of threads")
    return int(text)


def _seconds(text: str) -> float:
    try:
        seconds = float(text)
    except ValueError:
        seconds = -1.0
    if not 0 <= seconds < inf:
        raise argparse.ArgumentTypeError(f"{text!r} is no number of seconds")
    return seconds


def _parser_name(text: str) -> str:
    try:
        field_reader(text)
        return text
    except (ValueError, ImportError) as error:
        raise argparse.ArgumentTypeError(str(error)) from None


def _asked(text: str) -> tuple[str, str]:
    method, _, url = text.partition(" ")
    if not method.isupper() or not re.match("/|https?://", url):
        raise argparse.ArgumentTypeError(f"{text!r} is no request; 'GET /path' is")
    return method, url


def _load(name: str, threads: int | None = None) -> App:
    """The application; what its own module raises is shown as its author knows it."""
    try:
        return load_app(name, threads)
    except (LoadError, RouteError):
        raise  # they say where and what, in a line
    except Exception as error:
        trace = error.__traceback__
        while trace is not None and _is_ours(trace.tb_frame.f_code.co_filename):
            trace = trace.tb_next
        traceback.print_exception(type(error), error, trace)
        raise LoadError(f"{name} could not be loaded: {type(error).__name__}") from None


def _check(app: App) -> None:
    """Say in a line each what is wrong with the map, but not fatal."""
    with warnings.catch_warnings():
        warnings.showwarning = _show
        app.check()


def _show(
    message: Warning | str,
    category: type[Warning],
    filename: str,
    lineno: int,
    file: TextIO | None = None,
    line: str | None = None,
) -> None:
    """In the place of `warnings.showwarning`: a RouteWarning says itself where it belongs."""
    print(f"kroute: warning: {message}", file=sys.stderr)


def _is_ours(file: str) -> bool:
    return file.startswith((os.path.dirname(__file__), "<frozen importlib", importlib.__file__))


def _run(options: argparse.Namespace) -> int:
    """Serve an application until Ctrl-C or SIGTERM."""
    if options.reload:
        return _run_reloading(options.words)
    app = _load(options.app, options.threads)
    app.debug = app.debug or options.debug
    app.access_log = options.access_log or app.access_log
    show_log(app.access_log is not None)
    app.proxies = options.forwarded_allow_ips or app.proxies
    app.limits = replace(app.limits, **dict(options.limit))
    app.parser = options.parser or app.parser
    _check(app)
    raise_descriptor_limit()
    keep_freed_memory()
    serve(
        app.protocol,
        _endpoints(options),
        app.limits,
        ssl_context=_context(options),
        graceful_timeout=options.graceful_timeout,
    )
    return 0


def _endpoints(options: argparse.Namespace) -> list[Endpoint]:
    endpoints: list[Endpoint] = options.bind or [Address("127.0.0.1", 8080)]
    if options.socket_mode is None:
        return endpoints
    return [
        endpoint._replace(mode=options.socket_mode)
        if isinstance(endpoint, UnixAddress)
        else endpoint
        for endpoint in endpoints
    ]


def _context(options: argparse.Namespace) -> ssl.SSLContext | None:
    """For TLS, if that is asked for."""
    if options.certfile is None:
        if options.keyfile is not None:
            raise BindError("--keyfile is of no use without --certfile")
        return None
    return tls_context(options.certfile, options.keyfile, ["http/1.1"])


def _run_reloading(words: Sequence[str]) -> int:
    """Run this command again, as a process of its own and without --reload."""
    arguments = [word for word in words if word != "--reload"]
    signal.signal(signal.SIGTERM, lambda number, frame: sys.exit(0))
    return run_reloading([sys.executable, "-m", "kroute", *arguments])


def _routes(options: argparse.Namespace) -> int:
    """List the routes of an application in the order they are tried."""
    app = _load(options.app)
    _check(app)
    if options.match:
        row = match_row(app.urls, *options.match)
        print(json.dumps(row, indent=2) if options.json else "\n".join(explained(row)))
        return 0 if row["handler"] or row["location"] else 1
    rows = route_rows(app.urls)
    print(json.dumps(rows, indent=2) if options.json else "\n".join(listed(rows)))
    return 0
