"""Entry: what a client sends: one atom:entry (RFC 4287), read with suspicion.

It is kept as it is, foreign markup and prefixes included, but for what is the server's to say:
id, published, updated, app:edited and the links to itself.
"""

import re
from collections import Counter
from html import unescape
from typing import NamedTuple
from xml.dom import Node, minidom
from xml.parsers import expat

ATOM = "http://www.w3.org/2005/Atom"
APP = "http://www.w3.org/2007/app"
XHTML = "http://www.w3.org/1999/xhtml"

MAX_DEPTH = 100
MAX_NODES = 10_000

OURS = {(ATOM, "id"), (ATOM, "published"), (ATOM, "updated"), (APP, "edited")}
OUR_LINKS = {"self", "edit"}
AT_MOST_ONE = ("content", "rights", "source", "summary")
TEXT_TYPES = ("text", "html", "xhtml")
TEXTS = ("title", "content", "summary", "rights")
NEEDED_ATTRIBUTE = {"link": "href", "category": "term"}
TAG = re.compile(r"<[^<>]*>")  # not <[^>]*>, which takes long for many <<<<


class MalformedXML(Exception):
    """What was sent is no XML, or none that is taken."""


class InvalidEntry(Exception):
    """What was sent is XML, but no entry by RFC 4287."""


class Entry(NamedTuple):
    """xml: the element, without what is the server's. title, text: in plain text."""

    xml: str
    title: str
    text: str


def read_entry(document):
    """The Entry in `document`, bytes. Raises MalformedXML or InvalidEntry."""
    _check_syntax(document)
    root = minidom.parseString(document).documentElement
    if not _is_atom(root, "entry"):
        raise InvalidEntry(f"The document is no atom:entry of {ATOM} but {_name(root)}.")
    said = [child for child in root.childNodes if not (_is_text(child) or _is_ours(child))]
    problem = _problem_of(said)
    if problem:
        raise InvalidEntry(f"The entry is not valid (RFC 4287, section 4.1): {problem}.")
    plain = {name: _plain(child) for name in TEXTS for child in _atoms(said, name)}
    text = plain.get("content") or plain.get("summary", "")
    return Entry(_written(root, said), plain["title"], text)


def _written(root, said):
    """The entry again, each of its children on a line of its own."""
    lines = [root.cloneNode(deep=False).toxml().removesuffix("/>") + ">"]
    lines += [child.toxml() for child in said]
    if not _atoms(said, "author"):
        # "atom:entry elements MUST contain one or more atom:author elements" (4.1.2)
        a = f"{root.prefix}:" if root.prefix else ""
        lines.append(f"<{a}author><{a}name>anonymous</{a}name></{a}author>")
    xml = "\n  ".join(lines) + f"</{root.tagName}>"
    # A carriage return stands here only where the client wrote `&#13;`; XML would drop a bare one.
    return xml.replace("\r", "&#13;")


def _check_syntax(document):
    """Refuse, before anything is built of it, what is malformed, has a DTD or is a maze."""
    parser = expat.ParserCreate(namespace_separator=" ")
    depth = nodes = 0

    def refuse(why):
        where = f"line {parser.CurrentLineNumber}, column {parser.CurrentColumnNumber}"
        raise MalformedXML(f"{why}: {where}")

    def start(name, attributes):
        nonlocal depth, nodes
        depth += 1
        nodes += 1 + len(attributes)
        if depth > MAX_DEPTH or nodes > MAX_NODES:
            refuse(f"more than {MAX_DEPTH} levels, or {MAX_NODES} elements and attributes")

    def end(name):
        nonlocal depth
        depth -= 1

    parser.StartElementHandler, parser.EndElementHandler = start, end
    parser.StartDoctypeDeclHandler = lambda *_: refuse("a document type declaration is not taken")
    try:
        parser.Parse(document, True)
    except (expat.ExpatError, LookupError, ValueError) as error:
        # The last two: an encoding that Python does not know, or that expat cannot take from it.
        raise MalformedXML(f"The document is no well-formed XML: {error}") from error


def _is_text(node):
    return node.nodeType in (Node.TEXT_NODE, Node.CDATA_SECTION_NODE)


def _is_ours(node):
    if _is_atom(node, "link"):
        return node.getAttribute("rel") in OUR_LINKS
    return (node.namespaceURI, node.localName) in OURS


def _problem_of(said):
    """What is wrong with what an entry has in it, in words; '' if nothing is."""
    counts = Counter(child.localName for child in _atoms(said))
    if counts["title"] != 1:
        return f"it has {counts['title']} atom:title where one is needed"
    for name in AT_MOST_ONE:
        if counts[name] > 1:
            return f"it has more than one atom:{name}"
    alternates = [
        link
        for link in _atoms(said, "link")
        if (link.getAttribute("rel") or "alternate") == "alternate"
    ]
    if not counts["content"] and not alternates:
        return 'it has neither an atom:content nor an atom:link rel="alternate"'
    if not counts["summary"] and any(map(_is_opaque, _atoms(said, "content"))):
        return "its atom:content is elsewhere or in Base64, so it needs an atom:summary"
    return next(filter(None, map(_problem_in, _atoms(said))), "")


def _problem_in(child):
    """What is wrong inside one of the entry's Atom elements."""
    name = child.localName
    needed = NEEDED_ATTRIBUTE.get(name)
    if needed and not child.hasAttribute(needed):
        return f"an atom:{name} has no {needed}"
    if name in ("author", "contributor") and len(_atoms(child.childNodes, "name")) != 1:
        return f"an atom:{name} needs one atom:name"
    if name not in TEXTS:
        return ""
    inside, kind = _elements(child.childNodes), child.getAttribute("type") or "text"
    if child.hasAttribute("src"):
        return "an atom:content with a src is not empty" if child.hasChildNodes() else ""
    if name != "content" and kind not in TEXT_TYPES:
        return f'an atom:{name} cannot be of type="{kind}"'
    if kind == "xhtml":
        is_div = [(e.namespaceURI, e.localName) for e in inside] == [(XHTML, "div")]
        return "" if is_div else f'an atom:{name} type="xhtml" needs one div of {XHTML}'
    if kind in ("text", "html") and inside:
        return f'an atom:{name} type="{kind}" has an element in it: <{inside[0].tagName}>'
    return ""


def _is_opaque(content):
    """Whether there is nothing in it to read (RFC 4287, section 4.1.3.3)."""
    kind = content.getAttribute("type") or "text"
    readable = kind in TEXT_TYPES or kind.startswith("text/") or kind.endswith(("/xml", "+xml"))
    return content.hasAttribute("src") or not readable


def _plain(element):
    """A text of the entry without its markup; '' where it is no text (an image, say)."""
    if _is_opaque(element):
        return ""
    kind = element.getAttribute("type")
    text = _characters(element)
    if kind == "html":
        text = unescape(TAG.sub(" ", text))
    return " ".join(text.split())


def _characters(node):
    if _is_text(node):
        return node.data
    return "".join(map(_characters, node.childNodes))


def _elements(nodes):
    return [node for node in nodes if node.nodeType == Node.ELEMENT_NODE]


def _is_atom(node, name):
    return (node.namespaceURI, node.localName) == (ATOM, name)


def _atoms(nodes, name=None):
    """The Atom elements among `nodes`, or those of one name."""
    found = (node for node in _elements(nodes) if node.namespaceURI == ATOM)
    return [node for node in found if name is None or node.localName == name]


def _name(element):
    return f"<{element.tagName}> of {element.namespaceURI or 'no namespace'}"
