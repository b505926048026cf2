r"""`run`: kroute's maps beside a plain scan, in definition order, over Routes' own Route objects.

    python -m tests.routing.differential 1000000 [seed]

Maps and paths are made at random from a seed: literals, variables, requirements, minimisation,
defaults, conditions, formats, wildcards, mounts, prefixes, odd slashes, newlines, non-ASCII. Each
check asks one path of both, and demands the same route and the same values, or the same `Allow`.

One difference is intended: Routes' ``$`` lets ``/foo\n`` match ``/foo``. The scan therefore ends
its regexes in ``\Z``; how often that made a difference is counted as `newlines`.
"""

from __future__ import annotations

import random
import re
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from routes.route import Route as PlainRoute

from kroute.routing import Mapper, Match, Place, URLMap, allow_methods

__all__ = ["Difference", "Tally", "run"]

HERE = Place("differential.py", 1)
METHODS = ("GET", "POST", "PUT", "DELETE", "HEAD", "OPTIONS", "LOCK")
ENCODED_SLASH = "\udc2f"

WORDS = ("a", "b", "foo", "foobar", "new", "é", "日本", "x.y", "a-b", "a:b", "{z}", "7", "A")
VALUES = (*WORDS, "42", "2024", "html", "a.b.c", "\udcff", "", ".", "\\", "fo", "q\nq", "a/b")
# Requirements: such as stay in a segment, and such as do not.
REGEXES = (
    r"\d+",
    r"\d{4}",
    r"[a-z]+",
    r"foo|bar|new",
    r"(?:a|b)+",
    r"[^/]+",
    r"[^\/]+(?<!\\)",
    r"\w*",
    r".*",
    r".+",
    r"[^.]+",
    r"a/b|c",
    r"(?i:foo)",
    r"\w+(?:/\w+)*",
    r"(?!new)[^/]+",
    r"(?s:.)+",
)
HOSTS = ("example.com", "www.example.com", "a.example.com:8080", "b.a.example.com", "localhost")


class Difference(AssertionError):
    """kroute and the scan disagree; the message has all that is needed to see it again."""


@dataclass
class Tally:
    """What was compared: all checks, those that matched, those that Routes' ``$`` splits."""

    checks: int = 0
    matched: int = 0
    newlines: int = 0
    maps: int = 0
    kinds: dict[str, int] = field(default_factory=dict)


@dataclass
class Declared:
    """One declaration as the author writes it."""

    path: str
    options: dict[str, Any]  # defaults
    requirements: dict[str, str]
    conditions: dict[str, Any]
    minimize: bool

    def key(self) -> tuple[Any, ...]:
        return (
            self.path,
            tuple(sorted(self.options.items())),
            tuple(sorted(self.requirements.items())),
            tuple((name, str(value)) for name, value in sorted(self.conditions.items())),
            self.minimize,
        )

    def plain(self, explicit: bool = True) -> PlainRoute:
        """Routes' own object for it."""
        extra = {"requirements": dict(self.requirements)} if self.requirements else {}
        conditions = {"conditions": dict(self.conditions)} if self.conditions else {}
        return PlainRoute(
            None,
            self.path,
            _minimize=self.minimize,
            _explicit=explicit,
            **self.options,
            **extra,
            **conditions,
        )


# -- making maps ----------------------------------------------------------------------------------


def even(environ: Any, values: dict[str, Any]) -> bool:
    """A condition that looks at the values."""
    return sum(len(str(value)) for value in values.values()) % 2 == 0


def marks(environ: Any, values: dict[str, Any]) -> bool:
    """A condition that changes the values."""
    values["marked"] = "yes"
    return True


def a_declaration(rng: random.Random, names: Iterator[str], classic: bool) -> Declared:
    """One that Routes can make a regex of: with minimisation it sometimes cannot."""
    while True:
        declared = _any_declaration(rng, names, classic)
        try:
            declared.plain().makeregexp(())
        except re.error:
            continue
        return declared


def _any_declaration(rng: random.Random, names: Iterator[str], classic: bool) -> Declared:
    """`names` gives variable names; `classic` allows what only a Mapper takes."""
    segments: list[str] = []
    variables: list[str] = []

    def variable(kind: str) -> str:
        name = next(names)
        variables.append(name)
        spellings = {
            ":": ("{%s}", "{%s}", ":(%s)"),
            "*": ("*(%s)", "{%s:.*}"),
            ".": ("{.%s}",),
        }
        return rng.choice(spellings[kind]) % name

    for _ in range(rng.choice((0, 1, 1, 2, 2, 3))):
        segment = "".join(
            variable(":") if rng.random() < 0.5 else _escaped(rng.choice(WORDS))
            for _ in range(rng.choice((1, 1, 1, 2, 3)))
        )
        segments.append(segment)
    if rng.random() < 0.15:
        segments.append(variable("*") + rng.choice(("", "", "", "/", "/end")))
    path = "/" + "/".join(segments)
    if rng.random() < 0.2:
        path += variable(".") if rng.random() < 0.7 else "." + variable(":")
    if rng.random() < 0.15:
        path += rng.choice(("/", "//", "/.", ";", ","))
    if classic and rng.random() < 0.1:
        path = path[1:]
    return _options(rng, path, variables, classic)


def _options(rng: random.Random, path: str, variables: list[str], classic: bool) -> Declared:
    inline = set(re.findall(r"\{(\w+):", path))
    requirements = {
        name: rng.choice(REGEXES)
        for name in variables
        if name not in inline and rng.random() < 0.35
    }
    defaults = {name: rng.choice(("d", "7", "é")) for name in variables if rng.random() < 0.2}
    if rng.random() < 0.2:
        defaults["extra"] = rng.choice(("1", "x"))
    conditions: dict[str, Any] = {}
    if rng.random() < 0.1:
        conditions["function"] = rng.choice((even, marks))
    if rng.random() < 0.12:
        conditions["sub_domain"] = rng.choice((True, False, ["www"], ["a", "www"]))
    if classic and rng.random() < 0.3:
        methods = rng.choice((["GET"], ["POST", "PUT"], "GET", "POST, PUT"))
        conditions["method"] = methods
    return Declared(path, defaults, requirements, conditions, rng.random() < 0.25)


def _escaped(text: str) -> str:
    return re.sub(r"([\\:*{}])", r"\\\1", text)


def variable_names() -> Iterator[str]:
    number = 0
    while True:
        yield f"v{number}"
        number += 1


# -- making paths ---------------------------------------------------------------------------------


def a_path(rng: random.Random, declared: list[Declared], prefix: str = "") -> str:
    """Mostly a path that some declaration nearly matches."""
    if not declared or rng.random() < 0.1:
        return "/" + "/".join(rng.choice(VALUES) for _ in range(rng.randrange(4)))
    source = rng.choice(declared).path
    path = re.sub(
        r"(?<!\\)(?:\{(\.?)[^}]*\}|[:*]\(\w+\))",
        lambda found: (found[1] or "") + rng.choice(VALUES),
        source,
    )
    path = prefix + (path if path.startswith("/") else "/" + path).replace("\\", "")
    while rng.random() < 0.3:
        path = _spoilt(rng, path)
    return path


def _spoilt(rng: random.Random, path: str) -> str:
    at = rng.randrange(len(path) + 1)
    return rng.choice(
        (
            path + "/",
            path.rstrip("/"),
            path + "\n",
            path + ".html",
            path[1:],
            path.replace("/", "//", 1),
            path[:at] + path[at + 1 :],
            path[:at] + rng.choice("/.-\nxé7" + ENCODED_SLASH) + path[at:],
            path.swapcase(),
            path + "/" + rng.choice(WORDS),
        )
    )


def an_environ(rng: random.Random, path: str) -> dict[str, Any]:
    return {
        "REQUEST_METHOD": rng.choice(METHODS),
        "HTTP_HOST": rng.choice(HOSTS),
        "PATH_INFO": path,
    }


# -- the plain scan -------------------------------------------------------------------------------


class Scan:
    """Routes' own Route objects, asked one after the other."""

    def __init__(self, routes: list[PlainRoute], controllers: list[str]) -> None:
        self.routes = routes
        for route in routes:
            route.makeregexp(controllers)
            route.regmatch = re.compile(route.regexp.removesuffix("$") + r"\Z")

    def first(self, path: str, environ: Any, *domains: Any) -> tuple[int, dict[str, Any]] | None:
        for rank, route in enumerate(self.routes):
            found = route.match(path, environ, *domains)
            if isinstance(found, dict):
                return rank, found
        return None


def split_by_newline(scan: Scan, path: str, tally: Tally) -> None:
    """Count it if Routes' own ``$`` says something else of this path."""
    if path.endswith("\n") and any(
        (re.match(route.regexp, path) is None) != (route.regmatch.match(path) is None)
        for route in scan.routes
    ):
        tally.newlines += 1


# -- Mapper ---------------------------------------------------------------------------------------


def check_mapper(rng: random.Random, tally: Tally, paths: int) -> None:
    """One random Mapper, with late connects and a changed prefix, against the scan."""
    explicit = rng.random() < 0.7
    controllers = ["content", "a", "foo/bar"]
    names = variable_names()
    declared = [a_declaration(rng, names, classic=True) for _ in range(_how_many(rng))]
    if not explicit:
        classic = (":controller/:action/:id", "{controller}", "/:controller/x")
        declared += [Declared(path, {}, {}, {}, rng.random() < 0.7) for path in classic]
        rng.shuffle(declared)
    mapper = Mapper(controller_scan=lambda: controllers, register=False, explicit=explicit)
    mapper.sub_domains = rng.random() < 0.5
    mapper.sub_domains_ignore = rng.choice(([], ["www"]))
    late = rng.randrange(len(declared) + 1) if rng.random() < 0.3 else len(declared)
    done = 0
    for end in dict.fromkeys((late, len(declared))):
        for one in declared[done:end]:
            connect(mapper, one)
        if not done:
            mapper.create_regs(controllers)
        done = end
        mapper.prefix = rng.choice(("", "", "/pre"))
        scan = Scan([one.plain(explicit) for one in declared[:end]], controllers)
        for _ in range(paths):
            compare_mapper(rng, mapper, scan, declared[:end], tally)


def connect(mapper: Mapper, one: Declared) -> None:
    extra: dict[str, Any] = {"requirements": dict(one.requirements)} if one.requirements else {}
    if one.conditions:
        extra["conditions"] = dict(one.conditions)
    mapper.connect(one.path, _minimize=one.minimize, **one.options, **extra)


def compare_mapper(
    rng: random.Random, mapper: Mapper, scan: Scan, declared: list[Declared], tally: Tally
) -> None:
    prefix = mapper.prefix or ""
    path = a_path(rng, declared, prefix)
    environ = None if rng.random() < 0.2 else an_environ(rng, path)
    domains = (mapper.sub_domains, mapper.sub_domains_ignore, mapper.domain_match)
    expected = None
    inner = path
    if prefix and re.match(prefix + "(.*)", path):
        inner = re.sub(prefix + "(.*)", r"\1", path) or "/"
    if not prefix or inner is not path:
        expected = scan.first(inner, environ, *domains)
        split_by_newline(scan, inner, tally)
    found = mapper.routematch(path, environ)
    got = None if found is None else (mapper.matchlist.index(found[1]), found[0])
    tell(tally, "Mapper", path, environ, expected, got, declared)


# -- URLMap ---------------------------------------------------------------------------------------


@dataclass
class Table:
    """One path of the reference: its route, and endpoints by method."""

    one: Declared
    route: PlainRoute
    methods: dict[str, str]

    def values(self, path: str, environ: Mapping[str, Any], domain: str) -> dict[str, str] | None:
        asked = "sub_domain" in self.one.conditions
        found = self.route.match(path, environ, asked, [], domain)
        if not isinstance(found, dict):
            return None
        return {
            name: value.replace(ENCODED_SLASH, "/")
            for name, value in found.items()
            if value is not None
        }

    def answers(self) -> dict[str, str]:
        implied = {"HEAD": self.methods["GET"]} if "GET" in self.methods else {}
        return {**implied, **self.methods}


@dataclass
class Behind:
    """A mount of the reference: a prefix without variables, and a map or an endpoint."""

    prefix: str
    target: Reference | str


@dataclass
class Reference:
    """A map as a list that is scanned; methods of all that match the path add up."""

    entries: list[Table | Behind] = field(default_factory=list)

    def resolve(self, method: str, path: str, environ: Mapping[str, Any], domain: str) -> Any:
        """(endpoint, values), or the set of methods it allows."""
        allow: set[str] = set()
        for entry in self.entries:
            if isinstance(entry, Behind):
                rest = path[len(entry.prefix) :]
                if not path.startswith(entry.prefix) or rest[:1] not in ("", "/"):
                    continue
                if isinstance(entry.target, str):
                    return entry.target, {}
                answer = entry.target.resolve(method, rest or "/", environ, domain)
                if isinstance(answer, tuple):
                    return answer
                allow |= answer
                continue
            values = entry.values(path, environ, domain)
            if values is None:
                continue
            answers = entry.answers()
            if method in answers or "*" in answers:
                return answers.get(method, answers.get("*")), values
            allow |= answers.keys()
        return allow


def a_map(
    rng: random.Random, names: Iterator[str], depth: int = 0
) -> tuple[URLMap[str], Reference, list[Declared]]:
    """The same random declarations as a URLMap and as a reference, and all of them in a list."""
    urls: URLMap[str] = URLMap()
    reference = Reference()
    tables: dict[tuple[Any, ...], Table] = {}
    everything: list[Declared] = []
    for _ in range(_how_many(rng)):
        if depth < 2 and rng.random() < 0.06:
            everything += _mounted(rng, names, urls, reference, depth)
            continue
        one = rng.choice(everything) if everything and rng.random() < 0.15 else None
        one = one or a_declaration(rng, names, classic=False)
        everything.append(one)
        methods = set(rng.sample((*METHODS, "*"), rng.choice((1, 1, 2))))
        table = tables.get(one.key())
        if table is None:
            route = one.plain()
            Scan([route], [])
            table = tables[one.key()] = Table(one, route, {})
            reference.entries.append(table)
        handlers = {
            method: f"{len(everything)} {method}" for method in methods - table.methods.keys()
        }
        if not handlers:
            continue
        table.methods.update(handlers)
        urls.add(
            one.path,
            handlers,
            place=HERE,
            requirements=one.requirements,
            defaults=one.options,
            conditions=one.conditions,
            minimize=one.minimize,
        )
    return urls, reference, everything


def _mounted(
    rng: random.Random, names: Iterator[str], urls: URLMap[str], reference: Reference, depth: int
) -> list[Declared]:
    prefix = rng.choice(("", "/a", "/foo", "/é/a"))
    if rng.random() < 0.3:
        endpoint = f"mount {len(reference.entries)}"
        urls.mount(prefix, endpoint, place=HERE)
        reference.entries.append(Behind(prefix, endpoint))
        return [Declared(prefix + "/{x}", {}, {}, {}, False)]
    inner, inner_reference, declared = a_map(rng, names, depth + 1)
    urls.mount(prefix, inner, place=HERE)
    reference.entries.append(Behind(prefix, inner_reference))
    return [Declared(prefix + one.path, {}, {}, {}, False) for one in declared]


def check_urlmap(rng: random.Random, tally: Tally, paths: int) -> None:
    """One random URLMap against the scan."""
    urls, reference, declared = a_map(rng, variable_names())
    domain = urls.mapper.domain_match
    for _ in range(paths):
        path = a_path(rng, declared)
        environ = an_environ(rng, path)
        method = environ["REQUEST_METHOD"]
        expected = reference.resolve(method, path, environ, domain)
        found = urls.resolve(method, path, environ)
        got: Any
        if isinstance(found, Match):
            got = found.endpoint, found.variables
        else:
            got = found.allow
            expected = allow_methods(expected) if isinstance(expected, set) else expected
        if isinstance(expected, set):
            expected = None
        tell(tally, "URLMap", path, environ, expected, got, declared)


# -- the run --------------------------------------------------------------------------------------


def tell(
    tally: Tally,
    kind: str,
    path: str,
    environ: Any,
    expected: Any,
    got: Any,
    declared: list[Declared],
) -> None:
    tally.checks += 1
    tally.kinds[kind] = tally.kinds.get(kind, 0) + 1
    if got != expected:
        lines = "\n".join(f"  {rank}: {one}" for rank, one in enumerate(declared))
        raise Difference(
            f"{kind} and the scan differ at {path!r}, {environ}:\n"
            f"kroute {got!r}\n  scan {expected!r}\n{lines}"
        )
    tally.matched += bool(got)


def _how_many(rng: random.Random) -> int:
    return rng.choice((1, 3, 8, 8, 15, 30))


def run(checks: int, seed: int = 0, progress: Callable[[Tally], None] | None = None) -> Tally:
    """At least `checks` comparisons, half of them of Mapper and half of URLMap.

    Raises `Difference` at the first that comes out differently.
    """
    tally = Tally()
    while tally.checks < checks:
        rng = random.Random(f"{seed}/{tally.maps}")
        check = check_mapper if tally.maps % 2 else check_urlmap
        try:
            check(rng, tally, 60)
        except Exception as error:
            error.args = (f"seed {seed}, map {tally.maps}: {error}", *error.args[1:])
            raise
        tally.maps += 1
        if progress is not None:
            progress(tally)
    return tally


def main(arguments: list[str]) -> None:
    checks = int(arguments[0]) if arguments else 1_000_000
    seed = int(arguments[1]) if len(arguments) > 1 else 0
    began = time.perf_counter()

    def progress(tally: Tally) -> None:
        if sys.stderr.isatty() and tally.maps % 100 == 0:
            print(f"\r{tally.checks:,}", end="", file=sys.stderr)

    tally = run(checks, seed, progress)
    took = time.perf_counter() - began
    kinds = ", ".join(f"{count:,} of {kind}" for kind, count in tally.kinds.items())
    print(
        f"{tally.checks:,} checks ({kinds}) on {tally.maps:,} maps, {tally.matched:,} of them "
        f"matched, no difference; Routes' '$' differs at {tally.newlines:,}. "
        f"Seed {seed}, {took:.0f} s."
    )


if __name__ == "__main__":
    main(sys.argv[1:])
