"""README and docs: everything that is printed there happens."""

from __future__ import annotations

import re
from dataclasses import asdict
from pathlib import Path

import pytest

from kroute import Limits

from .page import BLOCK, ROOT, Page

PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
RUN_ELSEWHERE = {"url-maps.md": "tests/routing/test_docs.py"}
LONG = ("wsgi.md",)  # sets up Django
RUNNABLE = [
    pytest.param(page, marks=[pytest.mark.load] if page.name in LONG else [], id=page.stem)
    for page in PAGES
    if BLOCK.search(page.read_text()) and page.name not in RUN_ELSEWHERE
]


@pytest.mark.needs("curl", "openssl")
@pytest.mark.parametrize("page", RUNNABLE)
def test_what_a_page_prints_happens(page: Path, tmp_path: Path) -> None:
    reader = Page(page, tmp_path)
    reader.run()
    assert reader.commands > 2


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_links_lead_somewhere(page: Path) -> None:
    for target in re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", page.read_text()):
        assert (page.parent / target).exists(), f"{page.name} links to {target}"


def test_every_dependency_has_its_reason() -> None:
    reasons = (ROOT / "docs/reference/dependencies.md").read_text().lower()
    setup = (ROOT / "setup.cfg").read_text()
    listed = re.search(r"install_requires =\n(.*?)\n\n", setup, re.DOTALL)
    extras = re.search(r"extras_require\]\n(.*?)\n\n", setup, re.DOTALL)
    assert listed and extras
    names = re.findall(r"^ {4}([\w-]+)", f"{listed[1]}\n{extras[1]}", re.MULTILINE)
    assert len(names) > 10
    assert [name for name in names if name.lower() not in reasons] == []


def test_pages_run_elsewhere_are() -> None:
    for name, test in RUN_ELSEWHERE.items():
        if any(page.name == name for page in PAGES):
            assert name in (ROOT / test).read_text()


def test_every_limit_is_in_the_table_with_its_default() -> None:
    page = (ROOT / "docs/reference/limits.md").read_text()
    found = re.findall(r"^\| `(\w+)` \| ([\d.]+) \|", page, re.MULTILINE)
    assert dict(found) == {name: str(value) for name, value in asdict(Limits()).items()}
