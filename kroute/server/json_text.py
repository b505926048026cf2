"""json_text: what `json.dumps` gives, sooner."""

from __future__ import annotations

import json
import json.encoder
from collections.abc import Callable
from typing import Any

__all__ = ["json_text"]

_standard = json.JSONEncoder()


def _default(value: Any) -> Any:
    # Asked for then, and not once: some replace it in the class for all of a program.
    return _standard.default(value)


def _encoder() -> Callable[[Any, int], Any]:
    """The encoder in C that `json.dumps` makes anew at each call, which takes longer than to
    encode a small object. Where this Python has no such thing, what gives the same."""
    make: Any = getattr(json.encoder, "c_make_encoder", None)
    escape = json.encoder.encode_basestring_ascii
    try:
        made: Callable[[Any, int], Any] = make(
            None, _default, escape, None, ": ", ", ", False, False, True
        )
        made({"of": ["this", 1]}, 0)
    except TypeError:
        return lambda value, _: json.dumps(value)
    return made


_encode = _encoder()


def json_text(value: Any) -> str:
    """`value` in JSON. Raises TypeError and ValueError as `json.dumps` does."""
    try:
        return "".join(_encode(value, 0))
    except RecursionError:
        # It does not look for an object that is in itself, which costs as much again. That does:
        return json.dumps(value)
