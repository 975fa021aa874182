"""The Markdown summary, rendered by a Markdown parser that others wrote."""

from __future__ import annotations

import dataclasses
import re
from html.parser import HTMLParser

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from ic_capsule.suite.guarantees import GUARANTEES
from ic_harness.testing.report import to_markdown
from ic_harness.testing.report.markdown import safe
from ic_harness.text import one_line

from . import samples

OURS = {
    "h2",
    "p",
    "strong",
    "ul",
    "li",
    "table",
    "thead",
    "tbody",
    "tr",
    "th",
    "td",
    "details",
    "summary",
    "pre",
    "sub",
    "br",
}


class Page(HTMLParser):
    """What a browser would make of rendered Markdown: its elements and its text."""

    def __init__(self, html):
        super().__init__()
        self.tags, self.texts, self.cells, self.inside = set(), [], [], False
        self.feed(html)

    def handle_starttag(self, tag, attrs):
        self.tags.add((tag, tuple(attrs)))
        if tag == "td":
            self.cells.append("")
            self.inside = True

    def handle_data(self, data):
        self.texts.append(data)
        if self.inside:
            self.cells[-1] += data

    def handle_endtag(self, tag):
        self.inside = self.inside and tag != "td"


def rendered(report):
    return Page(MarkdownIt("commonmark").enable("table").render(to_markdown(report)))


@pytest.mark.parametrize("name", ["refused", "passing", "could_not_run", "hostile"])
def test_only_our_own_elements(name):
    """No text of a canister becomes an element, a link or a picture, and no element has attributes."""
    assert {tag for tag, _ in rendered(getattr(samples, name)()).tags} <= OURS
    assert all(not attributes for _, attributes in rendered(getattr(samples, name)()).tags)


def test_enemy_is_read_as_written():
    """A hostile text stays in one cell, character by character."""
    page = rendered(samples.hostile())
    cells = [" ".join(cell.split()) for cell in page.cells]
    assert one_line(samples.ENEMY, 300) in cells


@settings(deadline=None)
@example("__0__")
@given(st.text("\\`*_{}[]<>()#+-.!|~&@$:=\"'w1 a;/x\n\t") | st.text())
def test_any_text_is_read_as_written(text):
    """Whatever the signs, a text in a cell, in a list or in bold is shown as it is and becomes no element."""
    parser = MarkdownIt("commonmark").enable(["table", "strikethrough"])
    cell, item, bold = (
        Page(parser.render(form.format(safe(text))))
        for form in ("| a |\n|---|\n| x {} |", "- x\n- {}", "<br>**x{}** y")
    )
    shown = one_line(text, 300)
    assert " ".join(cell.cells[0].split()) == f"x {shown}".strip()
    assert " ".join("".join(item.texts).split()) == f"x {shown}".strip()
    assert " ".join("".join(bold.texts).split()) == f"x{shown} y"
    assert {tag for tag, _ in cell.tags} == {"table", "thead", "tbody", "tr", "th", "td"}
    assert {tag for tag, _ in item.tags} == {"ul", "li"}
    assert {tag for tag, _ in bold.tags} == {"p", "br", "strong"}


def test_nothing_is_addressed():
    """No mention, issue number, link or emoji code of an enemy reaches GitHub's own extensions."""
    text = re.sub(r"<pre>.*?</pre>", "", to_markdown(samples.hostile()), flags=re.DOTALL)
    assert re.findall(r"@\w|(?<!&)#\d|://|www\.|:\w+:|\$\{", text) == []


def test_verdict_first():
    """The first lines say the verdict, how much broke, and what it means; the worst guarantee leads the table."""
    lines = to_markdown(samples.refused()).splitlines()
    assert lines[0] == "## ❌ Refused: backend.wasm.gz"
    assert lines[2].startswith("**4 guarantees broke, 3 critical and 1 medium.** Users can lose data")
    rows = [line for line in lines if line.startswith("| ❌ failed")]
    assert "UC6" in rows[0]
    assert "checksum" in rows[0]
    assert "Another caller's chunk changed the hash of your session" in rows[0]


def test_accepted_is_said():
    """An accepted fault is shown with reason and end, and is not counted as passed."""
    text = "".join(rendered(samples.refused()).texts)
    assert "accepted until 2027-01-31: clients check the length; repaired in 1.4" in text
    assert f"{len(GUARANTEES) - 9} passed" in text


def test_size_stays_small():
    """Whatever a canister prints, the summary stays far below GitHub's limit of 1 MiB."""
    assert len(to_markdown(samples.hostile(samples.ENEMY * 500)).encode()) < 200_000


def test_critical_first():
    """Of many broken guarantees the critical ones come first, before anything about milder ones."""
    report = samples.many()
    refusals = tuple(f"{check.guarantee.id} (medium): it broke" for check in report.checks if check.reported)
    lines = to_markdown(dataclasses.replace(report, refusals=(*refusals, "Budgets: too dear"))).splitlines()
    assert [line for line in lines if line.startswith("- ")] == ["- Budgets: too dear"]
    severities = [
        line.split(" | ")[2] for line in lines if line.startswith("| ❌ failed | ") and line.count(" | ") == 4
    ]
    assert len(severities) == 45
    assert severities == sorted(severities, key=["critical", "high", "medium", "low"].index)
