"""What stands behind each URL: a class each, with a method for each HTTP method."""

import re
from email.message import Message

import webob.exc

from kroute import Response, in_thread

from .entry import read_entry
from .feed import ENTRY, FEED, SERVICE, entry_document, feed_document, service_document
from .guide import steps
from .page import front_page
from .slug import decode_slug, make_slug

CHARSET = ";charset=utf-8"


class Service:
    """The service document: where an AtomPub client begins."""

    def GET(self, request):
        document = service_document(_url(request, "entries"))
        return Response(document, content_type=SERVICE + CHARSET)


class Collection:
    """All entries."""

    def __init__(self, store):
        self.store = store

    def GET(self, request):
        """The feed, the newest edit first (RFC 5023, section 10)."""
        before = _before(request)
        page = yield from in_thread(self.store.page, before)
        urls = {
            "self": _url(request, "entries", before=before),
            "first": _url(request, "entries"),
            "alternate": _url(request, "front"),
        }
        if page.older:
            urls["next"] = _url(request, "entries", before=page.older)
        document = feed_document(page, urls, lambda slug: _url(request, "entry", slug=slug))
        response = Response(document, content_type=FEED + CHARSET, conditional_response=True)
        response.md5_etag()
        yield response

    def POST(self, request):
        """Create an entry (RFC 5023, section 9.2)."""
        _require_entry(request)
        entry = yield from in_thread(read_entry, request.body)
        wish = decode_slug(request.headers.get("Slug", ""))
        row = yield from in_thread(self.store.create, make_slug(wish, entry.title), entry)
        response = _entry_response(request, row)
        response.status = 201
        response.location = response.content_location = _url(request, "entry", slug=row.slug)
        yield response


class Member:
    """One entry."""

    def __init__(self, store):
        self.store = store

    def GET(self, request, slug):
        row = yield from in_thread(self.store.find, slug)
        response = _entry_response(request, row)
        response.conditional_response = True
        yield response

    def PUT(self, request, slug):
        """Edit it (RFC 5023, section 9.3)."""
        etags = yield from self._expected(request, slug)
        _require_entry(request)
        entry = yield from in_thread(read_entry, request.body)
        row = yield from in_thread(self.store.replace, slug, etags, entry)
        yield _entry_response(request, row)

    def DELETE(self, request, slug):
        etags = yield from self._expected(request, slug)
        yield from in_thread(self.store.delete, slug, etags)
        yield Response(status=204)

    def _expected(self, request, slug):
        """The ETags that the client takes the entry to have; None for `*`, whichever it has."""
        if not request.headers.get("If-Match"):  # empty, to WebOb, is like `*`
            yield from in_thread(self.store.find, slug)  # where there is none, that comes first
            raise webob.exc.HTTPPreconditionRequired(
                "Send If-Match with the ETag of the entry, lest you undo what others have done."
            )
        return getattr(request.if_match, "etags", None)


class Front:
    """The entries, for people."""

    def __init__(self, store):
        self.store = store

    def GET(self, request):
        page = yield from in_thread(self.store.page, _before(request))
        feed = _url(request, "entries")
        urls = {"service": _url(request, "service"), "feed": feed}
        if page.older:
            urls["next"] = _url(request, "front", before=page.older)
        html = front_page(page, urls, lambda slug: _url(request, "entry", slug=slug), steps(feed))
        response = Response(html)
        response.headers["Content-Security-Policy"] = (
            "default-src 'none'; style-src 'unsafe-inline'"
        )
        yield response


def _url(request, name, **parts):
    """In full, as what is relative in an entry is relative to its author's xml:base."""
    return request.url_for(name, _qualified=True, **parts)


def _before(request):
    """The time that a page of entries begins before, from the query; None for the first page."""
    text = request.GET.get("before")
    if text is not None and not re.fullmatch("[0-9]{1,18}", text):
        raise webob.exc.HTTPBadRequest(f"before={text!r} is no page; follow the links.")
    return None if text is None else int(text)


def _require_entry(request):
    """Refuse a body that does not say it is an Atom entry."""
    message = Message()
    message["Content-Type"] = request.headers.get("Content-Type", "")
    media_type, kind = message.get_content_type(), message.get_param("type", "entry")
    if (media_type, kind) != ("application/atom+xml", "entry"):
        raise webob.exc.HTTPUnsupportedMediaType(
            f"This collection takes {ENTRY}.", headers=[("Accept", ENTRY)]
        )


def _entry_response(request, row):
    document = entry_document(row, _url(request, "entry", slug=row.slug))
    return Response(document, content_type=ENTRY + CHARSET, etag=row.etag)
