"""atompub: the AtomPub sample, one process for all tests, which share its entries."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from .sample_server import Server


@pytest.fixture(scope="session")
def atompub(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    folder = tmp_path_factory.mktemp("atompub")
    server = Server("sample_apps.atompub", "--database", "new/entries.sqlite", folder=folder)
    yield server
    assert server.stop() == 0
