"""The AtomPub server as its clients see it: RFC 5023 over a socket."""

from __future__ import annotations

import http.client
from concurrent.futures import ThreadPoolExecutor
from urllib.parse import quote

import pytest

from tests.waiting import PATIENCE

from .sample_server import APP, ATOM, ENTRY, Server, entry

METHODS = {
    "/": "GET, HEAD, OPTIONS",
    "/service": "GET, HEAD, OPTIONS",
    "/entries": "GET, HEAD, POST, OPTIONS",
    "/entries/any": "GET, HEAD, PUT, DELETE, OPTIONS",
}


def test_the_service_document_leads_to_the_collection(atompub: Server) -> None:
    """RFC 5023, section 8."""
    answer = atompub.ask("GET", "/service")
    assert answer.headers.get_content_type() == "application/atomsvc+xml"
    assert answer.xml.tag == f"{APP}service"
    workspace = answer.xml.find(f"{APP}workspace")
    assert workspace is not None and workspace.findtext(f"{ATOM}title")
    collection = workspace.find(f"{APP}collection")
    assert collection is not None and collection.findtext(f"{ATOM}title")
    assert collection.findtext(f"{APP}accept") == ENTRY
    assert collection.get("href") == f"http://127.0.0.1:{atompub.port}/entries"


def test_the_life_of_an_entry(atompub: Server) -> None:
    created = atompub.post(entry("Life", "one"), Slug="A Life")
    assert created.status == 201
    assert created.headers["Content-Location"] == created.headers["Location"]
    assert created.headers["Content-Type"] == f"{ENTRY};charset=utf-8"
    path, etag = created.path, created.headers["ETag"]
    assert path == "/entries/a-life"

    got = atompub.ask("GET", path)
    assert (got.status, got.body, got.headers["ETag"]) == (200, created.body, etag)

    edited = atompub.put(path, entry("Life", "two"), etag)
    assert (edited.status, edited.xml.findtext(f"{ATOM}content")) == (200, "two")
    assert edited.headers["ETag"] != etag
    for kept in (f"{ATOM}id", f"{ATOM}published"):
        assert edited.xml.findtext(kept) == created.xml.findtext(kept)
    for moved in (f"{ATOM}updated", f"{APP}edited"):
        assert str(edited.xml.findtext(moved)) > str(created.xml.findtext(moved))
    assert atompub.ask("GET", path).body == edited.body

    gone = atompub.ask("DELETE", path, If_Match=edited.headers["ETag"])
    assert (gone.status, gone.body) == (204, b"")
    for method in ("GET", "HEAD", "PUT", "DELETE"):
        assert atompub.ask(method, path).status == 404


def test_what_was_got_can_be_put_again_and_again(atompub: Server) -> None:
    """The client edits what it was given (RFC 5023, section 9.3); nothing piles up in it."""
    answer = atompub.post(entry("Again"))
    path, length = answer.path, len(answer.body)
    for _ in range(3):
        answer = atompub.put(path, answer.body, answer.headers["ETag"])
        assert (answer.status, len(answer.body)) == (200, length)


# Slugs.


@pytest.mark.parametrize(
    ("slug", "path"),
    [
        ("Sl%C3%BCg", "/entries/sl%C3%BCg"),
        (quote("世界 地図"), "/entries/%E4%B8%96%E7%95%8C-%E5%9C%B0%E5%9B%B3"),
        ("odd/../slug?x=1#y", "/entries/odd-slug-x-1-y"),
        ("", "/entries/odd-title"),
        ("%2F%00%0d%0a", "/entries/odd-title"),
        ("z" * 1000, "/entries/" + "z" * 60),
    ],
    ids=range(6),
)
def test_an_odd_slug_makes_a_good_url(atompub: Server, slug: str, path: str) -> None:
    """The entry is found where Location says, and there only once."""
    paths = []
    for _ in range(3):
        answer = atompub.post(entry("Odd title!"), Slug=slug)
        assert answer.status == 201
        assert answer.path.startswith(path)
        assert atompub.ask("GET", answer.path).body == answer.body
        paths.append(answer.path)
    assert len(set(paths)) == 3


def test_raw_utf_8_in_a_slug(atompub: Server) -> None:
    answer = atompub.post(entry(), Slug="Räw".encode().decode("latin-1"))
    assert answer.path.startswith("/entries/r%C3%A4w")


# Versions.


def test_an_entry_that_has_not_changed_is_not_sent_again(atompub: Server) -> None:
    created = atompub.post(entry("Unchanged"))
    same = created.headers["ETag"]
    for etag in (same, f"W/{same}", f'"other", {same}'):
        for method in ("GET", "HEAD"):
            answer = atompub.ask(method, created.path, If_None_Match=etag)
            assert (answer.status, answer.body) == (304, b"")
            assert answer.headers["ETag"] == same
    assert atompub.ask("GET", created.path, If_None_Match='"other"').status == 200


def test_an_edit_names_the_version_it_is_made_of(atompub: Server) -> None:
    created = atompub.post(entry("Versions"))
    path, etag = created.path, created.headers["ETag"]
    for method, body in (("PUT", entry("Changed")), ("DELETE", None)):
        for headers in ({}, {"If_Match": ""}, {"If_Match": " "}):
            missing = atompub.ask(method, path, body, Content_Type=ENTRY, **headers)
            assert missing.status == 428
            assert "If-Match" in missing.text
        for stale in ('"stale"', f"W/{etag}", "stale", "**"):
            answer = atompub.ask(method, path, body, Content_Type=ENTRY, If_Match=stale)
            assert answer.status == 412, stale
            assert etag in answer.text
    assert atompub.ask("GET", path).body == created.body
    assert atompub.put(path, entry("Changed"), f'"x", {etag}').status == 200
    assert atompub.put(path, entry("Changed"), "*").status == 200
    assert atompub.ask("DELETE", path, If_Match="*").status == 204


def test_of_concurrent_edits_of_one_version_one_wins(atompub: Server) -> None:
    for _ in range(5):
        created = atompub.post(entry("Race"))

        def edit(number: int, path: str = created.path, etag: str = created.headers["ETag"]):
            return atompub.put(path, entry("Race", str(number)), etag)

        with ThreadPoolExecutor(8) as pool:
            answers = list(pool.map(edit, range(8)))
        assert sorted(answer.status for answer in answers) == [200] + [412] * 7
        (won,) = (answer for answer in answers if answer.status == 200)
        assert atompub.ask("GET", created.path).body == won.body


# What is refused.


@pytest.mark.parametrize(
    "content_type",
    [
        "",
        "text/plain",
        "application/xml",
        "application/x-www-form-urlencoded",
        "application/atom+xml;type=feed",
        "application/atom",
        "*/*",
        "image/png",
    ],
)
def test_another_media_type_is_refused(atompub: Server, content_type: str) -> None:
    posted = atompub.ask("POST", "/entries", entry(), Content_Type=content_type)
    created = atompub.post(entry("Media types"))
    put = atompub.ask("PUT", created.path, entry(), Content_Type=content_type, If_Match="*")
    for answer in (posted, put):
        assert answer.status == 415
        assert answer.headers["Accept"] == ENTRY
        assert ENTRY in answer.text


@pytest.mark.parametrize(
    "content_type",
    ["application/atom+xml", 'Application/Atom+XML ; Type="entry"; charset=utf-8', ENTRY],
)
def test_an_entry_by_any_of_its_names_is_taken(atompub: Server, content_type: str) -> None:
    assert atompub.post(entry("By name"), Content_Type=content_type).status == 201


@pytest.mark.parametrize(
    ("body", "status", "why"),
    [
        ("", 400, "no element found: line 1, column 0"),
        ("<entry>\n<title></entry>", 400, "mismatched tag: line 2, column 9"),
        (b"\xff\xfe<\x00", 400, "line 1"),
        ('<!DOCTYPE x [<!ENTITY a "b">]><x>&a;</x>', 400, "document type declaration"),
        ("<entry/>", 422, "no atom:entry"),
        ('<feed xmlns="http://www.w3.org/2005/Atom"/>', 422, "no atom:entry"),
        ('<entry xmlns="http://www.w3.org/2005/Atom"/>', 422, "atom:title"),
    ],
    ids=range(7),
)
def test_a_bad_entry_is_refused_in_words(
    atompub: Server, body: bytes | str, status: int, why: str
) -> None:
    created = atompub.post(entry("Good"))
    for answer in (atompub.post(body), atompub.put(created.path, body, "*")):
        assert answer.status == status
        assert why in answer.text
    assert atompub.ask("GET", created.path).body == created.body


def test_what_is_wrong_is_said_without_markup_of_the_clients(atompub: Server) -> None:
    body = '<entry xmlns="&lt;script>alert(1)&lt;/script>"/>'
    answer = atompub.post(body, Accept="text/html")
    assert answer.status == 422
    assert answer.headers.get_content_type() == "text/html"
    assert "<script" not in answer.text and "&lt;script" in answer.text


def test_an_entry_of_more_than_256_kib_is_refused(atompub: Server) -> None:
    assert atompub.post(entry("Fits", "x" * 262_000)).status == 201
    assert atompub.post(entry("Too long", "x" * 2**18)).status == 413


@pytest.mark.parametrize("path", ["/entries", "/"])
@pytest.mark.parametrize("before", ["x", "", "-1", "1e9", "9" * 19, "%D9%A1"])
def test_a_page_that_is_none_is_refused(atompub: Server, path: str, before: str) -> None:
    assert atompub.ask("GET", f"{path}?before={before}").status == 400


def test_what_is_not_there(atompub: Server) -> None:
    for path in ("/entries/", "/entries/none", "/entries/none/x", "/entrie", "/service/"):
        assert atompub.ask("GET", path).status == 404


# Methods.


@pytest.mark.parametrize("path", METHODS)
def test_methods(atompub: Server, path: str) -> None:
    options = atompub.ask("OPTIONS", path)
    assert (options.status, options.headers["Allow"]) == (204, METHODS[path])
    for method in ("GET", "POST", "PUT", "PATCH", "DELETE", "PROPFIND"):
        if method not in METHODS[path].split(", "):
            answer = atompub.ask(method, path, "x")
            assert (answer.status, answer.headers["Allow"]) == (405, METHODS[path])


def test_head_is_get_without_its_body(atompub: Server) -> None:
    for path in ("/service", atompub.post(entry("Head")).path):
        got, head = atompub.ask("GET", path), atompub.ask("HEAD", path)
        assert (head.status, head.body) == (200, b"")
        for name in ("Content-Type", "Content-Length", "ETag"):
            assert head.headers[name] == got.headers[name]
    for path in ("/", "/entries"):  # others change what is on them
        head = atompub.ask("HEAD", path)
        assert (head.status, head.body) == (200, b"")
        assert int(head.headers["Content-Length"]) > 0


def test_a_body_in_chunks(atompub: Server) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", atompub.port, timeout=PATIENCE)
    pieces = iter([entry("In chunks").encode()[:30], entry("In chunks").encode()[30:]])
    connection.request("POST", "/entries", pieces, {"Content-Type": ENTRY}, encode_chunked=True)
    answer = connection.getresponse()
    assert answer.status == 201
    assert b"<title>In chunks</title>" in answer.read()
    connection.close()
