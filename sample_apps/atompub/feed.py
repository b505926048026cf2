"""The documents that are answered: an entry, the feed of entries (RFC 4287), and the service
document that leads to them (RFC 5023, section 8)."""

from datetime import datetime, timedelta, timezone
from xml.sax.saxutils import quoteattr

from .entry import APP, ATOM

ENTRY = "application/atom+xml;type=entry"
FEED = "application/atom+xml;type=feed"
SERVICE = "application/atomsvc+xml"

DECLARATION = '<?xml version="1.0" encoding="utf-8"?>\n'
EPOCH = datetime(1970, 1, 1, tzinfo=timezone.utc)


def when(microseconds):
    """A time of the store as Atom writes it (RFC 3339)."""
    time = EPOCH + timedelta(microseconds=microseconds)
    return time.isoformat(timespec="microseconds").replace("+00:00", "Z")


def entry_element(row, url):
    """What the client sent, and what the server says of it, before the end tag.

    Where the client wrote `<atom:entry>`, it is `<atom:id>` too: the prefix is bound there.
    """
    end = row.xml.rindex("</")
    prefix = row.xml[end:].removeprefix("</").removesuffix("entry>")
    href = quoteattr(url)
    return f"""{row.xml[:end]}
  <{prefix}id>{row.id}</{prefix}id>
  <{prefix}published>{when(row.published)}</{prefix}published>
  <{prefix}updated>{when(row.edited)}</{prefix}updated>
  <app:edited xmlns:app="{APP}">{when(row.edited)}</app:edited>
  <{prefix}link rel="self" href={href}/>
  <{prefix}link rel="edit" href={href}/>
{row.xml[end:]}
"""


def entry_document(row, url):
    """One entry, which is found at `url`."""
    return DECLARATION + entry_element(row, url)


def feed_document(page, urls, entry_url):
    """A page of entries. urls: of the feed, by relation; entry_url: makes one of a slug."""
    links = [f"  <link rel={quoteattr(rel)} href={quoteattr(url)}/>" for rel, url in urls.items()]
    head = f"""{DECLARATION}<feed xmlns="{ATOM}">
  <id>{page.id}</id>
  <title>Entries</title>
  <updated>{when(page.updated)}</updated>
"""
    elements = [entry_element(row, entry_url(row.slug)) for row in page.rows]
    return head + "\n".join(links) + "\n" + "".join(elements) + "</feed>\n"


def service_document(url):
    """The one collection, which is found at `url`."""
    return f"""{DECLARATION}<service xmlns="{APP}" xmlns:atom="{ATOM}">
  <workspace>
    <atom:title>kroute</atom:title>
    <collection href={quoteattr(url)}>
      <atom:title>Entries</atom:title>
      <accept>{ENTRY}</accept>
    </collection>
  </workspace>
</service>
"""
