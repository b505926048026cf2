"""What a match costs: kroute's maps beside those of other frameworks, in one run.

    python bench/routing.py [--repeats 15] [--sizes 10,100,1000,5000]

Prints a table of microseconds per match, medians of repeats that take turns, and how long each
takes to make its map. Every map has as many routes with variables as without; asked for is the
last route declared, the worst case for whoever scans. A router that is not installed is named and
left out. kroute's figures include the look-up of the method in the handler table, as do those of
Werkzeug, Starlette and sanic-routing; the others look at the path only.
"""

from __future__ import annotations

import argparse
import importlib.metadata
import statistics
import sys
import time
import timeit
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

SIZES = (10, 100, 1_000, 5_000)
# About how long one measurement lasts.
SLICE = 0.004


class Asked(NamedTuple):
    """A statement to time, what it uses, and whether its answer is the right one."""

    statement: str
    names: dict[str, Any]
    right: Callable[[Any], bool]


class Scene(NamedTuple):
    """Paths to declare, each with variables in braces; the one to ask for; its template."""

    declared: list[str]
    path: str
    template: str | None


def scenes(size: int) -> dict[str, Scene]:
    """The same kind of map at any size."""
    last = size // 2 - 1
    mixed = [
        path for number in range(size // 2) for path in (f"/s{number}/page", f"/v{number}/{{id}}")
    ]
    tenants = [
        path
        for number in range(size // 2)
        for path in (f"/api/{{tenant}}/s{number}", f"/api/{{tenant}}/v{number}/{{id}}")
    ]
    under = f"/api/{{tenant}}/v{last}/{{id}}"
    return {
        "static": Scene(mixed, f"/s{last}/page", f"/s{last}/page"),
        "variable": Scene(mixed, f"/v{last}/4711", f"/v{last}/{{id}}"),
        "miss": Scene(mixed, f"/s{last}/other", None),
        "`/api/{tenant}`": Scene(tenants, f"/api/acme/v{last}/4711", under),
    }


# -- the routers: each makes a map of a scene -----------------------------------------------------


def kroute_urlmap(scene: Scene) -> Asked:
    from kroute.routing import Match, Place, URLMap

    urls: URLMap[str] = URLMap()
    for path in scene.declared:
        urls.add(path, {"GET": path, "POST": path}, place=Place("bench", 1))
    urls.compile()

    def right(found: Any) -> bool:
        return (found.endpoint if isinstance(found, Match) else None) == scene.template

    return Asked("resolve('GET', path)", {"resolve": urls.resolve}, right)


def kroute_mapper(scene: Scene) -> Asked:
    from kroute.routing import Mapper

    return _routes_mapper(Mapper(controller_scan=None, register=False), scene)


def routes(scene: Scene) -> Asked:
    from routes import Mapper

    return _routes_mapper(Mapper(controller_scan=None, register=False), scene)


def _routes_mapper(mapper: Any, scene: Scene) -> Asked:
    for path in scene.declared:
        mapper.connect(path, to=path)
    mapper.create_regs([])
    return Asked(
        "match(path)",
        {"match": mapper.match},
        lambda found: (found and found["to"]) == scene.template,
    )


def werkzeug(scene: Scene) -> Asked:
    from werkzeug.exceptions import NotFound
    from werkzeug.routing import Map, Rule

    rules = [
        Rule(_angles(path), endpoint=path, methods=["GET", "POST"]) for path in scene.declared
    ]
    adapter = Map(rules).bind("localhost")
    adapter.map.update()

    def found(path: str) -> Any:
        try:
            return adapter.match(path, "GET")[0]
        except NotFound:
            return None

    # The call alone is timed; only a miss needs the `try`, as it does in an application.
    if scene.template is None:
        return Asked("found(path)", {"found": found}, lambda answer: answer is None)
    right = lambda answer: answer[0] == scene.template  # noqa: E731
    return Asked("match(path, 'GET')", {"match": adapter.match}, right)


def starlette(scene: Scene) -> Asked:
    from starlette.routing import Match, Route, Router

    async def endpoint(request: Any) -> None: ...

    table = [Route(path, endpoint, methods=["GET", "POST"]) for path in scene.declared]
    router = Router(table)
    scope = {"type": "http", "method": "GET", "path": scene.path, "root_path": "", "headers": []}

    def find() -> Any:
        # The loop of Router.app.
        for route in router.routes:
            match, _ = route.matches(scope)
            if match is Match.FULL:
                return route
        return None

    return Asked("find()", {"find": find}, lambda route: (route and route.path) == scene.template)


def falcon(scene: Scene) -> Asked:
    from falcon.routing import CompiledRouter

    class Resource:
        def on_get(self, req: Any, resp: Any, **values: Any) -> None: ...

        def on_post(self, req: Any, resp: Any, **values: Any) -> None: ...

    router = CompiledRouter()
    for path in scene.declared:
        router.add_route(path, Resource())
    router.find("/")

    if scene.template is None:
        return Asked("find(path)", {"find": router.find}, lambda found: found is None)
    return Asked("find(path)", {"find": router.find}, lambda found: found[3] == scene.template)


def sanic_routing(scene: Scene) -> Asked:
    from sanic_routing import BaseRouter
    from sanic_routing.exceptions import NotFound

    class Router(BaseRouter):  # type: ignore[misc]
        def get(self, path: str, method: str) -> Any:
            return self.resolve(path=path, method=method)

    router = Router()
    for path in scene.declared:
        router.add(_angles(path), handler=path, methods=["GET", "POST"])
    router.finalize()

    def found(path: str) -> Any:
        try:
            return router.get(path, "GET")
        except NotFound:
            return None

    if scene.template is None:
        return Asked("found(path)", {"found": found}, lambda answer: answer is None)
    right = lambda answer: answer[1] == scene.template  # noqa: E731
    return Asked("get(path, 'GET')", {"get": router.get}, right)


def autoroutes(scene: Scene) -> Asked:
    from autoroutes import Routes

    table = Routes()
    for path in scene.declared:
        table.add(path, GET=path)
    right = lambda found: (found[0] or {}).get("GET") == scene.template  # noqa: E731
    return Asked("match(path)", {"match": table.match}, right)


def _angles(path: str) -> str:
    return path.replace("{", "<").replace("}", ">")


# The name in the table, the distribution, and how it makes a map.
ROUTERS: dict[str, tuple[str, Callable[[Scene], Asked]]] = {
    "kroute": ("", kroute_urlmap),
    "kroute `Mapper`": ("", kroute_mapper),
    "routes": ("Routes", routes),
    "werkzeug": ("Werkzeug", werkzeug),
    "starlette": ("starlette", starlette),
    "falcon": ("falcon", falcon),
    "sanic-routing": ("sanic-routing", sanic_routing),
    "autoroutes (C)": ("autoroutes", autoroutes),
}


# -- measuring ------------------------------------------------------------------------------------


class Measured:
    """One router at one size in one scene: a timer, and what it has said so far."""

    def __init__(self, asked: Asked, scene: Scene) -> None:
        names = {"path": scene.path, **asked.names}
        answer = eval(asked.statement, names)
        if not asked.right(answer):
            raise SystemExit(f"{asked.statement} at {scene.path!r} gave {answer!r}")
        # Time of the processor, so that other work on the machine counts for less.
        self.timer = timeit.Timer(asked.statement, timer=time.process_time, globals=names)
        once = min(self.timer.repeat(3, 1))
        self.count = max(1, min(20_000, int(SLICE / max(once, 1e-7))))
        self.times: list[float] = []

    def run(self) -> None:
        self.times.append(self.timer.timeit(self.count) / self.count * 1e6)

    @property
    def median(self) -> float:
        return statistics.median(self.times)


Key = tuple[str, str, int]


def measure(
    routers: dict[str, Callable[[Scene], Asked]], sizes: tuple[int, ...], repeats: int
) -> tuple[dict[Key, Measured], dict[str, float]]:
    """All medians, by scene, router and size; seconds to make the largest map, by router."""
    found: dict[Key, Measured] = {}
    making: dict[str, float] = {}
    for size in sizes:
        for name, make in routers.items():
            for kind, scene in scenes(size).items():
                began = time.perf_counter()
                asked = make(scene)
                took = time.perf_counter() - began
                if size == max(sizes):
                    making[name] = min(making.get(name, took), took)
                found[kind, name, size] = Measured(asked, scene)
    for _ in range(repeats):
        for measured in found.values():
            measured.run()
    return found, making


def table(found: dict[Key, Measured], sizes: tuple[int, ...]) -> Iterator[str]:
    yield "| path | router | " + " | ".join(f"{size:,}" for size in sizes) + " |"
    yield "|---|---|" + "---:|" * len(sizes)
    for kind, name in dict.fromkeys((kind, name) for kind, name, _ in found):
        times = [found[kind, name, size].median for size in sizes]
        yield f"| {kind} | {name} | " + " | ".join(f"{time:.2f}" for time in times) + " |"


def ratios(found: dict[Key, Measured], sizes: tuple[int, ...]) -> Iterator[str]:
    """What is asked of kroute, and what came out."""
    least, most = min(sizes), max(sizes)
    for kind in dict.fromkeys(kind for kind, _, _ in found):
        mine = found[kind, "kroute", most].median
        said = [f"{mine / found[kind, 'kroute', least].median:.2f} of its own at {least:,}"]
        for other in ("routes", "werkzeug"):
            if (kind, other, most) in found:
                theirs = found[kind, other, most].median
                said.append(f"{theirs / mine:.1f} times as fast as {other}")
        yield f"- {kind}, {most:,} routes: {', '.join(said)}"


def main() -> None:
    parser = argparse.ArgumentParser(description="What a match costs, by router and map size.")
    parser.add_argument("--repeats", type=int, default=15)
    parser.add_argument("--sizes", default=",".join(map(str, SIZES)))
    options = parser.parse_args()
    sizes = tuple(int(size) for size in options.sizes.split(","))
    present, versions = {}, [f"Python {sys.version.split()[0]}"]
    for name, (distribution, make) in ROUTERS.items():
        if distribution:
            try:
                versions.append(f"{distribution} {importlib.metadata.version(distribution)}")
            except importlib.metadata.PackageNotFoundError:
                versions.append(f"{distribution} is not installed")
                continue
        present[name] = make
    print(f"Microseconds per match, medians of {options.repeats}. {', '.join(versions)}.\n")
    found, making = measure(present, sizes, options.repeats)
    print("\n".join(table(found, sizes)))
    print("\nkroute:\n")
    print("\n".join(ratios(found, sizes)))
    print(f"\nSeconds to make a map of {max(sizes):,} routes:\n")
    print("\n".join(f"- {name}: {took:.2f}" for name, took in making.items()))


if __name__ == "__main__":
    main()
