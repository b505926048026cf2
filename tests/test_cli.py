"""The command `kroute`: what it prints, and its exit status."""

from __future__ import annotations

import json
import sys
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from kroute import App, cli
from kroute.cli import main
from kroute.net import BindError

SOURCE = """
from kroute import App


class Entry:
    def GET(self, request, id):
        return id

    def PUT(self, request, id):
        return id


app = App()
app.add("/entry/{id}", Entry, name="entry")


@app.get("/")
def home(request):
    yield "home"


def make_app():
    return app


def broken():
    raise KeyError("mine")
"""


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    (tmp_path / "commanded.py").write_text(SOURCE)
    (tmp_path / "fails.py").write_text("x = 1\n1 / 0\n")
    (tmp_path / "wrong.py").write_text("x = 1\napp = (\n")
    (tmp_path / "misfit.py").write_text(
        "from kroute import App\napp = App()\n@app.get('/{x}')\ndef home(request):\n    pass\n"
    )
    (tmp_path / "shadowed.py").write_text(
        "from kroute import App\napp = App()\n"
        "app.add('/{x}', GET=lambda request, x: x)\napp.add('/y', GET=lambda request: '')\n"
    )
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", list(sys.path))
    before = set(sys.modules)
    yield tmp_path
    for name in set(sys.modules) - before:
        del sys.modules[name]


@pytest.fixture
def serves(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """What `serve` was asked for, in its place."""
    asked: list[Any] = []
    monkeypatch.setattr(cli, "serve", lambda *arguments, **_: asked.append(arguments))
    monkeypatch.setattr(cli, "raise_descriptor_limit", lambda: None)
    monkeypatch.setattr(cli, "show_log", lambda access: None)
    return asked


# kroute routes


def test_lists_routes(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["routes", "commanded:app"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].split() == ["#", "METHODS", "PATH", "NAME", "HANDLER"]
    assert [line.split() for line in lines[1:]] == [
        ["0", "GET", "/entry/{id}", "entry", "commanded.py:6", "(Entry.GET)"],
        ["0", "PUT", "/entry/{id}", "entry", "commanded.py:9", "(Entry.PUT)"],
        ["1", "GET", "/", "commanded.py:17", "(home)"],
    ]


def test_lists_routes_in_json(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["routes", "commanded:make_app()", "--json"]) == 0
    rows = json.loads(capsys.readouterr().out)
    assert [row["path"] for row in rows] == ["/entry/{id}", "/"]
    assert rows[0]["handlers"]["GET"] == "commanded.py:6 (Entry.GET)"


@pytest.mark.parametrize(
    ("asked", "status", "says"),
    [
        ("GET /entry/7", 0, "GET /entry/7 is answered by commanded.py:6 (Entry.GET)\n  id = '7'"),
        ("GET /nowhere", 1, "GET /nowhere is answered 404"),
        ("POST /", 1, "POST / is answered 405; the path has GET, HEAD, OPTIONS"),
    ],
)
def test_says_which_route_takes_a_request(
    capsys: pytest.CaptureFixture[str], asked: str, status: int, says: str
) -> None:
    assert main(["routes", "commanded", "--match", asked]) == status
    assert capsys.readouterr().out.rstrip().endswith(says)


def test_says_it_in_json_too(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["routes", "commanded", "--json", "--match", "GET http://a.example/entry/7"]) == 0
    assert json.loads(capsys.readouterr().out)["variables"] == {"id": "7"}


@pytest.mark.filterwarnings("default::kroute.RouteWarning")
@pytest.mark.parametrize("command", ["run", "routes"])
def test_warns_of_what_cannot_be_reached(
    command: str, serves: list[Any], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([command, "shadowed"]) == 0
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("kroute: warning: shadowed.py:4: route '/y': is never reached: ")


def test_a_warning_may_be_made_an_error(capsys: pytest.CaptureFixture[str]) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert main(["routes", "shadowed"]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("kroute: shadowed.py:4: route '/y': is never reached: ")


# kroute run


def test_runs_on_port_8080(serves: list[Any]) -> None:
    assert main(["run", "commanded"]) == 0
    ((protocol, addresses, limits),) = serves
    assert addresses == [("127.0.0.1", 8080)]
    app = sys.modules["commanded"].app
    assert protocol == app.protocol
    assert limits == app.limits
    assert not app.debug
    assert not app.access_log


def test_runs_as_it_is_told(serves: list[Any]) -> None:
    words = "--bind 0.0.0.0:80 --bind [::1]:8081 --bind 9000 --debug --access-log"
    assert main(["run", "commanded:app", *words.split()]) == 0
    assert serves[0][1] == [("0.0.0.0", 80), ("::1", 8081), ("127.0.0.1", 9000)]
    app = sys.modules["commanded"].app
    assert app.debug
    assert app.access_log == "common"


@pytest.mark.parametrize("form", ["common", "combined", "json"])
def test_the_access_log_has_a_format(serves: list[Any], form: str) -> None:
    assert main(["run", f"--access-log={form}", "commanded:app"]) == 0
    assert sys.modules["commanded"].app.access_log == form


@pytest.mark.parametrize("words, parser", [("", None), ("--parser h11", "h11")])
def test_the_parser_can_be_chosen(serves: list[Any], words: str, parser: str | None) -> None:
    assert main(["run", "commanded:app", *words.split()]) == 0
    assert sys.modules["commanded"].app.parser == parser


def test_a_parser_that_the_author_has_chosen_stays(serves: list[Any], here: Path) -> None:
    (here / "chosen.py").write_text("from kroute import App\napp = App(parser='h11')\n")
    assert main(["run", "chosen"]) == 0
    assert sys.modules["chosen"].app.parser == "h11"


# What the user has to put right


def test_a_parser_that_is_none(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as stopped:
        main(["run", "commanded", "--parser", "lxml"])
    assert stopped.value.code == 2
    assert "there is no parser 'lxml'; there are httptools and h11" in capsys.readouterr().err


@pytest.mark.parametrize("command", ["run", "routes"])
@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("nowhere:app", "kroute: there is no module 'nowhere' in "),
        ("commanded:nothing", "kroute: commanded has no 'nothing'; it has app"),
        ("commanded.py", "kroute: 'commanded.py' is a file; "),
        ("misfit", "kroute: misfit.py:3 (home): route '/{x}': home() has no parameter 'x'"),
    ],
)
def test_what_is_wrong_is_a_line(
    capsys: pytest.CaptureFixture[str], serves: list[Any], command: str, name: str, says: str
) -> None:
    assert main([command, name]) == 2
    printed = capsys.readouterr()
    assert printed.out == ""
    assert printed.err.startswith(says)
    assert printed.err.count("\n") == 1
    assert not serves


@pytest.mark.parametrize(
    ("name", "says", "line"),
    [
        ("fails", "ZeroDivisionError: division by zero", 'fails.py", line 2'),
        ("wrong", "SyntaxError: '(' was never closed", 'wrong.py", line 2'),
        ("commanded:broken()", "KeyError: 'mine'", 'commanded.py", line 27'),
    ],
)
def test_what_the_module_raises_is_shown_as_its_author_knows_it(
    capsys: pytest.CaptureFixture[str], serves: list[Any], name: str, says: str, line: str
) -> None:
    assert main(["run", name]) == 2
    shown = capsys.readouterr().err
    assert says in shown
    assert line in shown
    assert "loading.py" not in shown
    assert "importlib" not in shown
    assert shown.splitlines()[-1].startswith(f"kroute: {name} could not be loaded: ")


def test_an_address_that_cannot_be_had_is_a_line(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, serves: list[Any]
) -> None:
    def fail(*arguments: Any, **options: Any) -> None:
        raise BindError("cannot listen on 127.0.0.1:1: Permission denied")

    monkeypatch.setattr(cli, "serve", fail)
    assert main(["run", "commanded"]) == 2
    assert capsys.readouterr().err == "kroute: cannot listen on 127.0.0.1:1: Permission denied\n"


@pytest.mark.parametrize(
    "words",
    [
        [],
        ["run"],
        ["walk", "commanded"],
        ["run", "commanded", "--bind", "nonsense"],
        ["run", "commanded", "--bind", "::1:80"],
        ["run", "commanded", "--bind", "127.0.0.1:65536"],
        ["run", "commanded", "--relo"],
        ["run", "commanded", "--access-log=apache"],
        ["run", "commanded", "--threads", "0"],
        ["run", "commanded", "--threads", "many"],
        ["run", "commanded", "--graceful-timeout", "-1"],
        ["run", "commanded", "--graceful-timeout", "soon"],
        ["routes", "commanded", "--match", "/path"],
        ["routes", "commanded", "--match", "get /path"],
        ["routes", "commanded", "--match", "GET path"],
    ],
)
def test_words_that_mean_nothing_are_status_2(
    capsys: pytest.CaptureFixture[str], words: list[str]
) -> None:
    with pytest.raises(SystemExit) as left:
        main(words)
    assert left.value.code == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("kroute")
    assert line.endswith(" --help says more)")


def test_threads_are_for_a_wsgi_application(
    monkeypatch: pytest.MonkeyPatch, serves: list[Any]
) -> None:
    asked: list[Any] = []
    monkeypatch.setattr(cli, "load_app", lambda *arguments: asked.append(arguments) or App())
    assert main(["run", "mysite.wsgi:application", "--threads", "3"]) == 0
    assert main(["run", "mysite.wsgi:application"]) == 0
    assert asked == [("mysite.wsgi:application", 3), ("mysite.wsgi:application", None)]


def test_ctrl_c_before_it_serves_is_no_traceback(
    monkeypatch: pytest.MonkeyPatch, serves: list[Any]
) -> None:
    def interrupted(*arguments: Any) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(cli, "load_app", interrupted)
    assert main(["run", "commanded"]) == 130


def test_reloading_runs_the_same_command_again(monkeypatch: pytest.MonkeyPatch) -> None:
    ran: list[Any] = []
    monkeypatch.setattr(cli, "run_reloading", lambda command: ran.append(command) or 7)
    monkeypatch.setattr(cli.signal, "signal", lambda *_: None)
    assert main(["run", "nowhere:app", "--reload", "--bind", "127.0.0.1:0", "--debug"]) == 7
    assert ran == [
        [sys.executable, "-m", "kroute", "run", "nowhere:app", "--bind", "127.0.0.1:0", "--debug"]
    ]


@pytest.mark.parametrize(
    ("limit", "problem"),
    [
        ("bodies=1", "there is no limit 'bodies'"),
        ("body_bytes=much", "'much' is no number"),
        ("body_bytes", "'' is no number"),
        ("body_bytes=-1", "the limit body_bytes cannot be -1"),
        ("connections=0", "the limit connections cannot be 0"),
        ("pipelined=0", "the limit pipelined cannot be 0"),
    ],
)
def test_a_limit_that_is_none(
    limit: str, problem: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as stopped:
        main(["run", "hello:app", "--limit", limit])
    assert stopped.value.code == 2
    assert problem in capsys.readouterr().err
