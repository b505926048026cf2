"""An Atom Publishing Protocol server (RFC 5023) that keeps its entries in SQLite.

    python -m sample_apps.atompub
    kroute run 'sample_apps.atompub:make_app()'

`handlers` is where to begin reading. `entry` is what a client may send, `slug` where an entry is
put, `store` where it is kept, `feed` what is answered, `page` what a browser is shown, `guide`
what to try first.
"""

from pathlib import Path

import webob.exc

from kroute import App

from .entry import InvalidEntry, MalformedXML
from .handlers import Collection, Front, Member, Service
from .store import EntryChanged, NoSuchEntry, Store

__all__ = ["DATABASE", "make_app"]

DATABASE = Path("var/atompub.sqlite")
MAX_ENTRY = 256 * 1024

STATUSES = {
    MalformedXML: webob.exc.HTTPBadRequest,
    InvalidEntry: webob.exc.HTTPUnprocessableEntity,
    NoSuchEntry: webob.exc.HTTPNotFound,
    EntryChanged: webob.exc.HTTPPreconditionFailed,
}


def make_app(path_or_url=DATABASE):
    """The server on one database: the path of a file, made if missing, or its SQLAlchemy URL."""
    store = Store(path_or_url)
    app = App()
    app.add("/", Front(store), name="front")
    app.add("/service", Service(), name="service")
    app.add("/entries", Collection(store), name="entries", max_body=MAX_ENTRY)
    app.add("/entries/{slug}", Member(store), name="entry", max_body=MAX_ENTRY)

    for problem in STATUSES:
        app.error_handler(problem)(_answer)
    return app


def _answer(request, error):
    return STATUSES[type(error)](str(error))
