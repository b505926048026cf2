"""Entries as clients send them: what is kept, what is refused, and what is said of it."""

from __future__ import annotations

import random
import time
from xml.etree import ElementTree

import pytest

from sample_apps.atompub.entry import InvalidEntry, MalformedXML, read_entry

from .sample_server import APP, ATOM, entry

BOMB = """<!DOCTYPE entry [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;&a;&a;">]>
<entry xmlns="http://www.w3.org/2005/Atom"><title>&b;</title><content/></entry>"""
DEEP = entry(more="<x>" * 5000 + "</x>" * 5000)
WIDE = entry(more="<x/>" * 20_000)
ATTRIBUTES = entry(more="<x " + " ".join(f'a{n}=""' for n in range(20_000)) + "/>")
RICH = """<?xml version="1.0"?>
<!-- before -->
<a:entry xmlns:a="http://www.w3.org/2005/Atom" xmlns:geo="http://www.georss.org/georss"
         xml:lang="de" xml:base="http://example.org/">
  <a:id>mine</a:id><a:updated>yesterday</a:updated><a:published>never</a:published>
  <edited xmlns="http://www.w3.org/2007/app">long ago</edited>
  <a:link rel="edit" href="/elsewhere"/><a:link rel="self" href="/elsewhere"/>
  <a:link rel="alternate" href="/page"/><a:link href="/other" hreflang="fr"/>
  <a:title type="html">Less: &lt;em&gt; &amp;lt; &lt;/em&gt;</a:title>
  <a:author><a:name>Jo</a:name></a:author><a:author><a:name>Al</a:name></a:author>
  <a:category term="x"/><!-- between --><?and so?><a:category term="y"/>
  <a:summary>In short</a:summary>
  <geo:point note="a &quot;b&quot;">45.256 -71.92</geo:point>
  <a:content type="xhtml"><div xmlns="http://www.w3.org/1999/xhtml">One <b>two</b> three.
<![CDATA[<4>]]></div></a:content>
</a:entry>"""


def test_what_the_client_says_is_kept() -> None:
    xml = ElementTree.fromstring(read_entry(RICH.encode()).xml)
    assert xml.get("{http://www.w3.org/XML/1998/namespace}base") == "http://example.org/"
    assert [link.get("href") for link in xml.findall(f"{ATOM}link")] == ["/page", "/other"]
    assert [name.text for name in xml.iter(f"{ATOM}name")] == ["Jo", "Al"]
    assert [category.get("term") for category in xml.iter(f"{ATOM}category")] == ["x", "y"]
    assert xml.findtext("{http://www.georss.org/georss}point") == "45.256 -71.92"
    div = xml.find(f"{ATOM}content/{{http://www.w3.org/1999/xhtml}}div")
    assert div is not None
    assert "".join(div.itertext()) == "One two three.\n<4>"


def test_comments_and_instructions_are_kept() -> None:
    xml = read_entry(RICH.encode()).xml
    assert "<!-- between -->" in xml and "<?and so?>" in xml


def test_prefixes_are_kept_as_they_may_stand_in_attributes_too() -> None:
    assert '<geo:point note="' in read_entry(RICH.encode()).xml


def test_what_is_the_servers_is_dropped() -> None:
    xml = ElementTree.fromstring(read_entry(RICH.encode()).xml)
    for name in (f"{ATOM}id", f"{ATOM}published", f"{ATOM}updated", f"{APP}edited"):
        assert xml.find(name) is None


def test_reading_what_was_read_changes_nothing() -> None:
    once = read_entry(RICH.encode())
    assert read_entry(once.xml.encode()) == once


def test_title_and_text_are_plain() -> None:
    assert read_entry(RICH.encode())[1:] == ("Less: <", "One two three. <4>")
    html = entry(content="x").replace("<content>x", '<content type="html">a&lt;br>b &amp;amp; c')
    assert read_entry(html.encode()).text == "a b & c"
    image = entry(content="aGE=").replace("<content>", '<content type="image/png">')
    image = image.replace("</entry>", "<summary>A picture</summary></entry>")
    assert read_entry(image.encode()).text == "A picture"


def test_an_entry_without_author_gets_one() -> None:
    """RFC 4287, section 4.1.2: "atom:entry elements MUST contain one or more atom:author"."""
    for document in (entry(), RICH.replace("author>", "contributor>")):
        xml = ElementTree.fromstring(read_entry(document.encode()).xml)
        assert xml.findtext(f"{ATOM}author/{ATOM}name") == "anonymous"


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16", "iso-8859-1", "windows-1252"])
def test_any_encoding_that_xml_declares(encoding: str) -> None:
    document = f'<?xml version="1.0" encoding="{encoding}"?>' + entry("Grüße")
    assert read_entry(document.encode(encoding)).title == "Grüße"


def test_a_carriage_return_survives() -> None:
    xml = read_entry(entry(content="a&#13;&#10;b").encode()).xml
    assert ElementTree.fromstring(xml).findtext(f"{ATOM}content") == "a\r\nb"


@pytest.mark.parametrize(
    ("document", "why"),
    [
        ("", "no element found: line 1, column 0"),
        ("nonsense", "syntax error: line 1, column 0"),
        ("<entry><title></entry>", "mismatched tag: line 1, column 16"),
        (entry()[:-3], "unclosed token: line 1"),
        (entry() + "x", "junk after document element: line 1"),
        (entry("&nbsp;"), "undefined entity: line 1"),
        (entry("\x00"), "not well-formed"),
        (entry("&#xD800;"), "reference to invalid character number"),
        (entry(more="<y:x/>"), "unbound prefix"),
        ("<?xml version='1.0' encoding='klingon'?><a/>", "klingon"),
        ("<?xml version='1.0' encoding='shift_jis'?><a/>", "multi-byte encodings"),
        (BOMB, "a document type declaration is not taken: line 1"),
        ('<!DOCTYPE entry SYSTEM "file:///etc/passwd"><entry/>', "declaration is not taken"),
        (DEEP, "more than 100 levels"),
        (WIDE, "or 10000 elements"),
        (ATTRIBUTES, "elements and attributes: line 1"),
    ],
    ids=range(16),
)
def test_malformed_xml_is_refused_with_line_and_column(document: str, why: str) -> None:
    with pytest.raises(MalformedXML) as caught:
        read_entry(document.encode())
    assert why in str(caught.value)


@pytest.mark.parametrize(
    ("document", "why"),
    [
        ("<entry/>", "<entry> of no namespace"),
        ('<a:feed xmlns:a="http://www.w3.org/2005/Atom"/>', "<a:feed> of http://www.w3.org/2005"),
        (entry().replace("<title>A title</title>", ""), "it has 0 atom:title"),
        (entry(more="<title/>"), "it has 2 atom:title"),
        (entry(more="<content/>"), "more than one atom:content"),
        (entry(more="<summary/><summary/>"), "more than one atom:summary"),
        (entry().replace("content>", "summary>"), "neither an atom:content nor"),
        (entry(content="a<b/>"), 'type="text" has an element in it: <b>'),
        (entry().replace("<content>", '<content type="xhtml">'), 'type="xhtml" needs one div'),
        (entry().replace("<content>", '<content src="/a">'), "it needs an atom:summary"),
        (
            entry(more="<summary/>").replace("<content>", '<content src="/a">'),
            "with a src is not empty",
        ),
        (entry().replace("<content>", '<content type="image/png">'), "it needs an atom:summary"),
        (entry().replace("<title>", '<title type="image/png">'), 'cannot be of type="image/png"'),
        (entry(more="<link/>"), "an atom:link has no href"),
        (entry(more="<category/>"), "an atom:category has no term"),
        (entry(more="<author/>"), "an atom:author needs one atom:name"),
    ],
    ids=range(16),
)
def test_xml_that_is_no_entry_is_refused_in_words(document: str, why: str) -> None:
    """RFC 4287, sections 3.1, 4.1.2, 4.1.3 and 4.2."""
    with pytest.raises(InvalidEntry) as caught:
        read_entry(document.encode())
    assert why in str(caught.value)


@pytest.mark.parametrize(
    "document",
    [
        entry(more="<x/>" * 9_990),
        entry(content="&lt;" * 250_000).replace("<content>", '<content type="html">'),
        entry(content="<!---->" * 140_000),
        entry(content="<![CDATA[a]]>b" * 70_000),
    ],
    ids=["wide", "html", "comments", "cdata"],
)
def test_reading_takes_a_time_in_proportion(document: str) -> None:
    start = time.process_time()
    read_entry(document.encode())
    assert time.process_time() - start < 5  # 0.01 to 0.3 s; were it quadratic, up to a minute


def test_an_entry_without_content_has_an_alternate() -> None:
    document = entry(more='<link href="http://example.org/"/>')
    assert read_entry(document.replace("<content>Some text</content>", "").encode()).text == ""


def test_damaged_documents_are_read_or_refused_and_nothing_else() -> None:
    dice = random.Random(5023)
    whole = RICH.encode()
    for _ in range(1500):
        damaged = bytearray(whole)
        for _ in range(dice.randint(1, 4)):
            at = dice.randrange(len(damaged))
            piece = dice.choice([b"", b"<", b"&", b'"', b"\xff", b"]]>", b"<x>", whole[at:][:20]])
            damaged[at : at + dice.randint(0, 9)] = piece
        try:
            kept = read_entry(bytes(damaged))
        except (MalformedXML, InvalidEntry):
            continue
        assert read_entry(kept.xml.encode()).xml == kept.xml
