"""kroute beside a plain scan over Routes' own Route objects; see `differential`."""

from __future__ import annotations

import pytest

from kroute.routing import Mapper, Miss, URLMap

from . import differential


@pytest.mark.parametrize("seed", range(4))
def test_no_difference_in_five_thousand_checks(seed: int) -> None:
    tally = differential.run(5_000, seed)
    assert tally.checks >= 5_000
    # Checks that nothing matches, or all, would prove little.
    assert 0.3 < tally.matched / tally.checks < 0.8
    assert tally.newlines > 10
    assert set(tally.kinds) == {"Mapper", "URLMap"}


@pytest.mark.load
def test_no_difference_in_many_checks() -> None:
    assert differential.run(200_000, seed=4).checks >= 200_000


def test_it_sees_a_match_that_is_lost(monkeypatch: pytest.MonkeyPatch) -> None:
    resolve = URLMap.resolve

    def lossy(self: URLMap[str], method: str, path: str, environ: object = None) -> object:
        return Miss() if "//" in path else resolve(self, method, path, environ)  # type: ignore

    monkeypatch.setattr(URLMap, "resolve", lossy)
    with pytest.raises(differential.Difference, match=r"seed 1, map \d+: URLMap and the scan"):
        differential.run(5_000, seed=1)


def test_it_sees_the_order_of_routes(monkeypatch: pytest.MonkeyPatch) -> None:
    current = Mapper._current_index

    def reversed_index(self: Mapper) -> object:
        class Backwards:
            def candidates(self, path: str) -> object:
                return reversed(index.candidates(path))

        index = current(self)
        return Backwards()

    monkeypatch.setattr(Mapper, "_current_index", reversed_index)
    with pytest.raises(differential.Difference, match="Mapper and the scan"):
        differential.run(5_000, seed=1)
