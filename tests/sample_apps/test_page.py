"""The front page: it lists the entries, and runs nothing of what is in them."""

from __future__ import annotations

from html.parser import HTMLParser

from .sample_server import Server, entry

ATTACK = "</title></h2><script>alert('x')</script><img src=x onerror=alert(1)>\"'&"
ESCAPED = ATTACK.replace("&", "&amp;").replace("<", "&lt;")
KNOWN = {"html", "head", "meta", "title", "link", "style"}
KNOWN |= {"body", "h1", "h2", "p", "a", "pre", "article", "small"}


class Reader(HTMLParser):
    """The elements, links and text of a page."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.text += data

    def links(self, tag: str = "a") -> list[str | None]:
        return [attrs["href"] for name, attrs in self.elements if name == tag]


def test_it_lists_entries_with_links(atompub: Server) -> None:
    posted = atompub.post(entry("Grüße", "What it says"), Slug="On the page")
    answer = atompub.ask("GET", "/")
    assert answer.headers["Content-Type"] == "text/html; charset=UTF-8"
    page = Reader(answer.text)
    assert "Grüße" in page.text and "What it says" in page.text
    assert posted.headers["Location"] in page.links()
    root = f"http://127.0.0.1:{atompub.port}"
    assert page.links("link") == [f"{root}/service", f"{root}/entries"]
    assert f"curl {root}/entries" in page.text


def test_it_is_not_fooled(atompub: Server) -> None:
    for title, content in ((ESCAPED, ESCAPED), ("x", "javascript:alert(1)")):
        assert atompub.post(entry(title, content), Slug=ATTACK).status == 201
    html = entry("x", ESCAPED).replace("<content>", '<content type="html">')
    assert atompub.post(html).status == 201
    answer = atompub.ask("GET", "/")
    page = Reader(answer.text)
    assert ATTACK in page.text
    assert {name for name, _ in page.elements} <= KNOWN
    for _, attributes in page.elements:
        assert not [name for name in attributes if name.startswith("on")]
        assert (attributes.get("href") or "http://").startswith("http://")
    assert "default-src 'none'" in answer.headers["Content-Security-Policy"]


def test_a_host_is_not_markup_either(atompub: Server) -> None:
    answer = atompub.ask("GET", "/", Host='"><script>alert(1)</script>')
    assert answer.status == 400 or "<script" not in answer.text


def test_it_goes_on_to_older_entries(atompub: Server) -> None:
    oldest = atompub.post(entry("Oldest here"))
    for number in range(20):
        atompub.post(entry(f"Newer {number}"))
    first = Reader(atompub.ask("GET", "/").text)
    (older,) = (a["href"] for name, a in first.elements if a.get("rel") == "next")
    assert older is not None
    assert oldest.headers["Location"] not in first.links()
    second = Reader(atompub.ask("GET", older.partition(str(atompub.port))[2]).text)
    assert oldest.headers["Location"] in second.links()


def test_a_long_text_is_cut(atompub: Server) -> None:
    atompub.post(entry("Long", "word " * 2000))
    assert len(atompub.ask("GET", "/").body) < 30_000
