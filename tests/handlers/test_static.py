"""StaticFiles: what is served of a directory, what never is, and in which parts."""

from __future__ import annotations

import email
import errno
import gzip
import http.client
import logging
import os
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from email.utils import formatdate
from pathlib import Path
from typing import Any

import pytest

from kroute import App, Limits, RouteError, StaticFiles
from kroute.handlers import static, static_body, static_tree
from kroute.handlers.byte_ranges import GAP, MAX_RANGES, wanted_ranges
from kroute.handlers.static_body import CHUNK, Body
from kroute.handlers.static_seen import Seen
from kroute.handlers.static_tree import Tree, split_path
from kroute.handlers.static_types import TYPES
from kroute.scheduler import in_thread
from tests.server.harness import Answer, World, raw
from tests.waiting import PATIENCE, wait_until

from .live import Live, live

__all__ = ["live"]

OLD = 1_000_000_000
"""When the files were changed: Sun, 09 Sep 2001 01:46:40 GMT."""
DATE = formatdate(OLD, usegmt=True)


def write(path: Path, data: bytes | str, changed: float = OLD) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data.encode() if isinstance(data, str) else data)
    os.utime(path, (changed, changed))
    return path


class Site:
    """A directory at /files, and a client of it."""

    def __init__(self, world: World, root: Path, prefix: str = "/files", **options: Any) -> None:
        self.world = world
        self.app = App(limits=Limits(output_high=65536, output_low=16384))
        self.files = StaticFiles(root, **options)
        self.app.mount(prefix, self.files)
        self.client = world.client(self.app)

    def ask(self, method: str, path: str, **headers: Any) -> Answer:
        """Send a request and return its answer, which has to come to its end."""
        self.client.feed(raw(method, path, **headers))
        self.finish()
        (answer,) = self.client.answers(method)
        return answer

    def get(self, path: str, **headers: Any) -> Answer:
        return self.ask("GET", path, **headers)

    def finish(self) -> None:
        """Take all until the answer is complete, or cut."""

        def over() -> bool:
            self.client.take()
            return self.client.protocol._exchange is None or bool(self.client.ended)

        self.world.until(over)

    def over_thread(self) -> None:
        """Have the call that a thread is at come to its end, and what follows it."""
        self.world.until(lambda: self.client.waiting() or self.client.ended)


Serve = Callable[..., Site]


@pytest.fixture
def root(tmp_path: Path) -> Path:
    write(tmp_path / "secret.txt", "secret")
    folder = tmp_path / "public"
    write(folder / "index.html", "<p>home</p>")
    write(folder / "a.txt", "0123456789")
    write(folder / "sub/index.html", "<p>sub</p>")
    write(folder / "sub/b.css", "b{}")
    (folder / "bare").mkdir()
    return folder


@pytest.fixture
def big(root: Path) -> bytes:
    data = os.urandom(8 * CHUNK)
    write(root / "big.bin", data)
    return data


@pytest.fixture
def serve(world: World, root: Path) -> Serve:
    return lambda **options: Site(world, root, **options)


@pytest.fixture
def opened(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[int]]:
    """The descriptors that are open; it is checked that there are none in the end, and that each
    is closed as often as it was opened."""
    real_open, real_close = os.open, os.close
    held: list[int] = []

    def note_open(*args: Any, **options: Any) -> int:
        fd = real_open(*args, **options)
        held.append(fd)
        return fd

    def note_close(fd: int) -> None:
        held.remove(fd)
        real_close(fd)

    for module in (static_tree, static_body):
        fake = type(sys)("os")
        fake.__dict__.update(os.__dict__, open=note_open, close=note_close)
        monkeypatch.setattr(module, "os", fake)
    yield held
    assert held == []


# What is served


@pytest.mark.parametrize(
    ("path", "body", "kind"),
    [
        ("/files/a.txt", b"0123456789", "text/plain; charset=utf-8"),
        ("/files/%61%2Etxt", b"0123456789", "text/plain; charset=utf-8"),
        ("/files/", b"<p>home</p>", "text/html; charset=utf-8"),
        ("/files/index.html", b"<p>home</p>", "text/html; charset=utf-8"),
        ("/files/sub/", b"<p>sub</p>", "text/html; charset=utf-8"),
        ("/files/sub/b.css?v=1", b"b{}", "text/css; charset=utf-8"),
    ],
)
def test_files_are_served(
    serve: Serve, opened: list[int], path: str, body: bytes, kind: str
) -> None:
    answer = serve().get(path)
    assert (answer.code, answer.body) == (200, body)
    assert answer["Content-Type"] == kind
    assert answer["Content-Length"] == str(len(body))
    assert answer["Last-Modified"] == DATE
    assert answer["Accept-Ranges"] == "bytes"
    assert answer["Vary"] is None
    assert answer["Cache-Control"] is None


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("app.JS", "text/javascript; charset=utf-8"),
        ("app.mjs", "text/javascript; charset=utf-8"),
        ("a.json", "application/json"),
        ("a.svg", "image/svg+xml"),
        ("a.tar.gz", "application/gzip"),
        ("a.woff2", "font/woff2"),
        ("a.foo", "text/x-foo; charset=utf-8"),
        ("a.bar", "text/bar; charset=latin-1"),
        ("a.what", "application/octet-stream"),
        ("README", "application/octet-stream"),
        ("caf\u00e9.txt", "text/plain; charset=utf-8"),
    ],
)
def test_media_types(serve: Serve, root: Path, name: str, kind: str) -> None:
    write(root / name, "x")
    types = {".foo": "text/x-foo", "bar": "text/bar; charset=latin-1"}
    answer = serve(types=types).get("/files/" + name.replace("\u00e9", "%C3%A9"))
    assert answer["Content-Type"] == kind
    assert answer["Content-Encoding"] is None


def test_the_table_of_types() -> None:
    assert list(TYPES) == sorted(TYPES)
    assert all(key[0] == "." and key == key.lower() for key in TYPES)


def test_options(serve: Serve) -> None:
    site = serve(index="a.txt", cache_control="max-age=60", charset=None)
    answer = site.get("/files/")
    assert answer.body == b"0123456789"
    assert answer["Content-Type"] == "text/plain"
    assert answer["Cache-Control"] == "max-age=60"


def test_a_name_that_is_not_utf8(serve: Serve, root: Path) -> None:
    path = os.fsencode(root) + b"/\xff.txt"
    with open(path, "wb") as file:
        file.write(b"latin")
    assert serve().get("/files/%FF.txt").body == b"latin"


@pytest.mark.parametrize(
    ("path", "location"),
    [
        ("/files", "./files/"),
        ("/files/sub", "./sub/"),
        ("/files/sub?q=%2F&r", "./sub/?q=%2F&r"),
        ("/files/bare", "./bare/"),
        ("/files/a%20%3Ab", "./a%20%3Ab/"),
    ],
)
@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_a_directory_redirects_to_the_one_with_a_slash(
    serve: Serve, root: Path, opened: list[int], method: str, path: str, location: str
) -> None:
    (root / "a :b").mkdir()
    answer = serve().ask(method, path)
    assert (answer.code, answer["Location"]) == (308, location)


def test_directories_without_an_index(serve: Serve, opened: list[int]) -> None:
    site = serve(index=None)
    for path in ("/files", "/files/", "/files/sub", "/files/sub/"):
        assert site.get(path).code == 404
    assert serve().get("/files/bare/").code == 404


def test_methods(serve: Serve, opened: list[int]) -> None:
    """RFC 9110, sections 15.5.6 and 9.3.7."""
    site = serve()
    for method in ("POST", "PUT", "DELETE", "PATCH", "BREW"):
        answer = site.ask(method, "/files/a.txt")
        assert (answer.code, answer["Allow"]) == (405, "GET, HEAD, OPTIONS")
    answer = site.ask("OPTIONS", "/files/a.txt")
    assert (answer.code, answer["Allow"], answer.body) == (204, "GET, HEAD, OPTIONS", b"")


@pytest.mark.parametrize("size", [0, 1, CHUNK, CHUNK + 1, 5 * CHUNK + 7])
def test_head_says_what_get_would(serve: Serve, root: Path, opened: list[int], size: int) -> None:
    """RFC 9110, section 9.3.2."""
    data = os.urandom(size)
    write(root / "f.bin", data)
    site = serve()
    answer = site.get("/files/f.bin")
    assert (answer.code, answer.body) == (200, data)
    head = site.ask("HEAD", "/files/f.bin")
    assert opened == []
    assert (head.code, head.body) == (200, b"")
    for name in ("Content-Length", "Content-Type", "ETag", "Last-Modified", "Accept-Ranges"):
        assert head[name] == answer[name] is not None


def test_head_reads_nothing(
    serve: Serve, opened: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delattr(static_body.os, "pread")
    monkeypatch.setattr(static_body, "NOW", None)
    site = serve()
    assert site.ask("HEAD", "/files/a.txt").code == 200
    assert site.get("/files/a.txt").code == 500


def test_where_the_kernel_does_not_read_at_once(
    serve: Serve, root: Path, opened: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    """macOS has no RWF_NOWAIT, tmpfs does not take it."""
    data = os.urandom(3 * CHUNK)
    write(root / "f.bin", data)
    monkeypatch.setattr(static_body, "NOW", None)
    monkeypatch.delattr(static_body.os, "posix_fadvise")
    assert serve().get("/files/f.bin").body == data
    monkeypatch.setattr(static_body, "NOW", 1 << 30)
    assert serve().get("/files/f.bin").body == data


@pytest.mark.parametrize("prefix", ["", "/", "/a/b"])
def test_under_any_prefix(serve: Serve, prefix: str) -> None:
    site = serve(prefix=prefix)
    assert site.get(f"{prefix.rstrip('/')}/a.txt").body == b"0123456789"
    assert site.get(f"{prefix.rstrip('/')}/").body == b"<p>home</p>"


def test_in_a_mounted_app_and_behind_one_path(world: World, root: Path) -> None:
    inner, app = App(), App()
    inner.mount("/deep", StaticFiles(root))
    app.mount("/app", inner)
    app.add("/a.txt", GET=StaticFiles(root))
    site = Site(world, root)
    site.client = world.client(app)
    assert site.get("/app/deep/sub/b.css").body == b"b{}"
    assert site.get("/app/deep/sub")["Location"] == "./sub/"
    assert site.get("/a.txt").body == b"0123456789"


def test_under_a_wsgi_server(root: Path) -> None:
    app = App()
    app.mount("/files", StaticFiles(root))
    client = app.test_client()
    data = os.urandom(5 * CHUNK)
    write(root / "f.bin", data)
    assert client.get("/files/f.bin").body == data
    answer = client.get("/files/f.bin", headers={"Range": "bytes=-5"})
    assert (answer.status_code, answer.body) == (206, data[-5:])
    assert client.get("/files/sub").headers["Location"] == "./sub/"


def test_what_cannot_be_declared(root: Path) -> None:
    with pytest.raises(RouteError, match=r"test_static.py:\d+.*is no directory"):
        StaticFiles(root / "missing")
    with pytest.raises(RouteError, match="is no directory"):
        StaticFiles(root / "a.txt")
    with pytest.raises(RouteError, match="'index' is no option of a mount"):
        App().mount("/x", StaticFiles(root), index="x")


# What never is


NOT_THERE = [
    "/files/nothing",
    "/files/a.txt/",
    "/files/a.txt/b",
    "/files/nothing/a.txt",
    "/files//a.txt",
    "/files/sub//b.css",
    "/files//",
    # Dot segments, in any encoding (RFC 3986, section 6.2.2.3).
    "/files/../secret.txt",
    "/files/%2e%2e/secret.txt",
    "/files/%2E./secret.txt",
    "/files/..%2fsecret.txt",
    "/files/..%2Fsecret.txt",
    "/files/%2e%2e%2fsecret.txt",
    "/files/sub/../../secret.txt",
    "/files/sub/../a.txt",
    "/files/./a.txt",
    "/files/sub/..",
    "/files/..",
    "/files/.",
    "/files/..;/secret.txt",
    "/files/%252e%252e/secret.txt",
    "/files/%252e%252e%252fsecret.txt",
    "/files/%c0%ae%c0%ae/secret.txt",
    "/files/%c0%ae%c0%ae%c0%afsecret.txt",
    "/files/%ef%bc%8e%ef%bc%8e/secret.txt",
    # Backslashes.
    "/files/..%5csecret.txt",
    "/files/..%5Csecret.txt",
    "/files/..\\secret.txt",
    "/files/sub%5cb.css",
    "/files/%5c%5chost%5cshare",
    "/files/..%255csecret.txt",
    # Absolute paths.
    "/files//etc/passwd",
    "/files/%2Fetc/passwd",
    "/files/%2fetc%2fpasswd",
    "/files///etc/passwd",
    "/files/C:/windows/win.ini",
    # An encoded slash is in no name (RFC 3986, section 2.2).
    "/files/sub%2Fb.css",
    "/files%2Fa.txt",
    # NUL, alone and before what may be looked at.
    "/files/a.txt%00",
    "/files/a.txt%00.html",
    "/files/%00",
    "/files/..%00/secret.txt",
    # Names that are too long.
    "/files/" + "x" * 300,
    "/files/" + "x/" * 3000,
    # Hidden files.
    "/files/.hidden",
    "/files/.git/config",
    "/files/sub/.hidden",
    "/files/%2ehidden",
    "/files/...",
]


@pytest.mark.parametrize("path", NOT_THERE)
def test_what_is_not_there(serve: Serve, root: Path, opened: list[int], path: str) -> None:
    for name in (".hidden", ".git/config", "sub/.hidden", "...", "sub\\b.css"):
        write(root / name, "secret")
    write(root / "secret.txt%00", "x")
    for follow in (False, True):
        answer = serve(follow_symlinks=follow).get(path)
        assert answer.code == 404
        assert b"secret" not in answer.body


def test_an_encoded_percent_sign_is_one(serve: Serve, root: Path) -> None:
    """Decoded once: what is not an escape then is a name like any other."""
    write(root / "%2e%2e/a%00.txt", "odd")
    assert serve().get("/files/%252e%252e/a%2500.txt").body == b"odd"


def test_hidden_files_by_option(serve: Serve, root: Path) -> None:
    write(root / ".well-known/security.txt", "x")
    assert serve(hidden=True).get("/files/.well-known/security.txt").code == 200
    for path in ("/files/..", "/files/.", "/files/../secret.txt", "/files/.well-known/../a.txt"):
        assert serve(hidden=True).get(path).code == 404


@pytest.mark.parametrize(
    ("target", "inside"),
    [
        ("a.txt", True),
        ("sub/b.css", True),
        ("sub/../a.txt", True),
        ("./sub//b.css", True),
        ("sub/up", True),
        ("{root}/a.txt", True),
        ("chain", True),
        ("../public/a.txt", False),
        ("../secret.txt", False),
        ("sub/../../secret.txt", False),
        ("{root}/../secret.txt", False),
        ("{root}x/a.txt", False),
        ("/etc/passwd", False),
        ("/dev/zero", False),
        ("loop", False),
        ("missing", False),
        ("a.txt/", False),
        ("a.txt/..", False),
        ("..", False),
    ],
)
def test_symlinks(serve: Serve, root: Path, opened: list[int], target: str, inside: bool) -> None:
    (root / "sub/up").symlink_to("../a.txt")
    (root / "chain").symlink_to("sub/up")
    (root / "loop").symlink_to("loop")
    (root / "link").symlink_to(target.format(root=root))
    write(root / "x/a.txt", "not meant")
    assert serve().get("/files/link").code == (200 if inside else 404)


@pytest.mark.parametrize(
    ("target", "inside"), [("sub", True), ("sub/.", True), ("bare/../sub/", True), ("..", False)]
)
def test_symlinks_to_directories(
    serve: Serve, root: Path, opened: list[int], target: str, inside: bool
) -> None:
    (root / "link").symlink_to(target)
    write(root.parent / "index.html", "secret")
    write(root.parent / "b.css", "secret")
    for path in ("/files/link/", "/files/link/b.css"):
        assert serve().get(path).code == (200 if inside else 404)


def test_an_absolute_symlink_further_down(serve: Serve, root: Path, opened: list[int]) -> None:
    (root / "sub/link").symlink_to(root / "a.txt")
    assert serve().get("/files/sub/link").body == b"0123456789"


def test_symlinks_outside_by_option(serve: Serve, root: Path, opened: list[int]) -> None:
    (root / "link").symlink_to("../secret.txt")
    (root / "zero").symlink_to("/dev/zero")
    site = serve(follow_symlinks=True)
    assert site.get("/files/link").body == b"secret"
    assert site.get("/files/zero").code == 404
    assert site.get("/files/sub")["Location"] == "./sub/"


def test_a_root_that_is_a_symlink_may_be_exchanged(
    world: World, root: Path, opened: list[int]
) -> None:
    link = root.parent / "current"
    link.symlink_to("public")
    site = Site(world, link)
    assert site.get("/files/a.txt").body == b"0123456789"
    write(root.parent / "next/a.txt", "next")
    link.unlink()
    link.symlink_to("next")
    assert site.get("/files/a.txt").body == b"next"


def test_only_regular_files(
    serve: Serve, root: Path, opened: list[int], caplog: pytest.LogCaptureFixture
) -> None:
    os.mkfifo(root / "fifo")
    with socket.socket(socket.AF_UNIX) as listener:
        here = os.open(root, os.O_RDONLY)
        listener.bind(f"/proc/self/fd/{here}/socket")  # a path of any length
        os.close(here)
        for follow in (False, True):
            site = serve(follow_symlinks=follow)
            for name in ("fifo", "socket"):
                caplog.clear()
                assert site.get(f"/files/{name}").code == 404
                assert "it is no regular file" in caplog.text


def test_a_device(serve: Serve, root: Path, opened: list[int]) -> None:
    tree = Tree("/dev")
    for name in (b"null", b"zero", b"tty"):
        with pytest.raises(PermissionError):
            tree.open([name])


@pytest.mark.parametrize("becomes", ["fifo", "link", "folder"])
def test_what_changes_between_the_look_and_the_opening(
    root: Path, opened: list[int], monkeypatch: pytest.MonkeyPatch, becomes: str
) -> None:
    """Whoever can write to the directory cannot win a race."""
    lstat = os.lstat

    def change(name: bytes, **options: Any) -> os.stat_result:
        found = lstat(name, **options)
        (root / "a.txt").unlink()
        if becomes == "fifo":
            os.mkfifo(root / "a.txt")
        elif becomes == "link":
            (root / "a.txt").symlink_to("../secret.txt")
        else:
            (root / "a.txt").mkdir()
        return found

    monkeypatch.setattr(static_tree.os, "lstat", change)
    with pytest.raises(OSError):
        Tree(str(root)).open([b"a.txt"])


def test_a_folder_that_changes_after_the_look(
    root: Path, opened: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    lstat = os.lstat

    def change(name: bytes, **options: Any) -> os.stat_result:
        found = lstat(name, **options)
        if name == b"sub":
            (root / "sub").rename(root / "gone")
            (root / "sub").symlink_to("..")
        return found

    monkeypatch.setattr(static_tree.os, "lstat", change)
    with pytest.raises(OSError):
        Tree(str(root)).open([b"sub", b"secret.txt"])


@pytest.mark.parametrize(
    ("number", "code", "logged"),
    [
        (errno.EACCES, 404, "'/a.txt' is not served: Permission denied"),
        # No reason to say that there is no such file.
        (errno.EMFILE, 500, "Too many open files"),
        (errno.EIO, 500, "Input/output error"),
    ],
)
def test_what_cannot_be_opened(
    serve: Serve,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    number: int,
    code: int,
    logged: str,
) -> None:
    def fail(names: Any) -> Any:
        raise OSError(number, os.strerror(number))

    site = serve()
    monkeypatch.setattr(site.files._tree, "open", fail)
    assert site.get("/files/a.txt").code == code
    assert logged in caplog.text


@pytest.mark.parametrize("path", ["", "/", "/a", "/a/", "/a/b"])
def test_split_path(path: str) -> None:
    assert split_path(path, False) == path.encode().split(b"/")[1:]


# Validators and preconditions


def test_etags_tell_versions_apart(serve: Serve, root: Path) -> None:
    site = serve()
    tags = set()
    for data, changed in (("1", OLD), ("22", OLD), ("22", OLD + 1e-3), ("22", OLD + 1)):
        write(root / "f", data, changed)
        tags.add(site.get("/files/f")["ETag"])
    assert len(tags) == 4
    assert all(tag and tag[0] == tag[-1] == '"' for tag in tags)


@pytest.mark.parametrize("age", [0.0, 1.0, -3600.0])
def test_validators_are_weak_as_long_as_the_file_may_change(
    serve: Serve, root: Path, age: float
) -> None:
    """RFC 9110, section 8.8.1; a Last-Modified in the future is none (section 8.8.2.1)."""
    now = time.time()
    write(root / "f", "x", now - age)
    site = serve()
    answer = site.get("/files/f")
    tag = answer["ETag"]
    assert tag and tag.startswith('W/"')
    changed = email.utils.parsedate_to_datetime(answer["Last-Modified"] or "").timestamp()
    assert changed <= time.time()
    assert site.get("/files/f", If_None_Match=tag).code == 304
    assert site.get("/files/f", If_Match=tag).code == 412
    ranged = site.get("/files/f", Range="bytes=0-0", If_Range=tag)
    assert ranged.code == 200


TAG = "<the ETag>"
LATER, EARLIER = formatdate(OLD + 1, usegmt=True), formatdate(OLD - 1, usegmt=True)


@pytest.mark.parametrize(
    ("fields", "code"),
    [
        # RFC 9110, section 13.1.1
        ({"If_Match": TAG}, 200),
        ({"If_Match": "*"}, 200),
        ({"If_Match": f'"x",{TAG}'}, 200),
        ({"If_Match": f'"x", {TAG}'}, 200),
        ({"If_Match": '"x"'}, 412),
        ({"If_Match": f"W/{TAG}"}, 412),
        ({"If_Match": ""}, 412),
        # section 13.1.2: weak comparison
        ({"If_None_Match": TAG}, 304),
        ({"If_None_Match": f"W/{TAG}"}, 304),
        ({"If_None_Match": f'"x",{TAG}'}, 304),
        ({"If_None_Match": f'W/"x", W/{TAG} , "y"'}, 304),
        ({"If_None_Match": "*"}, 304),
        ({"If_None_Match": '"x"'}, 200),
        ({"If_None_Match": "x"}, 200),
        ({"If_None_Match": ""}, 200),
        # section 13.1.3
        ({"If_Modified_Since": DATE}, 304),
        ({"If_Modified_Since": LATER}, 304),
        ({"If_Modified_Since": EARLIER}, 200),
        ({"If_Modified_Since": "Sunday, 09-Sep-01 01:46:40 GMT"}, 304),
        ({"If_Modified_Since": "Sun Sep  9 01:46:40 2001"}, 304),
        ({"If_Modified_Since": "yesterday"}, 200),
        ({"If_Modified_Since": "Thu, 01 Jan 99999 00:00:00 GMT"}, 200),
        ({"If_Modified_Since": "Thu, 01 Jan 2020 00:00:00 +9999999999999999"}, 200),
        # section 13.1.4
        ({"If_Unmodified_Since": DATE}, 200),
        ({"If_Unmodified_Since": EARLIER}, 412),
        ({"If_Unmodified_Since": "yesterday"}, 200),
        # section 13.2.2: which goes before which
        ({"If_Match": TAG, "If_Unmodified_Since": EARLIER}, 200),
        ({"If_None_Match": '"x"', "If_Modified_Since": DATE}, 200),
        ({"If_None_Match": TAG, "If_Modified_Since": EARLIER}, 304),
        ({"If_Match": '"x"', "If_None_Match": TAG}, 412),
        ({"If_None_Match": TAG, "Range": "bytes=0-1"}, 304),
        ({"If_Match": '"x"', "Range": "bytes=0-1"}, 412),
        ({"If_Match": TAG, "Range": "bytes=0-1"}, 206),
        # section 13.1.5, to the letter
        ({"Range": "bytes=0-1", "If_Range": TAG}, 206),
        ({"Range": "bytes=0-1", "If_Range": f"W/{TAG}"}, 200),
        ({"Range": "bytes=0-1", "If_Range": '"x"'}, 200),
        ({"Range": "bytes=0-1", "If_Range": DATE}, 206),
        ({"Range": "bytes=0-1", "If_Range": LATER}, 200),
        ({"Range": "bytes=99-", "If_Range": '"x"'}, 200),
    ],
)
def test_preconditions(serve: Serve, opened: list[int], fields: dict[str, str], code: int) -> None:
    site = serve(cache_control="max-age=1")
    tag = site.get("/files/a.txt")["ETag"]
    assert tag
    headers = {name: value.replace(TAG, tag) for name, value in fields.items()}
    answer = site.get("/files/a.txt", **headers)
    assert answer.code == code
    if code == 304:  # section 15.4.5
        assert (answer["ETag"], answer["Last-Modified"]) == (tag, DATE)
        assert answer["Cache-Control"] == "max-age=1"
        assert answer["Content-Type"] is answer["Content-Length"] is None
    if "Range" not in fields:
        assert site.ask("HEAD", "/files/a.txt", **headers).code == code


# Ranges


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        # RFC 9110, section 14.1.2
        ("bytes=0-0", [(0, 1)]),
        ("bytes=0-9", [(0, 10)]),
        ("bytes=3-", [(3, 10)]),
        ("bytes=3-99999999999999999", [(3, 10)]),
        ("bytes=-3", [(7, 10)]),
        ("bytes=-10", [(0, 10)]),
        ("bytes=-99", [(0, 10)]),
        ("bytes= 1-2 , ,\t", [(1, 3)]),
        ("BYTES=1-2", [(1, 3)]),
        # none that there is
        ("bytes=10-", []),
        ("bytes=10-20, 30-", []),
        ("bytes=-0", []),
        # one that there is, others not
        ("bytes=10-, 2-3, -0", [(2, 4)]),
        # to be ignored
        ("", None),
        ("bytes", None),
        ("bytes=", None),
        ("bytes=,", None),
        ("bytes=-", None),
        ("bytes=a-b", None),
        ("bytes=3-2", None),
        ("bytes=0-1,3-2", None),
        ("bytes=0-1,x", None),
        ("bytes=--1", None),
        ("bytes=1--2", None),
        ("bytes=+1-2", None),
        ("bytes=0x1-2", None),
        ("bytes=1 -2", None),
        ("bytes=\u0663-", None),
        ("bytes=0-" + "9" * 19, None),
        ("bytes=" + "1" * 5000 + "-", None),
        ("lines=0-1", None),
        ("bytes = 0-1", None),
        ("bytes=" + "0-0," * (MAX_RANGES + 1), None),
    ],
)
def test_wanted_ranges(header: str, expected: Any) -> None:
    assert wanted_ranges(header, 10) == expected
    assert wanted_ranges(header, 0) is None


FAR = GAP + 10


@pytest.mark.parametrize(
    ("specs", "expected"),
    [
        ("0-9,5-14", [(0, 15)]),
        ("5-14,0-9", [(0, 15)]),
        ("0-99,10-19", [(0, 100)]),
        ("0-9,10-19", [(0, 20)]),
        (f"0-9,{GAP + 10}-{GAP + 19}", [(0, GAP + 20)]),
        (f"0-9,{GAP + 11}-{GAP + 19}", [(0, 10), (GAP + 11, GAP + 20)]),
        (f"{FAR * 2}-,0-1", [(FAR * 2, 1000), (0, 2)]),  # in the order they were asked for
        (f"{FAR * 2}-,0-1,{FAR * 2 + 1}-", [(FAR * 2, 1000), (0, 2)]),
        ("0-,0-,0-,0-,0-,0-", [(0, 1000)]),  # a known attack: many times the whole
        ("0-1,-5,500-501", [(0, 2), (995, 1000), (500, 502)]),
    ],
)
def test_overlapping_ranges_are_made_one(specs: str, expected: Any) -> None:
    """RFC 9110, sections 14.2 and 15.3.7.2."""
    assert wanted_ranges(f"bytes={specs}", 1000) == expected


def test_one_range(serve: Serve, opened: list[int]) -> None:
    """RFC 9110, section 15.3.7.1."""
    answer = serve().get("/files/a.txt", Range="bytes=2-4")
    assert (answer.code, answer.body) == (206, b"234")
    assert answer["Content-Range"] == "bytes 2-4/10"
    assert answer["Content-Length"] == "3"
    assert answer["Content-Type"] == "text/plain; charset=utf-8"
    assert answer["ETag"] and answer["Last-Modified"] == DATE


def test_no_range_that_there_is(serve: Serve, opened: list[int]) -> None:
    """RFC 9110, section 15.5.17."""
    answer = serve(cache_control="max-age=60").get("/files/a.txt", Range="bytes=10-")
    assert (answer.code, answer["Content-Range"]) == (416, "bytes */10")
    assert answer["Cache-Control"] is None


def test_head_has_no_ranges(serve: Serve) -> None:
    """RFC 9110, section 14.2."""
    answer = serve().ask("HEAD", "/files/a.txt", Range="bytes=0-1")
    assert (answer.code, answer["Content-Length"]) == (200, "10")
    assert answer["Content-Range"] is None


@pytest.mark.parametrize("size", [1000, 4 * CHUNK])
def test_several_ranges(serve: Serve, root: Path, opened: list[int], size: int) -> None:
    """RFC 9110, sections 14.6 and 15.3.7.2."""
    data = os.urandom(size)
    write(root / "f.bin", data)
    half = size // 2
    answer = serve().get("/files/f.bin", Range=f"bytes={half}-, 0-9, 300-309")
    kind = answer["Content-Type"] or ""
    assert answer.code == 206
    assert answer["Content-Range"] is None
    assert answer["Content-Length"] == str(len(answer.body))
    message = email.message_from_bytes(f"Content-Type: {kind}\r\n\r\n".encode() + answer.body)
    assert message.get_content_type() == "multipart/byteranges"
    parts = [
        (part["Content-Range"], part.get_content_type(), part.get_payload(decode=True))
        for part in message.get_payload()
        if not isinstance(part, str)
    ]
    stream = "application/octet-stream"
    head = [(spec, kind) for spec, kind, _ in parts]
    assert head == [
        (f"bytes {half}-{size - 1}/{size}", stream),
        (f"bytes 0-9/{size}", stream),
        (f"bytes 300-309/{size}", stream),
    ]
    for piece in (data[half:], data[:10], data[300:310]):
        assert b"\r\n\r\n" + piece + b"\r\n--" in answer.body


# Compressed siblings


@pytest.fixture
def packed(root: Path) -> Path:
    write(root / "app.js", "plain " * 9)
    write(root / "app.js.gz", gzip.compress(b"plain " * 9), OLD + 1)
    write(root / "app.js.br", b"brotli", OLD + 2)
    return root


@pytest.mark.parametrize(
    ("accept", "coding"),
    [
        (None, None),
        ("", None),
        ("identity", None),
        ("deflate", None),
        ("gzip", "gzip"),
        ("GZIP", "gzip"),
        ("x, gzip;q=0.2", None),
        ("gzip;q=0", None),
        ("gzip, identity;q=0.5", "gzip"),
        ("gzip;q=0.5, identity", None),
        ("gzip, deflate, br", "br"),
        ("gzip, br;q=0.5", "gzip"),
        ("br;q=0, *", "gzip"),
        ("*", "br"),
        ("*;q=0", None),
        ("identity;q=0", None),
        ("gzip;;;", None),
    ],
)
def test_codings(
    serve: Serve, packed: Path, opened: list[int], accept: str | None, coding: str | None
) -> None:
    """RFC 9110, section 12.5.3."""
    headers = {} if accept is None else {"Accept_Encoding": accept}
    answer = serve().get("/files/app.js", **headers)
    suffix = {None: "", "gzip": ".gz", "br": ".br"}[coding]
    assert answer.code == 200
    assert answer["Content-Encoding"] == coding
    assert answer["Vary"] == "Accept-Encoding"
    assert answer["Content-Type"] == "text/javascript; charset=utf-8"
    assert answer.body == (packed / f"app.js{suffix}").read_bytes()


def test_each_coding_has_its_etag(serve: Serve, packed: Path) -> None:
    """RFC 9110, section 8.8.3.3."""
    site = serve()
    tags = [
        site.get("/files/app.js", Accept_Encoding=accept)["ETag"] or ""
        for accept in ("identity", "gzip", "br")
    ]
    assert len(set(tags)) == 3
    codes = [
        site.get("/files/app.js", Accept_Encoding="gzip", If_None_Match=tag).code for tag in tags
    ]
    assert codes == [200, 304, 200]
    answer = site.get("/files/app.js", Accept_Encoding="gzip", If_None_Match=tags[1])
    assert answer["Vary"] == "Accept-Encoding"
    assert answer["Content-Encoding"] is None
    ranged = site.get("/files/app.js", Accept_Encoding="br", Range="bytes=1-2", If_Range=tags[2])
    assert (ranged.code, ranged.body, ranged["Content-Range"]) == (206, b"ro", "bytes 1-2/6")
    assert ranged["Content-Encoding"] == "br"


def test_codings_of_one_size_and_time_differ(serve: Serve, root: Path) -> None:
    for name in ("f", "f.gz", "f.br"):
        write(root / name, name[-1])
    site = serve()
    tags = {site.get("/files/f", Accept_Encoding=each)["ETag"] for each in ("x", "gzip", "br")}
    assert len(tags) == 3


def test_a_sibling_that_is_older_is_not_used(serve: Serve, packed: Path) -> None:
    os.utime(packed / "app.js", (OLD + 1.5, OLD + 1.5))
    site = serve()
    assert site.get("/files/app.js", Accept_Encoding="gzip")["Content-Encoding"] == "gzip"
    os.utime(packed / "app.js", (OLD + 2, OLD + 2))
    answer = site.get("/files/app.js", Accept_Encoding="gzip")
    assert answer["Content-Encoding"] is None
    assert answer["Vary"] == "Accept-Encoding"  # there is a .br yet
    os.utime(packed / "app.js", (OLD + 3, OLD + 3))
    assert site.get("/files/app.js", Accept_Encoding="gzip")["Vary"] is None


def test_siblings_are_files_of_the_directory_too(
    serve: Serve, root: Path, opened: list[int]
) -> None:
    (root / "a.txt.gz").symlink_to("../../secret.txt")
    (root / "a.txt.br").mkdir()
    (root / "sub/b.css.gz").symlink_to("../a.txt")
    (root.parent.parent / "secret.txt").write_text("secret")
    site = serve()
    answer = site.get("/files/a.txt", Accept_Encoding="br, gzip")
    assert (answer.body, answer["Content-Encoding"]) == (b"0123456789", None)
    assert site.get("/files/sub/b.css", Accept_Encoding="gzip").body == b"0123456789"


def test_a_sibling_alone_is_only_itself(serve: Serve, root: Path) -> None:
    write(root / "lone.js.gz", "x")
    site = serve()
    assert site.get("/files/lone.js", Accept_Encoding="gzip").code == 404
    answer = site.get("/files/lone.js.gz", Accept_Encoding="gzip")
    assert (answer["Content-Type"], answer["Content-Encoding"]) == ("application/gzip", None)


def test_siblings_by_option(serve: Serve, packed: Path) -> None:
    answer = serve(precompressed=False).get("/files/app.js", Accept_Encoding="gzip, br")
    assert answer["Vary"] is answer["Content-Encoding"] is None


# What was asked for a moment ago


@pytest.fixture
def threads(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The calls that are made in threads, by name. The kernel is not asked whether it would have
    to wait: not every file system can tell."""
    calls: list[str] = []

    def note(use: Any, function: Callable[..., Any], *args: Any) -> Any:
        calls.append(function.__name__)
        return in_thread(use, function, *args)

    monkeypatch.setattr(static, "in_thread", note)
    monkeypatch.setattr(static_body, "NOW", 0)
    return calls


@pytest.mark.parametrize("path", ["/files/a.txt", "/files/sub/", "/files/big.bin"])
def test_a_file_that_was_asked_for_a_moment_ago_takes_no_thread(
    serve: Serve, big: bytes, opened: list[int], threads: list[str], path: str
) -> None:
    site = serve()
    first = site.get(path)
    assert threads == ["_answer"]
    for _ in range(3):
        again = site.get(path)
        assert (again.code, again.body) == (200, first.body)
        assert site.ask("HEAD", path).code == 200
        assert site.get(path, If_None_Match=first["ETag"]).code == 304
    assert threads == ["_answer"]
    assert opened == []


def test_a_moment_is_short(
    serve: Serve, threads: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Seen, "MOMENT", 0.0)
    site = serve()
    for count in (1, 2):
        assert site.get("/files/a.txt").code == 200
        assert len(threads) == count


def test_no_more_files_are_kept_in_mind_than_that(
    serve: Serve, threads: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Seen, "MOST", 2)
    site = serve()
    for path in ("/files/a.txt", "/files/", "/files/sub/b.css"):
        site.get(path)
    assert len(site.files._seen._files) == 1
    site.get("/files/sub/b.css")
    assert len(threads) == 3


def test_parts_that_are_kept_in_mind_are_bounded() -> None:
    seen = Seen()
    seen.note([b"f"])
    for offset in range(2 * Seen.MOST_PARTS):
        seen.note_part([b"f"], offset)
    assert [seen.has_part([b"f"], offset) for offset in (0, Seen.MOST_PARTS)] == [True, False]
    seen.note_part([b"g"], 0)
    assert not seen.has_part([b"g"], 0)


def test_a_file_of_which_the_kernel_cannot_tell_takes_a_thread_each_time(
    serve: Serve, threads: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its bytes may be on another machine."""
    monkeypatch.setattr(static_body, "NOW", None)
    site = serve()
    site.get("/files/a.txt")
    site.get("/files/a.txt")
    assert threads == ["_answer", "_answer"]


def test_bytes_that_are_not_in_memory_any_more_are_read_in_a_thread(
    serve: Serve, opened: list[int], threads: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    site = serve()
    site.get("/files/a.txt")
    monkeypatch.setattr(static_body, "NOW", None)
    assert site.get("/files/a.txt").body == b"0123456789"
    assert threads == ["_answer", "_answer"]


@pytest.mark.parametrize("how", ["written anew", "exchanged", "longer"])
def test_a_file_that_changed_since_a_moment_ago(
    serve: Serve, root: Path, opened: list[int], threads: list[str], how: str
) -> None:
    site = serve()
    before = site.get("/files/a.txt")
    if how == "written anew":
        write(root / "a.txt", "ABCDEFGHIJ", OLD + 1)
    elif how == "exchanged":
        write(root / "new.txt", "ABCDEFGHIJ", OLD + 1).rename(root / "a.txt")
    else:
        with open(root / "a.txt", "a") as file:
            file.write("ABCDEFGHIJ")
    after = site.get("/files/a.txt")
    assert after.body == (root / "a.txt").read_bytes() != before.body
    assert after["ETag"] != before["ETag"]
    assert after["Content-Length"] == str(len(after.body))


@pytest.mark.parametrize("what", ["nothing", "a folder", "a way out", "a FIFO"])
def test_what_is_no_file_any_more_since_a_moment_ago(
    serve: Serve, root: Path, opened: list[int], threads: list[str], what: str
) -> None:
    site = serve()
    assert site.get("/files/a.txt").code == 200
    (root / "a.txt").unlink()
    if what == "a folder":
        (root / "a.txt").mkdir()
    elif what == "a way out":
        (root / "a.txt").symlink_to(root.parent / "secret.txt")
    elif what == "a FIFO":
        os.mkfifo(root / "a.txt")
    assert site.get("/files/a.txt").code == (308 if what == "a folder" else 404)


def test_a_sibling_that_came_or_went_a_moment_ago(
    serve: Serve, root: Path, opened: list[int], threads: list[str]
) -> None:
    site = serve()
    for there in (False, True, True, False):
        sibling = root / "a.txt.gz"
        if there:
            write(sibling, gzip.compress(b"0123456789"))
        else:
            sibling.unlink(missing_ok=True)
        answer = site.get("/files/a.txt", Accept_Encoding="gzip")
        assert (answer["Content-Encoding"] == "gzip") is there
    # The sibling's first time took a thread of its own.
    assert threads == ["_answer", "_answer"]


# The way of a big file


def test_a_slow_client_is_waited_for(serve: Serve, big: bytes, opened: list[int]) -> None:
    """No more of the file is in memory than the first part and what the watermark allows."""
    site = serve()
    client = site.client
    client.feed(raw("GET", "/files/big.bin"))
    site.over_thread()
    assert len(opened) == 1
    seen = 0
    while client.waiting():
        assert client.waiting() < 2 * CHUNK + 500  # and the head
        client.take(1)
        site.world.settle()
        seen += 1
    assert seen >= 8
    (answer,) = client.answers()
    assert answer.body == big
    assert opened == []


@pytest.mark.parametrize("taken", [0, 1, 3])
def test_a_client_that_goes_away(serve: Serve, big: bytes, opened: list[int], taken: int) -> None:
    site = serve()
    site.client.feed(raw("GET", "/files/big.bin"))
    site.over_thread()
    site.client.take(taken)
    site.world.settle()
    assert len(opened) == 1
    site.client.hang_up()
    assert opened == []


class Gate:
    """A function in whose middle a thread waits until it is let go on."""

    def __init__(self, function: Callable[..., Any]) -> None:
        self.function = function
        self.entered, self.go, self.left = (threading.Event() for _ in range(3))

    def __call__(self, *args: Any, **options: Any) -> Any:
        self.entered.set()
        assert self.go.wait(PATIENCE)
        try:
            return self.function(*args, **options)
        finally:
            self.left.set()


@pytest.mark.parametrize("where", ["opening", "reading", "reading on"])
def test_a_client_that_goes_away_while_a_thread_is_at_work(
    world: World,
    serve: Serve,
    big: bytes,
    opened: list[int],
    monkeypatch: pytest.MonkeyPatch,
    where: str,
) -> None:
    """The thread closes what it has opened, or was reading."""
    site = serve()
    module, name = (static_tree, "fstat") if where == "opening" else (static_body, "pread")
    gate = Gate(getattr(os, name))
    if where == "reading on":
        monkeypatch.setattr(static_body, "NOW", None)
        site.client.feed(raw("GET", "/files/big.bin"))
        site.over_thread()
        monkeypatch.setattr(module.os, name, gate)
        site.client.take()
    else:
        if where == "reading":
            monkeypatch.setattr(static_body, "NOW", None)
        monkeypatch.setattr(module.os, name, gate)
        site.client.feed(raw("GET", "/files/big.bin"))
    assert gate.entered.wait(PATIENCE)
    site.client.hang_up()
    assert len(opened) >= 1  # not closed under the thread's hands
    gate.go.set()
    assert gate.left.wait(PATIENCE)
    world.scheduler.pool.close()
    assert world.scheduler.pool.join(PATIENCE)
    assert opened == []


@pytest.mark.parametrize("size", [CHUNK + 10, 0])
def test_a_file_that_becomes_shorter(
    serve: Serve,
    root: Path,
    big: bytes,
    opened: list[int],
    caplog: pytest.LogCaptureFixture,
    size: int,
) -> None:
    """The client sees that not all has come (RFC 9112, section 8)."""
    site = serve()
    site.client.feed(raw("GET", "/files/big.bin"))
    site.over_thread()
    os.truncate(root / "big.bin", size)
    site.finish()
    assert site.client.ended == "cut"
    assert "became shorter" in caplog.text
    assert opened == []


def test_a_file_that_grows(serve: Serve, root: Path, big: bytes) -> None:
    site = serve()
    site.client.feed(raw("GET", "/files/big.bin"))
    site.over_thread()
    with open(root / "big.bin", "ab") as file:
        file.write(b"more")
    site.finish()
    (answer,) = site.client.answers()
    assert answer.body == big


def test_a_body_is_closed_once(root: Path, opened: list[int]) -> None:
    body = Body()
    body.hold(Tree(str(root)).open([b"a.txt"]).fd)
    body.hold(Tree(str(root)).open([b"sub", b"b.css"]).fd)
    assert len(opened) == 1
    body.close()
    body.close()
    assert opened == []


def test_a_body_that_nobody_wants_by_the_time_a_thread_comes(
    root: Path, opened: list[int]
) -> None:
    body = Body()
    body.close()
    body.use(lambda: body.hold(Tree(str(root)).open([b"a.txt"]).fd))
    assert opened == []


# On a socket


def live_files(live: Live, root: Path) -> None:
    app = App()
    app.mount("/files", StaticFiles(root))
    live.serve(app)


def test_ranges_over_a_connection(live: Live, root: Path, big: bytes) -> None:
    """A player that looks for the end of a film, then for its middle."""
    live_files(live, root)
    connection = http.client.HTTPConnection("127.0.0.1", live.port, timeout=PATIENCE)
    try:
        for spec, want in (
            ("0-", big),
            ("-1000", big[-1000:]),
            (f"{CHUNK - 5}-{3 * CHUNK + 5}", big[CHUNK - 5 : 3 * CHUNK + 6]),
        ):
            connection.request("GET", "/files/big.bin", headers={"Range": f"bytes={spec}"})
            answer = connection.getresponse()
            assert (answer.status, answer.read()) == (206, want)
    finally:
        connection.close()


@pytest.mark.needs("curl")
def test_curl_gets_the_rest_of_a_big_file(live: Live, root: Path, tmp_path: Path) -> None:
    size = 3 << 30
    with open(root / "film.mp4", "wb") as film:  # most of it a hole
        film.seek(size - 5)
        film.write(b"ende!")
    live_files(live, root)
    url = f"http://127.0.0.1:{live.port}/files/film.mp4"
    end = subprocess.run(["curl", "-sS", "-r", "-5", url], capture_output=True, timeout=PATIENCE)
    assert (end.stdout, end.stderr) == (b"ende!", b"")
    part = write(tmp_path / "part", b"\0" * 7)
    os.truncate(part, size - 3)
    rest = ["curl", "-sS", "-C", "-", "-o", str(part), url]
    done = subprocess.run(rest, capture_output=True, timeout=PATIENCE)
    assert (done.returncode, done.stderr) == (0, b"")
    with open(part, "rb") as file:
        file.seek(size - 4)
        assert file.read() == b"\0de!"


def test_a_client_that_hangs_up_in_the_middle(live: Live, root: Path, opened: list[int]) -> None:
    with open(root / "film.mp4", "wb") as film:
        film.truncate(1 << 30)
    live_files(live, root)
    client = live.ask("GET", "/files/film.mp4")
    assert client.recv(1000).startswith(b"HTTP/1.1 200 OK")
    assert len(live.call(lambda: list(opened))) == 1
    client.close()
    wait_until(lambda: opened == [], "the closing of the file")


def test_others_are_served_while_a_disk_is_slow(
    live: Live, root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    gate = Gate(os.fstat)
    monkeypatch.setattr(static_tree, "os", type(sys)("os"))
    static_tree.os.__dict__.update(os.__dict__, fstat=gate)
    app = App()
    app.mount("/files", StaticFiles(root))
    app.get("/quick")(lambda request: "quick")
    live.serve(app)
    slow = live.ask("GET", "/files/a.txt")
    assert gate.entered.wait(PATIENCE)
    with live.ask("GET", "/quick") as quick:
        assert b"quick" in b"".join(iter(lambda: quick.recv(65536), b""))
    gate.go.set()
    assert b"0123456789" in b"".join(iter(lambda: slow.recv(65536), b""))


def test_the_log_says_nothing_of_a_missing_file(
    serve: Serve, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    site = serve()
    assert site.get("/files/nothing").code == 404
    assert not [record for record in caplog.records if record.levelno >= logging.WARNING]
