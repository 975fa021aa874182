"""A report as one HTML file that needs nothing else: no network, no other file, and no scripts to be read.

The page forbids itself everything but its own style, its own script and inline pictures, see `document`.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from importlib.resources import files
from typing import Final

from ic_harness.testing.report.html.costs import costs
from ic_harness.testing.report.html.document import document
from ic_harness.testing.report.html.failures import failures
from ic_harness.testing.report.html.guarantees import legend, listing, matrix
from ic_harness.testing.report.html.icons import icon, sprite
from ic_harness.testing.report.html.markup import Markup, join, tag
from ic_harness.testing.report.html.measured import Section, contents, measured_sections
from ic_harness.testing.report.html.pictures import pictures
from ic_harness.testing.report.html.sequences import sequence
from ic_harness.testing.report.html.stages import stages
from ic_harness.testing.report.html.timelines import timeline
from ic_harness.testing.report.html.verdict import verdict
from ic_harness.testing.report.model import ReportModel
from ic_harness.testing.report.words import count, verdict_word
from ic_harness.testing.results import CallSequence, Report
from ic_harness.text import one_line

__all__ = ["sequence_page", "to_html"]

_ORDER: Final = (
    "broken",
    "failed",
    "searches",
    "compared",
    "guarantees",
    "stages",
    "timelines",
    "sequences",
    "coverage",
    "growth",
    "gas",
    "instructions",
    "flames",
    "pictures",
    "notes",
)
"""The sections by their ids: faults first, then what was judged, then what was measured."""


def to_html(report: Report) -> str:
    """Write a report as a self-contained page; the same page for the same report."""
    model = ReportModel(report)
    sections = list(_sections(model))
    subject = one_line(report.subject.canister, 60)
    return _page(
        f"{verdict_word(report)}: {subject}",
        tag("a", "Skip to the verdict", href="#main", class_="skip"),
        _bar(sections),
        tag(
            "main",
            verdict(model, contents(sections) if report.measured is not None else None),
            [_section(section) for section in sections],
            id="main",
            tabindex=-1,
        ),
    )


def sequence_page(title: str, sequences: Sequence[CallSequence]) -> str:
    """Write sequence diagrams as a page of their own, in the style of the report."""
    figures = [drawn for calls in sequences if (drawn := sequence(calls))]
    return _page(title, tag("main", tag("section", tag("h2", title), figures), id="main", tabindex=-1))


def _page(title: str, *content: Markup) -> str:
    script = files(__name__).joinpath("report.js").read_text(encoding="utf-8")
    return document(title, sprite(), *content, script=script, pictures=True)


def _sections(model: ReportModel) -> Iterator[Section]:
    """The sections that have something to say, the most urgent first."""
    report = model.report
    guarantees = None  # a suite may promise nothing
    if model.all:
        guarantees = join(legend(model), matrix(model), tag("h3", "Each guarantee"), listing(model))
    charts = [drawn for chart in report.timelines if (drawn := timeline(chart))]
    named = {
        f"sequence-{index}": calls for index, calls in enumerate(report.sequences or (), 1) if calls.arrows
    }
    diagrams = [sequence(calls, id_) for id_, calls in named.items()]
    ids = {calls.title: id_ for id_, calls in named.items()}
    everything = [
        Section("broken", "What did not hold", failures(model)),
        *measured_sections(report.measured, ids),
        Section("guarantees", "Guarantees", guarantees, count(len(model.all), "guarantee")),
        Section("stages", "Stages of the gate", stages(report.stages)),
        Section("timelines", "Timelines", join(*charts) if charts else None),
        Section(
            "sequences",
            "Calls between canisters",
            join(*diagrams) if diagrams else None,
            count(len(diagrams), "diagram"),
        ),
        Section("instructions", "Instructions", costs(report.costs), count(len(report.costs), "method")),
        Section("pictures", "Pictures", pictures(report.pictures)),
    ]
    order = {id_: place for place, id_ in enumerate(_ORDER)}
    yield from sorted((it for it in everything if it.content is not None), key=lambda it: order[it.id])


def _section(section: Section) -> Markup:
    id_ = section.id
    return tag(
        "section",
        tag("h2", section.title, id=f"{id_}-title"),
        section.content,
        id=id_,
        aria_labelledby=f"{id_}-title",
    )


def _bar(sections: list[Section]) -> Markup:
    """The way to each section, and the switch of colours, which the script shows."""
    links = [tag("li", tag("a", it.title, href=f"#{it.id}")) for it in sections]
    switch = tag(
        "button",
        icon("theme"),
        tag("span", "Colours: as the system", id="theme-words"),
        type="button",
        id="theme",
        hidden=True,
    )
    first = tag("li", tag("a", "Verdict", href="#verdict"))
    return tag("nav", tag("ul", first, links), switch, class_="bar-top", aria_label="Sections")
