"""Parts: the body of an answer as it comes, for whoever tests its handler."""

from __future__ import annotations

from ..gateway import Answer, AnswerCut

__all__ = ["Parts"]


class Parts:
    """The parts of the body of an answer; what its handler raises is raised here, unless
    `raise_errors` is False."""

    def __init__(self, answer: Answer, raise_errors: bool) -> None:
        self._answer = answer
        self._raise_errors = raise_errors

    def __iter__(self) -> Parts:
        return self

    def __next__(self) -> bytes:
        data = self.next()
        if not data:
            raise StopIteration
        return data

    def next(self, seconds: float | None = None) -> bytes:
        """The next part, b"" at the end. Raises TimeoutError where none comes in `seconds`,
        AnswerCut where the answer broke off, and what the handler raised."""
        try:
            return self._answer.next_part(seconds)
        except AnswerCut as cut:
            if self._raise_errors and cut.__cause__ is not None:
                raise cut.__cause__ from None
            raise

    def close(self) -> None:
        """Be a client that goes away."""
        self._answer.close()
