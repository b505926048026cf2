"""The feed: valid by RFC 4287, in pages, and nothing lost of what clients put into it."""

from __future__ import annotations

import re
from urllib.parse import urlsplit
from xml.etree import ElementTree

from .sample_server import APP, ATOM, Server, entry

TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z")  # RFC 3339
XHTML = "{http://www.w3.org/1999/xhtml}"
GEORSS = "http://www.georss.org/georss"


def link(element: ElementTree.Element, rel: str) -> str | None:
    found = [a.get("href") for a in element.findall(f"{ATOM}link") if a.get("rel") == rel]
    assert len(found) < 2
    return found[0] if found else None


def check_entry(element: ElementTree.Element) -> None:
    """What each member has to have: RFC 4287, section 4.1.2; RFC 5023, sections 9.1 and 10.2."""
    assert element.tag == f"{ATOM}entry"
    for name in ("id", "title", "updated", "published"):
        assert len(element.findall(f"{ATOM}{name}")) == 1
    assert str(element.findtext(f"{ATOM}id")).startswith("urn:uuid:")
    for name in (f"{ATOM}updated", f"{ATOM}published", f"{APP}edited"):
        assert TIME.fullmatch(str(element.findtext(name)))
    assert element.findall(f"{ATOM}author/{ATOM}name")
    assert element.find(f"{ATOM}content") is not None or link(element, "alternate")
    assert str(link(element, "edit")).startswith("http://127.0.0.1:")


def check_feed(feed: ElementTree.Element) -> list[ElementTree.Element]:
    """RFC 4287, section 4.1.1; RFC 5023, section 10: "ordered by their app:edited property, with
    the most recently edited Entries coming first"."""
    assert feed.tag == f"{ATOM}feed"
    for name in ("id", "title", "updated"):
        assert len(feed.findall(f"{ATOM}{name}")) == 1
    assert TIME.fullmatch(str(feed.findtext(f"{ATOM}updated")))
    entries = feed.findall(f"{ATOM}entry")
    for element in entries:
        check_entry(element)
    edited = [str(element.findtext(f"{APP}edited")) for element in entries]
    assert edited == sorted(edited, reverse=True)
    return entries


def walk(server: Server) -> list[ElementTree.Element]:
    """All entries, by following rel="next" (RFC 5023, section 10.1)."""
    found, path = [], "/entries"
    while path:
        answer = server.ask("GET", path)
        assert answer.headers["Content-Type"] == "application/atom+xml;type=feed;charset=utf-8"
        url = f"http://127.0.0.1:{server.port}{path}"
        assert link(answer.xml, "self") == url
        entries = check_feed(answer.xml)
        found += entries
        following = urlsplit(link(answer.xml, "next") or "")
        assert len(entries) == 20 or not following.path
        path = f"{following.path}?{following.query}" if following.path else ""
    return found


def test_every_entry_is_on_one_page(atompub: Server) -> None:
    posted = [atompub.post(entry(f"Page {number}")).xml for number in range(45)]
    ids = [element.findtext(f"{ATOM}id") for element in walk(atompub)]
    assert len(set(ids)) == len(ids)
    mine = [element.findtext(f"{ATOM}id") for element in reversed(posted)]
    assert [id for id in ids if id in mine] == mine


def test_an_edit_brings_an_entry_to_the_front(atompub: Server) -> None:
    first = atompub.post(entry("To the front"))
    atompub.post(entry("In front"))
    atompub.put(first.path, entry("Edited"), "*")
    feed = atompub.ask("GET", "/entries").xml
    assert feed.findtext(f"{ATOM}entry/{ATOM}title") == "Edited"


def test_an_entry_in_the_feed_is_the_entry(atompub: Server) -> None:
    posted = atompub.post(entry("Same"))
    feed = atompub.ask("GET", "/entries").xml
    in_feed = feed.find(f"{ATOM}entry")
    assert in_feed is not None
    in_feed.tail = None
    assert ElementTree.tostring(in_feed) == ElementTree.tostring(posted.xml)


def test_the_feed_has_a_version_too(atompub: Server) -> None:
    etag = atompub.ask("GET", "/entries").headers["ETag"]
    assert atompub.ask("GET", "/entries", If_None_Match=etag).status == 304
    atompub.post(entry())
    assert atompub.ask("GET", "/entries", If_None_Match=etag).status == 200


def test_any_prefix_and_foreign_markup_come_back(atompub: Server) -> None:
    body = f"""<a:entry xmlns:a="{ATOM[1:-1]}" xmlns="urn:mine" xmlns:geo="{GEORSS}">
      <a:title type="html">a &lt;b>bold&lt;/b> title</a:title>
      <a:category term="x" scheme="urn:y"/><a:summary>Short</a:summary>
      <a:author><a:name>Jo</a:name><uri>mine</uri></a:author>
      <geo:point>45.256 -71.92</geo:point><title id="urn"/>
      <a:content type="xhtml"><div xmlns="http://www.w3.org/1999/xhtml">
        <em title="&lt;&quot;&amp;">Grüße</em> &amp; <br/></div></a:content>
    </a:entry>"""
    posted = atompub.post(body)
    assert posted.status == 201
    feed = atompub.ask("GET", "/entries").xml
    for xml in (posted.xml, atompub.ask("GET", posted.path).xml, feed.findall(f"{ATOM}entry")[0]):
        check_entry(xml)
        assert xml.findtext(f"{ATOM}title") == "a <b>bold</b> title"
        assert xml.findtext(f"{{{GEORSS}}}point") == "45.256 -71.92"
        assert xml.findtext(f"{ATOM}summary") == "Short"
        assert xml.findtext(f"{ATOM}author/{ATOM}name") == "Jo"
        assert xml.findtext(f"{ATOM}author/{{urn:mine}}uri") == "mine"
        assert xml.find("{urn:mine}title") is not None
        category, em = xml.find(f"{ATOM}category"), xml.find(f".//{XHTML}em")
        assert category is not None and category.attrib == {"term": "x", "scheme": "urn:y"}
        assert em is not None and (em.text, em.get("title")) == ("Grüße", '<"&')
