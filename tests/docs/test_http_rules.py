"""docs/reference/http-rules.md: each rule is held, and each case of the corpus is under one."""

from __future__ import annotations

import re
from typing import NamedTuple

import pytest

from kroute import Limits
from tests.http.raw_requests import Case, load

from .page import ROOT

PAGE = (ROOT / "docs/reference/http-rules.md").read_text()
ANSWERS = r"taken|[45]\d\d|"


class Rule(NamedTuple):
    """A row. sections: as the corpus has them. held: files of the corpus, and tests."""

    text: str
    sections: list[str]
    answer: str
    held: list[str]


def full(section: str) -> str:
    """`6.1` as `RFC 9112, section 6.1`; `9110 5.5` as `RFC 9110, section 5.5`."""
    rfc, _, number = section.rpartition(" ")
    kind = "section" if number[0].isdigit() else "appendix"
    return f"RFC {rfc or '9112'}, {kind} {number}"


def rules() -> list[Rule]:
    found = []
    for line in PAGE.splitlines():
        if not line.startswith("| ") or line.startswith("| rule |"):
            continue
        text, sections, answer, held = (cell.strip() for cell in line.strip("|").split("|"))
        found.append(
            Rule(text, [full(name) for name in sections.split(", ")], answer, held.split(", "))
        )
    assert len(found) > 70
    return found


RULES = rules()
CASES = {kind: load(kind) for kind in ("valid", "invalid")}


def key(kind: str, case: Case) -> tuple[str, str, str]:
    """What has to be in a row: section, answer, file."""
    file = case.name.partition(":")[0]
    answer = case.expected[-3:] if kind == "invalid" else "taken"
    return re.sub(r" \(.*\)$", "", case.section), answer, f"`{kind}/{file}`"


KEYS = {key(kind, case) for kind, cases in CASES.items() for case in cases}
ROWS = {
    (section, rule.answer, held)
    for rule in RULES
    for section in rule.sections
    for held in rule.held
    if "::" not in held
}


def test_each_case_of_the_corpus_is_under_a_rule() -> None:
    assert sorted(KEYS - ROWS) == []


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: f"{rule.sections[0]} {rule.answer}")
def test_each_rule_is_held(rule: Rule) -> None:
    """By each file that is named, for a section that is named; by tests that there are."""
    assert re.fullmatch(ANSWERS, rule.answer)
    for held in rule.held:
        if "::" in held:
            path, name = held.strip("`").split("::")
            assert f"\ndef {name}(" in (ROOT / path).read_text(), held
        else:
            assert any((section, rule.answer, held) in KEYS for section in rule.sections), held
    for section in rule.sections:
        tested = any("::" in held for held in rule.held)
        assert tested or any((section, rule.answer, held) in KEYS for held in rule.held), section


def test_the_limits_are_those_there_are() -> None:
    limits = Limits()
    assert f"{limits.request_line:,} bytes" in PAGE
    assert f"{limits.header_bytes // 1024} KiB" in PAGE
    assert f"{limits.header_fields} fields" in PAGE
    assert f"{limits.body_bytes // 1024 // 1024} MiB" in PAGE
    assert limits.header_seconds == limits.body_idle_seconds == 30
