"""Slugs: safe in a URL and a page, whatever a client asks for."""

from __future__ import annotations

import itertools
from urllib.parse import quote

import pytest

from sample_apps.atompub.slug import MAX_LENGTH, decode_slug, make_slug, variants


@pytest.mark.parametrize(
    ("wish", "slug"),
    [
        ("First Post!", "first-post"),
        ("  a / b \\ c  ", "a-b-c"),
        ("../../etc/passwd", "etc-passwd"),
        ("Grüße, 世界", "grüße-世界"),
        ("हिन्दी", "हिन्दी"),
        ("ﬁne ½", "fine-1-2"),  # NFKC, before anything is judged: there is U+2044 in the half
        ("a\x00b\r\nc", "a-b-c"),
        ("<b>&\"'", "b"),
        ("x" * 1000, "x" * MAX_LENGTH),
        ("x" * (MAX_LENGTH - 1) + " y", "x" * (MAX_LENGTH - 1)),
        ("", "entry"),
        ("///", "entry"),
        ("%00", "00"),
    ],
)
def test_it_is_made_of_letters_digits_and_hyphens(wish: str, slug: str) -> None:
    assert make_slug(wish) == slug


def test_the_first_wish_that_has_something_counts() -> None:
    assert make_slug("!?", "", "The title", "more") == "the-title"


@pytest.mark.parametrize(
    ("header", "text"),
    [
        ("The Beach at S%C3%A8te", "The Beach at Sète"),  # RFC 5023, section 9.7.2
        (quote("世界"), "世界"),
        ("Sète".encode().decode("latin-1"), "Sète"),
        ("100%", "100%"),
        ("%zz", "%zz"),
        ("%ff", "�"),
        ("", ""),
    ],
)
def test_a_header_is_percent_encoded_utf_8(header: str, text: str) -> None:
    """RFC 5023, section 9.7.1."""
    assert decode_slug(header) == text


def test_variants_never_end_and_never_repeat() -> None:
    first = list(itertools.islice(variants("a"), 50))
    assert first[:3] == ["a", "a-2", "a-3"]
    assert len(set(first)) == 50
