"""The page about WSGI shows how nginx is set up, and that works."""

from __future__ import annotations

import http.client
import re
import socket
import subprocess
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from kroute import App, Response
from tests.handlers.live import Live, live
from tests.streaming import check_streams_both_ways
from tests.waiting import PATIENCE, listens, wait_until

from .page import ROOT

__all__ = ["live"]

PAGE = ROOT / "docs/howto/wsgi.md"

CONFIG = """
pid {folder}/pid;
error_log stderr;
daemon off;
events {{}}
http {{
    access_log off;
    client_body_temp_path {folder}/a;
    proxy_temp_path {folder}/b;
    fastcgi_temp_path {folder}/c;
    uwsgi_temp_path {folder}/d;
    scgi_temp_path {folder}/e;
{printed}
}}
"""

pytestmark = pytest.mark.needs("nginx")


def make_app() -> App:
    app = App()
    app.get("/where")(lambda request: f"{request.host_url} {request.client_addr}")

    @app.post("/echo", stream=True)
    def echo(request):
        yield Response(content_type="text/plain")
        while part := (yield from request.read()):
            yield part.upper()

    return app


@pytest.fixture
def nginx(live: Live, tmp_path: Path) -> Iterator[Path]:
    """The Unix socket of an nginx that is set up as the page prints, before a live kroute."""
    live.serve(make_app())
    (printed,) = re.findall(r"^```nginx\n(.*?)^```$", PAGE.read_text(), re.M | re.S)
    listen = tmp_path / "sock"
    printed = printed.replace("listen 80;", f"listen unix:{listen};")
    printed = printed.replace("127.0.0.1:8080", f"127.0.0.1:{live.port}")
    config = tmp_path / "nginx.conf"
    config.write_text(CONFIG.format(folder=tmp_path, printed=printed))
    tmp_path.chmod(0o755)
    process = subprocess.Popen(
        ["nginx", "-c", str(config), "-p", str(tmp_path), "-e", "stderr"],
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        wait_until(lambda: process.poll() is not None or listens(str(listen)), "nginx")
        yield listen
    finally:
        process.terminate()
        _, said = process.communicate(timeout=PATIENCE)
        assert "[emerg]" not in said, said


class Client(http.client.HTTPConnection):
    def __init__(self, path: Path) -> None:
        super().__init__("blog.example", timeout=PATIENCE)
        self.path = path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(PATIENCE)
        self.sock.connect(str(self.path))


def test_a_kroute_application_behind_nginx(nginx: Path) -> None:
    with closing(Client(nginx)) as client:
        # nginx says nothing of a client that came by a Unix socket, so it is nginx itself.
        client.request("GET", "/where")
        assert client.getresponse().read() == b"http://blog.example 127.0.0.1"

        check_streams_both_ways(client, "/echo")
