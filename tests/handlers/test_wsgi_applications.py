"""Applications from PyPI on kroute, as they are, over a socket."""

from __future__ import annotations

import http.client
import io
import re
import threading
from collections.abc import Iterator
from http.cookiejar import CookieJar
from pathlib import Path
from typing import Any
from urllib.parse import urlencode
from urllib.request import HTTPCookieProcessor, OpenerDirector, Request, build_opener
from wsgiref.validate import validator

import pytest

from kroute import App
from tests.streaming import check_streams_both_ways
from tests.waiting import PATIENCE
from tests.wsgi_servers import Process, ask

from .live import Live, live

__all__ = ["live"]

MEBIBYTE = bytes(range(256)) * 4096


def serve(live: Live, application: Any) -> int:
    """Serve it at /app, validated, and return the port."""
    app = App()
    app.mount("/app", validator(application), threads=4)
    live.serve(app)
    return live.port


def test_flask(live: Live) -> None:
    flask = pytest.importorskip("flask")
    application = flask.Flask("site")
    go = threading.Event()

    @application.get("/hello/<name>")
    def hello(name: str) -> str:
        return f"Hello, {name}! {flask.url_for('hello', name='x')}"

    @application.post("/upload")
    def upload() -> Any:
        stream = flask.request.stream
        total = sum(map(len, iter(lambda: stream.read(10_000), b"")))
        return {"bytes": total}

    @application.get("/download")
    def download() -> Any:
        return flask.send_file(io.BytesIO(MEBIBYTE), download_name="it.bin")

    @application.get("/slow")
    def slow() -> Any:
        def parts() -> Iterator[str]:
            yield "first\n"
            assert go.wait(PATIENCE)
            yield "second\n"

        return flask.Response(parts(), mimetype="text/plain")

    @application.post("/echo")
    def echo() -> Any:
        stream = flask.request.stream
        return flask.Response(iter(lambda: stream.read(10_000), b""), mimetype="text/plain")

    @application.post("/by-three")
    def by_three() -> Any:
        stream = flask.request.stream
        return flask.Response(iter(lambda: stream.read(3).upper(), b""), mimetype="text/plain")

    application.get("/fails")(lambda: 1 / 0)

    port = serve(live, application)
    assert ask(port, "GET", "/app/hello/you").body == b"Hello, you! /app/hello/x"
    assert ask(port, "POST", "/app/upload", MEBIBYTE).body == b'{"bytes":1048576}\n'
    assert ask(port, "POST", "/app/echo", MEBIBYTE).body == MEBIBYTE
    assert ask(port, "GET", "/app/download").body == MEBIBYTE
    part = ask(port, "GET", "/app/download", Range="bytes=10-19")
    assert (part.status, part.body) == (206, MEBIBYTE[10:20])
    assert ask(port, "GET", "/app/none").status == 404
    assert ask(port, "GET", "/app/fails").status == 500
    assert ask(port, "HEAD", "/app/download").body == b""

    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=PATIENCE)
    connection.request("POST", "/app/echo", iter([b"one ", b"two"]), encode_chunked=True)
    assert connection.getresponse().read() == b"one two"
    check_streams_both_ways(connection, "/app/by-three")
    connection.request("GET", "/app/slow")
    response = connection.getresponse()
    assert response.readline() == b"first\n"
    go.set()
    assert response.read() == b"second\n"
    connection.close()


def test_bottle(live: Live, tmp_path: Path) -> None:
    bottle = pytest.importorskip("bottle")
    (tmp_path / "file.bin").write_bytes(MEBIBYTE)
    application = bottle.Bottle()

    @application.route("/hello/<name>")
    def hello(name: str) -> str:
        bottle.response.set_cookie("seen", name)
        return f"Hello, {name}!"

    @application.post("/form")
    def form() -> str:
        return bottle.request.forms.a + bottle.request.files.file.file.read().decode()

    application.route("/file")(lambda: bottle.static_file("file.bin", root=str(tmp_path)))
    application.route("/parts")(lambda: iter([b"one ", b"two"]))

    port = serve(live, application)
    answer = ask(port, "GET", "/app/hello/you")
    assert answer.body == b"Hello, you!"
    assert ("Set-Cookie", "seen=you") in answer.headers
    assert ask(port, "GET", "/app/file").body == MEBIBYTE
    assert ask(port, "GET", "/app/parts").body == b"one two"
    body, kind = multipart({"a": "text "}, "file", b"content")
    assert ask(port, "POST", "/app/form", body, Content_Type=kind).body == b"text content"
    assert ask(port, "GET", "/app/none").status == 404


@pytest.mark.filterwarnings("ignore")  # it uses what others have deprecated
def test_pyramid(live: Live) -> None:
    pytest.importorskip("pyramid")
    from pyramid.config import Configurator
    from pyramid.response import FileIter, Response

    with Configurator() as config:
        config.add_route("hello", "/hello/{name}")
        config.add_route("file", "/file")
        config.add_view(
            lambda request: {"to": request.route_path("hello", name=request.json["name"])},
            route_name="hello",
            renderer="json",
        )
        config.add_view(
            lambda request: Response(app_iter=FileIter(io.BytesIO(MEBIBYTE))), route_name="file"
        )
        application = config.make_wsgi_app()

    port = serve(live, application)
    assert (
        ask(port, "POST", "/app/hello/you", b'{"name": "me"}').body == b'{"to": "/app/hello/me"}'
    )
    assert ask(port, "GET", "/app/file").body == MEBIBYTE
    assert ask(port, "GET", "/app/none").status == 404


def multipart(fields: dict[str, str], name: str, content: bytes) -> tuple[bytes, str]:
    """A form with a file, and its content type."""
    parts = [
        f'--x\r\nContent-Disposition: form-data; name="{field}"\r\n\r\n{value}\r\n'.encode()
        for field, value in fields.items()
    ]
    head = f'--x\r\nContent-Disposition: form-data; name="{name}"; filename="a.bin"\r\n\r\n'
    return b"".join(
        [*parts, head.encode(), content, b"\r\n--x--\r\n"]
    ), "multipart/form-data; boundary=x"


# Django, as `kroute run mysite:application`

DJANGO = """
import os, sys
from pathlib import Path
import django
from django.conf import settings
from django.urls import path

HERE = Path(__file__).parent
settings.configure(
    SECRET_KEY="x", DEBUG=False, ALLOWED_HOSTS=["127.0.0.1"], ROOT_URLCONF=__name__, USE_TZ=True,
    DATABASES={"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": HERE / "db.sqlite"}},
    PASSWORD_HASHERS=["django.contrib.auth.hashers.MD5PasswordHasher"],
    DEFAULT_AUTO_FIELD="django.db.models.AutoField", STATIC_URL="/static/",
    INSTALLED_APPS=["django.contrib." + app for app in
                    ("admin", "auth", "contenttypes", "sessions", "messages")],
    MIDDLEWARE=["django.contrib.sessions.middleware.SessionMiddleware",
                "django.middleware.csrf.CsrfViewMiddleware",
                "django.contrib.auth.middleware.AuthenticationMiddleware",
                "django.contrib.messages.middleware.MessageMiddleware"],
    TEMPLATES=[{"BACKEND": "django.template.backends.django.DjangoTemplates", "APP_DIRS": True,
                "OPTIONS": {"context_processors": [
                    "django.template.context_processors.request",
                    "django.contrib.auth.context_processors.auth",
                    "django.contrib.messages.context_processors.messages"]}}],
)
django.setup()
from django.contrib import admin
from django.core.files.storage import FileSystemStorage
from django.core.wsgi import get_wsgi_application
from django.http import FileResponse, HttpResponse
from django.middleware.csrf import get_token

store = FileSystemStorage(HERE)

def upload(request):
    if request.method == "GET":
        return HttpResponse(get_token(request))
    store.save("stored.bin", request.FILES["file"])
    return HttpResponse(request.POST["note"])

def download(request):
    return FileResponse(open(HERE / "stored.bin", "rb"))

urlpatterns = [path("admin/", admin.site.urls), path("upload", upload), path("download", download)]
application = get_wsgi_application()

def prepare():
    from django.contrib.auth.models import User
    from django.core.management import call_command
    call_command("migrate", verbosity=0)
    User.objects.create_superuser("root", password="secret")
"""


@pytest.fixture
def django_site(tmp_path: Path) -> Iterator[str]:
    pytest.importorskip("django")
    (tmp_path / "mysite.py").write_text(
        DJANGO + "\nif not (HERE / 'db.sqlite').exists(): prepare()\n"
    )
    server = Process("kroute", "mysite:application", tmp_path)
    yield f"http://127.0.0.1:{server.port}"
    log = server.stop()
    assert "Traceback" not in log


def fetch(
    browser: OpenerDirector, url: str, data: Any = None, kind: str = ""
) -> tuple[str, bytes]:
    """The URL where it ended, and what was there."""
    if isinstance(data, dict):
        data = urlencode(data).encode()
    headers = {"Referer": url, **({"Content-Type": kind} if kind else {})}
    with browser.open(Request(url, data, headers), timeout=PATIENCE) as response:
        return response.url, response.read()


def token_in(page: bytes) -> str:
    found = re.search(rb'name="csrfmiddlewaretoken" value="(\w+)"', page)
    assert found
    return found[1].decode()


def test_django(django_site: str) -> None:
    browser = build_opener(HTTPCookieProcessor(CookieJar()))
    at, page = fetch(browser, f"{django_site}/admin/")
    assert at.endswith("/admin/login/?next=/admin/")
    login = {"username": "root", "password": "secret", "next": "/admin/"}
    at, page = fetch(browser, at, {**login, "csrfmiddlewaretoken": token_in(page)})
    assert at == f"{django_site}/admin/"
    assert b"Site administration" in page

    add = f"{django_site}/admin/auth/group/add/"
    _, page = fetch(browser, add)
    at, page = fetch(browser, add, {"name": "Editors", "csrfmiddlewaretoken": token_in(page)})
    assert at == f"{django_site}/admin/auth/group/"
    assert b"Editors" in page and b"was added successfully" in page

    _, token = fetch(browser, f"{django_site}/upload")
    fields = {"note": "noted", "csrfmiddlewaretoken": token.decode()}
    body, kind = multipart(fields, "file", MEBIBYTE * 3)
    assert fetch(browser, f"{django_site}/upload", body, kind)[1] == b"noted"
    assert fetch(browser, f"{django_site}/download")[1] == MEBIBYTE * 3

    refused = ask(int(django_site.rpartition(":")[2]), "POST", "/upload", b"note=x")
    assert refused.status == 403
