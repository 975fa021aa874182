"""What a run measured, in every format: sections that are there when there is something, bounded, deaf to an enemy."""

from __future__ import annotations

import dataclasses
import json

import fastjsonschema
import pytest

from ic_harness.errors import InputError
from ic_harness.testing.measured import GrowthResult, Measured, RunOutcome
from ic_harness.testing.report import from_json, schema, to_html, to_json, to_junit, to_markdown

from . import measured_samples as samples
from .test_html import Page

SECTIONS = [
    "failed", "searches", "compared", "sequences", "coverage", "growth", "gas", "instructions", "flames", "notes",
]  # fmt: skip


def sections(page):
    """The ids of the sections in their order."""
    return [it["id"] for name, it in page.elements if name == "section" and "aria-labelledby" in it]


def test_each_section_is_in_the_contents():
    """Faults come first, and the table of contents and the bar lead to every section."""
    page = Page(to_html(samples.measured_run()))
    assert sections(page) == SECTIONS
    links = [it["href"].removeprefix("#") for name, it in page.elements if name == "a" and "href" in it]
    assert all(links.count(id_) == 2 for id_ in SECTIONS)
    assert "./../ic-coverage/index.html" in links
    assert "sequence-1" in links


def test_ids_are_one_and_nothing_is_loaded():
    page = Page(to_html(samples.measured_run()))
    ids = page.values("id")
    assert len(ids) == len(set(ids))
    assert page.values("src") == []
    assert [key for _, it in page.elements for key in it if key.startswith("on") or key == "style"] == []


@pytest.mark.parametrize("field", [it.name for it in dataclasses.fields(Measured) if it.name != "run"])
def test_a_section_appears_only_when_there_is_something(field):
    """A run that measured one thing has the section of that thing only."""
    full = samples.measured_run()
    alone = Measured(run=RunOutcome(passed=3), **{field: getattr(full.measured, field)})
    page = Page(to_html(dataclasses.replace(full, costs=(), sequences=None, measured=alone)))
    expected = {"compared", "coverage", "flames", "gas", "growth", "notes", "searches"} & {field}
    assert set(sections(page)) == expected
    assert "3 tests passed" in page.text


def test_an_enemy_makes_no_element():
    """The page of an enemy's texts has the elements of a harmless one."""
    enemy, harmless = Page(to_html(samples.hostile_run())), Page(to_html(samples.hostile_run("harmless")))
    assert [it for it, _ in enemy.elements if it != "wbr"] == [
        it for it, _ in harmless.elements if it != "wbr"
    ]
    assert [it for it in enemy.values("href") if not it.startswith(("#", "./"))] == []
    assert "\x1b" not in to_html(samples.hostile_run()) + to_markdown(samples.hostile_run())


def test_enormous_texts_are_cut():
    """Names of a megabyte and 5,000 messages make a page that a browser opens, which says what it left out."""
    page = to_html(samples.enormous_run())
    assert len(page) < 6_000_000
    assert "3\u202f000 earlier arrows left out" in page
    assert len(to_markdown(samples.enormous_run())) < 200_000


@pytest.mark.parametrize("sample", [samples.measured_run, samples.hostile_run])
def test_json_has_everything(sample):
    """What was measured comes back from JSON, as the schema describes it."""
    report = sample()
    text = to_json(report)
    assert from_json(text) == report
    fastjsonschema.compile(json.loads(schema()))(json.loads(text))


def test_figures_without_a_law_are_refused():
    """A report of another machine whose growth cannot be is named, instead of drawn wrongly."""
    report = samples.measured_run()
    assert report.measured is not None
    series = report.measured.growth[0].series[0]
    broken = GrowthResult(title="x", series=(dataclasses.replace(series, sizes=(8, 4, 2, 1, 0, 0)),))
    with pytest.raises(InputError, match=r"the growth of 'market\.place'"):
        to_html(dataclasses.replace(report, measured=Measured(growth=(broken,))))


def test_junit_and_markdown_have_the_figures():
    """CI sees the coverage, the laws and the tests that failed, with the command that shows them again."""
    junit, markdown = to_junit(samples.measured_run()), to_markdown(samples.measured_run())
    assert '<property name="coverage market (0a1b2c3d)" value="functions 80.6 %, ' in junit
    assert '<property name="growth market.place instructions" value="n², limit met at n = 6,600"/>' in junit
    assert 'failures="1" errors="1"' in junit.splitlines()[1]
    assert "ic-harness replay failures/" in junit
    assert markdown.startswith("## ❌ 2 of 45 tests failed")
    assert "functions 80.6 %" in markdown
