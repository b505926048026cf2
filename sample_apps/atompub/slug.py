"""The last part of an entry's URL, from a client's wish for it."""

import itertools
import re
import unicodedata
import uuid
from urllib.parse import unquote_to_bytes

MAX_LENGTH = 60


def decode_slug(header):
    """The text of a Slug header: percent-encoded UTF-8 (RFC 5023, section 9.7.1).

    Bytes that were sent raw are taken for UTF-8 too; what is none of it becomes U+FFFD.
    """
    return unquote_to_bytes(header.encode("latin-1")).decode("utf-8", "replace")


def make_slug(*wishes):
    """Letters and digits of any script, and hyphens, of the first wish that has some."""
    for wish in wishes:
        # Cut first: NFKC takes a time that is quadratic in the number of marks on a letter.
        text = unicodedata.normalize("NFKC", wish[: 4 * MAX_LENGTH]).lower()
        kept = "".join(c if unicodedata.category(c)[0] in "LMN" else "-" for c in text)
        slug = re.sub("-+", "-", kept)[:MAX_LENGTH].strip("-")
        if slug:
            return slug
    return "entry"


def variants(slug):
    """The slug, and what to try in turn where that is taken; it never ends."""
    yield slug
    for number in range(2, 10):
        yield f"{slug}-{number}"
    for _ in itertools.count():
        yield f"{slug}-{uuid.uuid4().hex[:12]}"
