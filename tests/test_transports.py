"""TLS, Unix sockets and inherited descriptors, by the command line, with curl as the client."""

from __future__ import annotations

import json
import os
import re
import socket
import ssl
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from kroute import cli
from tests.conftest import Certificate
from tests.server.process import Served
from tests.waiting import PATIENCE

PROGRAM = """
    import os
    from kroute import App, Limits, Response, StaticFiles

    app = App(limits=Limits(body_bytes=100_000_000))
    os.makedirs("public", exist_ok=True)
    app.mount("/public", StaticFiles("public"))

    @app.get("/")
    def where(request):
        names = "wsgi.url_scheme", "REMOTE_ADDR", "SERVER_NAME", "SERVER_PORT"
        return {"url": request.url, **{name: request.environ[name] for name in names}}

    @app.put("/count", stream=True)
    def count(request):
        size = 0
        while chunk := (yield from request.read()):
            size += len(chunk)
        yield str(size)

    @app.get("/large/{size}")
    def large(request, size: int):
        yield Response(content_type="application/octet-stream")
        for _ in range(size >> 16):
            yield bytes(1 << 16)

    if __name__ == "__main__":
        import ssl, sys
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        context.load_cert_chain(*sys.argv[1:])
        app.run(port=0, ssl_context=context)
"""


def curl(*words: str) -> str:
    done = subprocess.run(
        ["curl", "-sS", "--max-time", "20", *words], capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


# TLS.


@pytest.fixture
def secure(tmp_path: Path, certificate: Certificate) -> Iterator[Served]:
    cert, key = map(str, certificate)
    with Served(tmp_path, PROGRAM, "--certfile", cert, "--keyfile", key) as served:
        yield served
        assert served.stop() == 0
    assert not [line for line in served.lines if "ERROR" in line or "Warning" in line]


needs_openssl = pytest.mark.needs("openssl", "curl")


@needs_openssl
def test_curl_speaks_tls(secure: Served, certificate: Certificate) -> None:
    url = f"https://localhost:{secure.port}/"
    assert secure.urls == [f"https://127.0.0.1:{secure.port}"]
    said = json.loads(curl("--ipv4", "--cacert", str(certificate.certfile), url))
    assert said == {
        "url": url,
        "wsgi.url_scheme": "https",
        "REMOTE_ADDR": "127.0.0.1",
        "SERVER_NAME": "127.0.0.1",
        "SERVER_PORT": str(secure.port),
    }
    printed = curl(
        "-v", "--stderr", "-", "--ipv4", "--cacert", str(certificate.certfile), url, url
    )
    assert "ALPN: server accepted http/1.1" in printed or "ALPN, server accepted" in printed
    assert re.search(r"Re-using existing connection", printed)


@needs_openssl
@pytest.mark.parametrize("version", ["-tls1_2", "-tls1_3"])
def test_openssl_speaks_tls(secure: Served, certificate: Certificate, version: str) -> None:
    trust = ["-CAfile", str(certificate.certfile), "-verify_return_error"]
    place = ["-connect", f"127.0.0.1:{secure.port}", "-servername", "localhost"]
    done = subprocess.run(
        ["openssl", "s_client", version, *trust, *place, "-alpn", "h2,http/1.1", "-ign_eof"],
        input=b"GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n",
        capture_output=True,
        timeout=PATIENCE,
    )
    printed = done.stdout.decode()
    assert done.returncode == 0
    assert "Verify return code: 0 (ok)" in printed
    assert "ALPN protocol: http/1.1" in printed
    assert "HTTP/1.1 200 OK" in printed
    assert '"url": "https://localhost/"' in printed


@needs_openssl
def test_curl_sends_and_fetches_parts_by_tls(
    secure: Served, certificate: Certificate, tmp_path: Path
) -> None:
    url = f"https://127.0.0.1:{secure.port}"
    trust = ("--http1.1", "--cacert", str(certificate.certfile))
    big = tmp_path / "public" / "big.bin"
    big.write_bytes(bytes(range(256)) * 40_000)
    size = str(big.stat().st_size)
    for expect in ("Expect: 100-continue", "Expect:"):
        printed = curl(*trust, "-v", "--stderr", "-", "-T", str(big), "-H", expect, f"{url}/count")
        assert re.search(rf"^{size}", printed, re.MULTILINE)
        assert ("100 Continue" in printed) == (expect != "Expect:")
    for part, want in (("1000-1999", slice(1000, 2000)), ("-10", slice(-10, None))):
        curl(*trust, "-r", part, "-o", str(tmp_path / "part"), f"{url}/public/big.bin")
        assert (tmp_path / "part").read_bytes() == big.read_bytes()[want]


@needs_openssl
def test_app_run_takes_a_context(tmp_path: Path, certificate: Certificate) -> None:
    command = [str(tmp_path / "served.py"), *map(str, certificate)]
    with Served(tmp_path, PROGRAM, command=command) as served:
        url = f"https://127.0.0.1:{served.port}/"
        said = json.loads(curl("--cacert", str(certificate.certfile), url))
        assert said["url"] == url
        assert served.stop() == 0


@needs_openssl
def test_plain_http_on_a_tls_port_is_told_so(secure: Served) -> None:
    printed = curl("-i", f"http://127.0.0.1:{secure.port}/")
    head, _, body = printed.partition("\n\n")
    assert head.startswith("HTTP/1.1 400 ")
    assert "Connection: close" in head
    assert body == "HTTPS is spoken here, and you spoke HTTP.\n"
    assert f"Content-Length: {len(body)}" in head


def test_tls_on_a_plain_port_is_refused(tmp_path: Path) -> None:
    hello = ssl.MemoryBIO()
    client = ssl.create_default_context().wrap_bio(ssl.MemoryBIO(), hello, server_hostname="x")
    with pytest.raises(ssl.SSLWantReadError):
        client.do_handshake()
    with Served(tmp_path, PROGRAM) as served, served.connect() as sock:
        sock.sendall(hello.read())
        with sock.makefile("rb") as answer:
            assert answer.readline().startswith(b"HTTP/1.1 400 ")
            assert answer.read()  # and then the end


def resident(process: int) -> int:
    """Bytes of a process that are in memory, at most so far."""
    found = re.search(r"VmHWM:\s+(\d+) kB", Path(f"/proc/{process}/status").read_text())
    assert found
    return int(found[1]) * 1024


@needs_openssl
@pytest.mark.skipif(sys.platform != "linux", reason="needs /proc")
@pytest.mark.parametrize("way", ["down", "up"])
def test_64_mib_take_no_memory(
    secure: Served, certificate: Certificate, tmp_path: Path, way: str
) -> None:
    size = 64 << 20
    base = f"https://127.0.0.1:{secure.port}"
    trust = ("--cacert", str(certificate.certfile))
    curl(*trust, base + "/")
    before = resident(secure.process.pid)
    if way == "down":
        printed = curl(*trust, "-o", os.devnull, "-w", "%{size_download}", f"{base}/large/{size}")
    else:
        with open(tmp_path / "zeros", "wb") as file:
            file.truncate(size)
        printed = curl(*trust, "-T", file.name, f"{base}/count")
    assert printed == str(size)
    assert resident(secure.process.pid) - before < 8 << 20


@needs_openssl
@pytest.mark.skipif(sys.platform != "linux", reason="needs /proc")
def test_a_slow_reader_takes_no_memory(secure: Served, certificate: Certificate) -> None:
    context = ssl.create_default_context(cafile=str(certificate.certfile))
    curl("--cacert", str(certificate.certfile), f"https://127.0.0.1:{secure.port}/")
    before = resident(secure.process.pid)
    with context.wrap_socket(secure.connect(), server_hostname="localhost") as sock:
        sock.sendall(b"GET /large/1000000000 HTTP/1.1\r\nHost: x\r\n\r\n")
        for _ in range(200):
            assert sock.recv(1000)
            with context.wrap_socket(secure.connect(), server_hostname="localhost"):
                pass
    assert resident(secure.process.pid) - before < 8 << 20


@pytest.mark.parametrize(
    ("words", "problem"),
    [
        ("--certfile no.pem", "cannot speak TLS with no.pem: No such file or directory"),
        ("--keyfile no.pem", "--keyfile is of no use without --certfile"),
        ("--bind fd://999", "cannot listen on fd://999: Bad file descriptor"),
        ("--bind systemd:", "cannot listen by systemd: it has passed no sockets (LISTEN_FDS)"),
        ("--bind unix:no/x", "cannot listen on unix:no/x: No such file or directory"),
    ],
)
def test_what_cannot_be_is_a_line(
    words: str,
    problem: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    (tmp_path / "nothing.py").write_text("from kroute import App\napp = App()\n")
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setattr(cli, "raise_descriptor_limit", lambda: None)
    assert cli.main(["run", "nothing", *words.split()]) == 2
    assert capsys.readouterr().err == f"kroute: {problem}\n"
    sys.modules.pop("nothing", None)


@pytest.mark.parametrize("mode", ["9", "0o660", "66", "rw"])
def test_what_is_no_mode(mode: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        cli.main(["run", "hello", "--bind", "unix:x", "--socket-mode", mode])
    assert f"{mode!r} is no mode of a file; 660 is" in capsys.readouterr().err


# Unix sockets.


@pytest.mark.needs("curl")
def test_curl_comes_by_a_unix_socket(tmp_path: Path) -> None:
    path = tmp_path / "app.sock"
    words = ("--socket-mode", "600", "--access-log", "--forwarded-allow-ips", "*")
    bind = f"unix:{path}"
    with Served(tmp_path, PROGRAM, *words[:3], binds=[bind]) as served:
        assert served.urls == [bind]
        assert path.stat().st_mode & 0o777 == 0o600
        said = json.loads(
            curl("--unix-socket", str(path), "-H", "X-Forwarded-For: 192.0.2.1", "http://name/")
        )
        assert said == {
            "url": "http://name/",
            "wsgi.url_scheme": "http",
            "REMOTE_ADDR": "",
            "SERVER_NAME": "localhost",
            "SERVER_PORT": "80",
        }
        assert served.stop() == 0
    assert not path.exists()


@pytest.mark.needs("curl")
@pytest.mark.parametrize(
    ("trusted", "address"), [("unix:", "192.0.2.1"), ("*", "192.0.2.1"), ("127.0.0.1", "")]
)
def test_a_unix_peer_is_a_proxy_if_that_is_said(
    tmp_path: Path, trusted: str, address: str
) -> None:
    path = tmp_path / "app.sock"
    bind = f"unix:{path}"
    with Served(tmp_path, PROGRAM, "--forwarded-allow-ips", trusted, binds=[bind]) as served:
        fields = ("X-Forwarded-For: 192.0.2.1", "X-Forwarded-Proto: https")
        words = [word for field in fields for word in ("-H", field)]
        said = json.loads(curl("--unix-socket", str(path), *words, "http://name/"))
        assert said["REMOTE_ADDR"] == address
        assert said["wsgi.url_scheme"] == ("https" if address else "http")
        assert served.stop() == 0


def test_a_killed_server_is_replaced_and_a_living_one_is_not(tmp_path: Path) -> None:
    bind = f"unix:{tmp_path / 'app.sock'}"
    with Served(tmp_path, PROGRAM, binds=[bind]) as first:
        with pytest.raises(AssertionError, match="Address already in use"):
            Served(tmp_path, PROGRAM, binds=[bind])
        first.kill(9)
        first.wait()
    with Served(tmp_path, PROGRAM, binds=[bind]) as second:
        assert second.stop() == 0


# Inherited descriptors.


@pytest.mark.needs("curl")
@pytest.mark.parametrize("bind", ["fd://3", "systemd:"])
def test_an_inherited_socket_is_served(tmp_path: Path, bind: str) -> None:
    (tmp_path / "served.py").write_text(
        "from kroute import App\napp = App()\napp.add('/', GET=lambda request: 'hello')\n"
    )
    with socket.create_server(("127.0.0.1", 0)) as sock:
        port = sock.getsockname()[1]
        # As systemd does: descriptor 3, and who it is for, which is known after the fork only.
        start = (
            f"import os, sys; os.dup2({sock.fileno()}, 3);"
            "os.environ.update(LISTEN_PID=str(os.getpid()), LISTEN_FDS='1');"
            "os.execv(sys.executable, [sys.executable, '-m', 'kroute', *sys.argv[1:]])"
        )
        with subprocess.Popen(
            [sys.executable, "-c", start, "run", "served:app", "--bind", bind],
            cwd=tmp_path,
            pass_fds=[sock.fileno()],
            stderr=subprocess.PIPE,
            text=True,
        ) as served:
            try:
                assert served.stderr
                assert f"serving on http://127.0.0.1:{port}" in served.stderr.readline()
                assert curl(f"http://127.0.0.1:{port}/") == "hello"
            finally:
                served.terminate()
            assert served.wait(PATIENCE) == 0
