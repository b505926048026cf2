"""Which room of kroute knows which, read from the source."""

from __future__ import annotations

import ast
import importlib
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import kroute

ROOT = Path(kroute.__file__).parent
MODULES = sorted(ROOT.rglob("*.py"))

# What each room may import of kroute beside itself.
ROOMS: dict[str, set[str]] = {
    "routing": set(),
    "http": set(),
    "scheduler": set(),
    "net": {"scheduler"},
    "server": {"http", "routing", "scheduler"},
    "handlers": {"http", "routing", "scheduler"},
    "gateway": {"http", "scheduler"},
}


def name_of(path: Path) -> str:
    """The module at a path, without `kroute.`: `http.parser`; "" for the package itself."""
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(part for part in parts if part != "__init__")


@cache
def imported(path: Path) -> list[tuple[str, str, bool]]:
    return list(_imported(path))


def _imported(path: Path) -> Iterator[tuple[str, str, bool]]:
    """Modules of kroute that a module imports, the name it takes, and whether when it runs."""
    package = (
        "kroute",
        *path.relative_to(ROOT).parent.parts,
    )
    tree = ast.parse(path.read_text())
    checked = {
        id(node)
        for block in ast.walk(tree)
        if isinstance(block, ast.If) and ast.unparse(block.test) == "TYPE_CHECKING"
        for node in ast.walk(block)
    }
    for node in ast.walk(tree):
        runs = id(node) not in checked
        if isinstance(node, ast.Import):
            for alias in node.names:
                if alias.name.split(".")[0] == "kroute":
                    yield alias.name.partition(".")[2], "", runs
        elif isinstance(node, ast.ImportFrom):
            base = package[: len(package) - node.level + 1] if node.level else ()
            full = ".".join([*base, *(node.module or "").split(".")]).strip(".")
            if full.split(".")[0] == "kroute":
                for alias in node.names:
                    yield full.partition(".")[2], alias.name, runs


def room_of(module: str) -> str:
    return module.split(".")[0]


def test_a_room_knows_only_the_rooms_below_it() -> None:
    for path in MODULES:
        own = room_of(name_of(path))
        if own not in ROOMS:
            continue  # app, cli and what else is on top may know all
        for module, name, _ in imported(path):
            # `from .. import x` takes x from the top, whatever x is.
            other = room_of(module or name)
            assert other == own or other in ROOMS[own], f"{name_of(path)} imports {module} {name}"


def test_rooms_meet_at_their_doors() -> None:
    """What a room offers is what its package names in `__all__`."""
    for path in MODULES:
        own = room_of(name_of(path))
        for module, name, _ in imported(path):
            if room_of(module) != own and room_of(module) in ROOMS:
                assert "." not in module, f"{name_of(path)} reaches into {module}"
                offered = importlib.import_module(f"kroute.{module}").__all__
                assert name in offered, f"{module} does not offer {name}"


def test_nothing_below_knows_the_top() -> None:
    """No import cycle goes through the top: app, cli, testing and so on."""
    top = {name_of(path) for path in MODULES if room_of(name_of(path)) not in ROOMS}
    below = top - {"", "__main__", "app", "cli", "loading", "testing"}
    knows_app = {
        name_of(path)
        for path in MODULES
        if name_of(path) in below
        for module, _, runs in imported(path)
        if runs and module in ("app", "cli")
    }
    assert not knows_app


def test_each_module_says_what_it_is() -> None:
    for path in MODULES:
        assert ast.get_docstring(ast.parse(path.read_text())), path


def test_each_module_names_what_is_public() -> None:
    for name in map(name_of, MODULES):
        if name == "__main__":
            continue
        module = importlib.import_module(f"kroute.{name}".rstrip("."))
        public = module.__all__
        assert len(set(public)) == len(public), name
        for word in public:
            assert hasattr(module, word), f"{name} has no {word}"


def test_importing_kroute_imports_no_more_than_it_needs() -> None:
    """The command line, the listing and the reloader are for the command line."""
    for path in MODULES:
        if room_of(name_of(path)) in {*ROOMS, "app", "declaring", "serve", ""}:
            for module, _, _ in imported(path):
                assert room_of(module) not in {"cli", "listing", "loading", "reload"}
