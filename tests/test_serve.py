"""serve, `kroute run`: on real sockets, in a process of its own."""

from __future__ import annotations

import http.client
import json
import os
import platform
import re
import select
import signal
import socket
import struct
import subprocess
import sys
import textwrap
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, closing, suppress
from pathlib import Path

import pytest

from tests.server.process import Served
from tests.waiting import PATIENCE, wait_until

PROGRAM = """
    import os
    import gc
    import pathlib
    from kroute import App, Limits, Response, in_thread, sleep

    app = App(limits=Limits(body_bytes=1_000_000, output_high=100_000))
    going = []

    @app.get("/")
    def hello(request):
        yield Response("Hello, World!", content_type="text/plain")

    @app.route("/echo", methods=["POST", "PUT"])
    def echo(request):
        return request.body

    @app.get("/stream")
    def stream(request):
        yield Response(content_type="text/plain")
        for number in range(3):
            yield f"{number}\\n"
            yield from sleep(0.001)

    @app.get("/wait")
    def wait(request):
        going.append(1)
        try:
            yield from in_thread(request_to_end.wait)
            yield "waited"
        finally:
            going.pop()

    @app.get("/begun")
    def begun(request):
        going.append(1)
        try:
            yield Response("begun ", content_type="text/plain")
            yield from in_thread(request_to_end.wait)
            yield "and done"
        finally:
            going.pop()

    @app.get("/endless")
    def endless(request):
        going.append(1)
        try:
            yield Response(content_type="application/octet-stream")
            while True:
                yield bytes(10_000)
        finally:
            going.pop()

    @app.get("/large/{size}")
    def large(request, size: int):
        return bytes(size)

    @app.get("/broken")
    def broken(request):
        yield Response(content_type="text/plain")
        yield "half"
        yield
        raise ValueError("in the middle")

    @app.get("/fail")
    def fail(request):
        raise ValueError("secret")

    @app.get("/state")
    def state(request):
        import kroute.scheduler
        scheduler = kroute.scheduler.get_scheduler()
        gc.collect()
        return {
            "going": len(going),
            "components": len(scheduler.threads),
            "descriptors": len(os.listdir("/proc/self/fd")),
            "memory": int(pathlib.Path("/proc/self/statm").read_text().split()[1]) * 4096,
        }

    @app.post("/go")
    def go(request):
        request_to_end.set()

    import threading
    request_to_end = threading.Event()
"""


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    with Served(tmp_path_factory.mktemp("served"), PROGRAM) as server:
        reading = threading.Thread(target=lambda: server.lines.extend(server.process.stderr or ()))
        reading.start()
        yield server
        assert server.process.poll() is None
        server.kill()
        assert server.process.wait(PATIENCE) == 0
        reading.join()
        assert not any("ResourceWarning" in line for line in server.lines), server.lines


@pytest.fixture
def own(tmp_path: Path) -> Iterator[Served]:
    with Served(tmp_path, PROGRAM) as server:
        yield server


def state(served: Served) -> dict[str, int]:
    found: dict[str, int] = json.loads(served.ask("GET", "/state")[1])
    return found


def until_idle(served: Served) -> dict[str, int]:
    """Wait until no handler is going and no other connection is open."""

    def idle() -> dict[str, int] | None:
        now = state(served)
        return None if now["going"] or now["components"] > 4 else now

    now = wait_until(idle, "a server with nothing to do")
    assert now
    return now


# Requests


def test_answers(served: Served) -> None:
    client = served.client()
    with closing(client):
        for method, path, body, code, text in [
            ("GET", "/", None, 200, b"Hello, World!"),
            ("HEAD", "/", None, 200, b""),
            ("POST", "/echo", b"x" * 300_000, 200, b"x" * 300_000),
            ("PUT", "/echo", iter([b"one", b"two"]), 200, b"onetwo"),
            ("GET", "/stream", None, 200, b"0\n1\n2\n"),
            ("OPTIONS", "/echo", None, 204, b""),
            ("GET", "/large/5000000", None, 200, bytes(5_000_000)),
        ]:
            client.request(method, path, body)
            sock = client.sock
            answer = client.getresponse()
            assert (answer.status, answer.read()) == (code, text)
            assert client.sock is sock, "the connection is kept"


def test_says_100_and_413(served: Served) -> None:
    with served.connect() as sock:
        sock.sendall(
            b"POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nExpect: 100-continue\r\n\r\n"
        )
        assert sock.recv(100) == b"HTTP/1.1 100 Continue\r\n\r\n"
        sock.sendall(b"hello")
        assert sock.recv(1000).endswith(b"\r\n\r\nhello")
    with served.connect() as sock:
        sock.sendall(b"POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 1000001\r\n\r\n")
        with suppress(OSError):  # it is not read: the kernel may refuse it
            sock.sendall(bytes(1_000_001))
        assert sock.recv(1000).startswith(b"HTTP/1.1 413 ")


@pytest.mark.needs("curl")
def test_curl_agrees(served: Served, tmp_path: Path) -> None:
    large = tmp_path / "large"
    large.write_bytes(bytes(range(256)) * 2000)
    url = f"http://127.0.0.1:{served.port}"
    curl = ["curl", "-sS", "--max-time", "20"]
    for arguments, expected in [
        ([f"{url}/", f"{url}/stream"], b"Hello, World!0\n1\n2\n"),
        (["--http1.0", f"{url}/stream"], b"0\n1\n2\n"),
        (["--data-binary", f"@{large}", f"{url}/echo"], large.read_bytes()),
        (
            ["-T", str(large), "-H", "Transfer-Encoding: chunked", f"{url}/echo"],
            large.read_bytes(),
        ),
        (["-T", str(large), "-H", "Expect: 100-continue", f"{url}/echo"], large.read_bytes()),
    ]:
        assert subprocess.run([*curl, *arguments], capture_output=True).stdout == expected
    broken = subprocess.run([*curl, f"{url}/broken"], capture_output=True)
    assert broken.returncode in (18, 56)  # partial file, or receive error: the client can tell
    assert subprocess.run([*curl, "-I", f"{url}/stream"], capture_output=True).returncode == 0


def test_a_broken_answer_can_be_told(served: Served) -> None:
    client = served.client()
    client.request("GET", "/broken")
    with closing(client), pytest.raises((http.client.IncompleteRead, ConnectionResetError)):
        client.getresponse().read()


# Clients that misbehave


def test_a_client_that_sends_and_closes_at_once(served: Served) -> None:
    for _ in range(20):
        with served.connect() as sock:
            sock.sendall(b"GET /endless HTTP/1.1\r\nHost: a\r\n\r\n")
    for _ in range(20):
        with served.connect() as sock:
            sock.sendall(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
            sock.shutdown(socket.SHUT_WR)
            assert sock.recv(1000).endswith(b"Hello, World!")
            assert sock.recv(1000) == b""
    until_idle(served)


def test_a_client_that_resets_in_the_middle_of_its_upload(served: Served) -> None:
    before = until_idle(served)
    for size in (0, 10, 100_000):
        sock = served.connect()
        sock.sendall(b"POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 900000\r\n\r\n")
        sock.sendall(bytes(size))
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        sock.close()
    after = until_idle(served)
    assert after["descriptors"] <= before["descriptors"]


def test_a_client_that_resets_while_it_is_answered(served: Served) -> None:
    for _ in range(10):
        sock = served.connect()
        sock.sendall(b"GET /endless HTTP/1.1\r\nHost: a\r\n\r\n" * 3)
        sock.recv(100)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        sock.close()
    until_idle(served)


def test_a_client_that_does_not_read_costs_little(served: Served) -> None:
    before = until_idle(served)
    with ExitStack() as stack:
        for _ in range(20):
            sock = stack.enter_context(served.connect())
            sock.sendall(b"GET /endless HTTP/1.1\r\nHost: a\r\n\r\n")
        wait_until(lambda: state(served)["going"] == 20)
        now = state(served)
        assert now["memory"] - before["memory"] < 30_000_000
        read = 0
        while read < 20_000_000:  # it goes on when it is read
            read += len(sock.recv(1_000_000))
    until_idle(served)


def test_a_client_that_does_not_read_is_cut_off(tmp_path: Path) -> None:
    with Served(tmp_path, PROGRAM, "--limit", "write_idle_seconds=0.1") as own:
        with own.connect() as client:
            client.sendall(b"GET /endless HTTP/1.1\r\nHost: a\r\n\r\n")
            own.wait_for("the client went away during GET /endless")
            with pytest.raises(ConnectionResetError):
                while client.recv(1 << 20):
                    pass
        assert own.stop() == 0


def test_connections_count_on_all_addresses_together(tmp_path: Path) -> None:
    binds = ["127.0.0.1:0", f"unix:{tmp_path / 'app.sock'}"]
    with Served(tmp_path, PROGRAM, "--limit", "connections=1", binds=binds) as own:
        with own.connect() as first, socket.socket(socket.AF_UNIX) as second:
            second.connect(str(tmp_path / "app.sock"))
            for client in (first, second):
                client.sendall(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
            assert first.recv(1000).endswith(b"Hello, World!")
            second.settimeout(0.02)
            with pytest.raises(TimeoutError):
                second.recv(1)
            first.close()
            second.settimeout(PATIENCE)
            assert second.recv(1000).endswith(b"Hello, World!")
        assert own.stop() == 0


def test_a_thousand_connections_at_once(served: Served) -> None:
    before = until_idle(served)
    with ExitStack() as stack:
        socks = [stack.enter_context(served.connect()) for _ in range(1000)]
        for sock in socks:
            sock.sendall(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
        for sock in socks:
            assert sock.recv(1000).endswith(b"Hello, World!")
        for sock in socks[::2]:
            sock.sendall(b"GET /stream HTTP/1.1\r\nHost: a\r\n\r\n")
        for sock in socks[::2]:
            data = b""
            while not data.endswith(b"0\r\n\r\n"):
                data += sock.recv(1000)
    after = until_idle(served)
    assert after["descriptors"] <= before["descriptors"]


def test_one_byte_at_a_time(served: Served) -> None:
    with served.connect() as sock:
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for byte in b"POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello":
            sock.sendall(bytes([byte]))
        assert sock.recv(1000).endswith(b"\r\n\r\nhello")


# How it stops


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
@pytest.mark.parametrize("path", ["/wait", "/begun"])
def test_a_signal_lets_a_request_finish(own: Served, number: int, path: str) -> None:
    client, idle = own.client(), own.connect()
    client.request("GET", path)
    wait_until(lambda: state(own)["going"])
    go = own.connect()
    go.sendall(b"POST /go HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\n\r\n")  # and waits with it
    wait_until(lambda: state(own)["components"] >= 9)
    own.kill(number)
    own.wait_for("stopping")
    assert idle.recv(10) == b""  # an idle connection is closed
    idle.close()
    with pytest.raises(ConnectionRefusedError):
        own.connect()
    go.sendall(b"x")
    assert b"Connection: close" in go.recv(1000)
    go.close()
    answer = client.getresponse()
    assert answer.read() == (b"waited" if path == "/wait" else b"begun and done")
    client.close()
    assert own.wait() == 0
    assert not any("Traceback" in line for line in own.lines)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_second_signal_stops_it_at_once(own: Served, number: int) -> None:
    client = own.client()
    client.request("GET", "/endless")
    wait_until(lambda: state(own)["going"])
    own.kill(number)
    own.wait_for("stopping")
    own.kill(number)
    assert own.wait() == 0
    client.close()


@pytest.mark.parametrize("impatient", [False, True])
def test_a_handler_that_is_to_finish_is_waited_for(tmp_path: Path, impatient: bool) -> None:
    program = PROGRAM + """
    @app.get("/finish", on_disconnect="finish")
    def finish(request):
        os.write(2, b"begun\\n")
        while not os.path.exists("go"):
            yield from sleep(0.01)
        yield "nobody reads this"
        os.write(2, b"finished\\n")
    """
    with Served(tmp_path, program) as own:
        with own.connect() as client:
            client.sendall(b"GET /finish HTTP/1.1\r\nHost: a\r\n\r\n")
            own.wait_for("begun")
        own.wait_for("the client went away")
        own.kill()
        own.wait_for("stopping")
        if impatient:
            own.kill()
        else:
            (tmp_path / "go").touch()
        assert own.wait() == 0
        assert ("finished" in own.lines) is not impatient


def test_what_takes_longer_than_the_graceful_timeout_is_cut(tmp_path: Path) -> None:
    with Served(tmp_path, PROGRAM, "--graceful-timeout", "0.1") as own:
        client = own.client()
        client.request("GET", "/begun")
        answer = client.getresponse()
        assert answer.read(6) == b"begun "
        assert own.stop() == 0
        with pytest.raises((ConnectionResetError, http.client.IncompleteRead)):
            answer.read()
        client.close()


def test_a_handler_that_does_not_give_way_cannot_keep_it_from_ending(tmp_path: Path) -> None:
    program = PROGRAM + """
    import sys
    sys.modules["kroute.serve"].AT_ONCE = 0.05

    @app.get("/loop")
    def loop(request):
        os.write(2, b"looping\\n")
        while True:
            pass
    """
    with Served(tmp_path, program) as own, own.connect() as client:
        client.sendall(b"GET /loop HTTP/1.1\r\nHost: a\r\n\r\n")
        own.wait_for("looping")
        own.kill()
        own.kill(signal.SIGINT)  # another one: two of a kind may be delivered as one
        assert own.wait() == 1
        assert "a handler does not give way" in own.lines[-1]


def test_it_can_be_stopped_as_soon_as_it_serves(tmp_path: Path) -> None:
    with Served(tmp_path, PROGRAM) as own:
        assert own.stop() == 0
        assert len(own.lines) == 2  # serving, stopping


# The options


def test_a_port_in_use_is_one_line_and_status_2(served: Served, tmp_path: Path) -> None:
    (tmp_path / "served.py").write_text("from kroute import App\napp = App()\n")
    words = [sys.executable, "-m", "kroute", "run", "served:app", "--bind"]
    done = subprocess.run(
        [*words, f"127.0.0.1:{served.port}"], cwd=tmp_path, capture_output=True, text=True
    )
    assert done.returncode == 2
    assert done.stderr == (
        f"kroute: cannot listen on 127.0.0.1:{served.port}: Address already in use\n"
    )
    assert done.stdout == ""


def has_ipv6() -> bool:
    try:
        with socket.socket(socket.AF_INET6) as sock:
            sock.bind(("::1", 0))
    except OSError:
        return False
    return True


@pytest.mark.skipif(not has_ipv6(), reason="this machine has no IPv6")
def test_several_addresses(tmp_path: Path) -> None:
    with Served(tmp_path, PROGRAM, binds=["127.0.0.1:0", "[::1]:0"]) as own:
        assert re.fullmatch(r"http://\[::1\]:\d+", own.urls[1])
        for url in own.urls:
            host, _, port = url.removeprefix("http://").rpartition(":")
            with closing(http.client.HTTPConnection(host.strip("[]"), int(port))) as client:
                client.request("GET", "/")
                assert client.getresponse().read() == b"Hello, World!"
        assert own.stop() == 0


def test_debug_access_log_and_a_factory(tmp_path: Path) -> None:
    program = PROGRAM + "    def make_app():\n        return app\n"
    with Served(tmp_path, program, "--debug", "--access-log", name="served:make_app()") as own:
        code, text = own.ask("GET", "/fail", Accept="text/plain")
        assert code == 500
        assert b"ValueError: secret" in text
        own.ask("GET", "/?a=%0a")
        assert own.stop() == 0
        failed, asked = own.accesses
        line = r'127\.0\.0\.1 - - \[.*\] "GET /fail HTTP/1\.1" 500 \d+ \d+\.\dms'
        assert re.fullmatch(line, failed)
        assert '"GET /?a=%0a HTTP/1.1" 200 13 ' in asked


def test_the_access_log_is_the_standard_output_and_nothing_else(tmp_path: Path) -> None:
    with Served(tmp_path, PROGRAM, "--access-log=json") as own:
        own.ask("GET", "/", **{"User-Agent": "mine", "Referer": '"\\'})
        own.ask("GET", "/fail")
        assert own.stop() == 0
        entries = [json.loads(line) for line in own.accesses]
        assert [entry["status"] for entry in entries] == [200, 500]
        assert (entries[0]["user_agent"], entries[0]["referer"]) == ("mine", '"\\')
        assert not any("kroute.access" in line for line in own.lines)
        assert any("ValueError: secret" in line for line in own.lines)


def test_a_program_that_sets_up_logging_itself_has_its_way(tmp_path: Path) -> None:
    program = "import logging\nlogging.basicConfig(format='mine %(message)s', level=20)\n"
    with Served(tmp_path, program + textwrap.dedent(PROGRAM), "--access-log") as own:
        own.ask("GET", "/")
        assert own.wait_for("^mine 127.* 200 13 ")
        assert own.stop() == 0
        assert not own.accesses


def test_it_serves_where_httptools_is_missing(tmp_path: Path) -> None:
    missing = "import sys; sys.modules['httptools'] = None; from kroute.cli import main; main()"
    with Served(tmp_path, PROGRAM, command=("-c", missing, "run")) as own:
        assert own.ask("GET", "/") == (200, b"Hello, World!")
        assert own.ask("POST", "/echo", b"body") == (200, b"body")
        own.wait_for("requests are read by h11")


def test_without_debug_nothing_is_shown(served: Served) -> None:
    code, text = served.ask("GET", "/fail")
    assert code == 500
    assert b"secret" not in text


def test_app_run(tmp_path: Path) -> None:
    program = """
        from kroute import App
        app = App()
        app.add("/", GET=lambda request: "run")
        if __name__ == "__main__":
            app.run(port=0)
            print("and returned")
    """
    with Served(tmp_path, program, command=[str(tmp_path / "served.py")]) as own:
        assert own.ask("GET", "/")[1] == b"run"
        assert own.stop(signal.SIGINT) == 0


def test_it_serves_again_after_it_was_stopped(tmp_path: Path) -> None:
    program = """
        from kroute import App
        app = App()
        app.add("/", GET=lambda request: "run")
        if __name__ == "__main__":
            for _ in range(2):
                app.run(port=0)
    """
    with Served(tmp_path, program, command=[str(tmp_path / "served.py")]) as own:
        assert own.ask("GET", "/")[1] == b"run"
        own.kill()
        own.port = int(own.wait_for(r"serving on http://127.0.0.1:(\d+)")[1])
        assert own.ask("GET", "/")[1] == b"run"
        assert own.stop() == 0


def test_it_can_run_beside_the_main_thread(tmp_path: Path) -> None:
    program = """
        import threading
        from kroute import App
        from kroute.scheduler import get_scheduler
        app = App()
        app.add("/", GET=lambda request: "run")
        app.add("/stop", POST=lambda request: get_scheduler().stop())
        if __name__ == "__main__":
            thread = threading.Thread(target=app.run, args=("127.0.0.1", 0))
            thread.start()
            thread.join()
    """
    with Served(tmp_path, program, command=[str(tmp_path / "served.py")]) as own:
        assert own.ask("GET", "/")[1] == b"run"
        with suppress(OSError, http.client.HTTPException):
            own.ask("POST", "/stop", b"")
        assert own.wait() == 0


def test_the_descriptor_limit_is_raised(served: Served) -> None:
    limits = Path(f"/proc/{served.process.pid}/limits")
    if not limits.exists():
        pytest.skip("there is no /proc here")
    (line,) = [line for line in limits.read_text().splitlines() if "open files" in line]
    soft, hard = line.split()[3:5]
    assert soft == hard
    assert os.getpid() != served.process.pid


TRACED = """
    import ctypes
    from kroute import App

    # Who traces is no parent of this process; Yama wants it to agree (prctl(2), PR_SET_PTRACER).
    ctypes.CDLL(None).prctl(0x59616D61, ctypes.c_ulong(-1), 0, 0, 0)
    app = App()
    app.add("/", GET=lambda request: "Hello, World!")
"""


FAULTS = """
import resource
from kroute.serve import keep_freed_memory

def faults():
    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    for _ in range(20):
        parts = [bytes(60_000) for _ in range(50)]
        del parts
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before

faults()
before = faults()
keep_freed_memory()
faults()
print(before, faults())
"""


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="it is about glibc")
def test_freed_memory_is_kept() -> None:
    before, after = map(int, subprocess.check_output([sys.executable, "-c", FAULTS]).split())
    assert before > 1000  # pages, each of them asked for anew
    assert after < 100


@pytest.mark.load
@pytest.mark.needs("strace")
def test_it_wakes_up_for_nothing(tmp_path: Path) -> None:
    """A hundred connections are kept; for ten seconds nobody says anything."""
    calls, seconds = tmp_path / "calls.txt", 10
    limit = ("--limit", "keep_alive_seconds=600")
    with Served(tmp_path, TRACED, *limit) as own, ExitStack() as stack:
        clients = [stack.enter_context(own.connect()) for _ in range(100)]
        for client in clients:
            client.sendall(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
            assert client.recv(1000).endswith(b"Hello, World!")
        tracer = stack.enter_context(
            subprocess.Popen(
                ["strace", "-f", "-ttt", "-p", str(own.process.pid), "-o", str(calls)],
                stderr=subprocess.PIPE,
                text=True,
            )
        )
        assert tracer.stderr
        assert "attached" in tracer.stderr.readline()
        began = time.time()
        assert not select.select(clients, [], [], seconds)[0]
        ended = time.time()
        assert own.ask("GET", "/") == (200, b"Hello, World!")  # to see that it is traced
        tracer.send_signal(signal.SIGINT)
        tracer.wait()
    times = [float(line.split()[1]) for line in calls.read_text().splitlines() if line[-1] != "+"]
    assert sum(began < when < ended for when in times) <= seconds
    assert sum(when >= ended for when in times) > 3


def test_reload(tmp_path: Path) -> None:
    # Through a program of its own, so that it looks at the files more often.
    (tmp_path / "reloading.py").write_text(
        "import sys\nfrom kroute import cli, reload\nreload.INTERVAL = 0.01\n"
        "sys.exit(cli.main(['run', 'served:app', '--reload', '--bind', '127.0.0.1:0']))\n"
    )
    program = """
        from kroute import App
        app = App()
        app.add("/", GET=lambda request: "{word}")
    """
    with Served(tmp_path, program.format(word="one"), command=["reloading.py"]) as own:
        assert own.ask("GET", "/")[1] == b"one"
        (tmp_path / "served.py").write_text("app = (\n")
        own.wait_for("could not be loaded: SyntaxError")
        (tmp_path / "served.py").write_text(textwrap.dedent(program.format(word="three")))
        own.port = int(own.wait_for(r"serving on http://127.0.0.1:(\d+)")[1])
        assert own.ask("GET", "/")[1] == b"three"
        assert own.stop() == 0
    assert not any("Traceback" in line for line in own.lines)
