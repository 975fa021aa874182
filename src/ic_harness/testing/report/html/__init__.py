"""A report as one HTML file that needs nothing else: no network, no other file, and no scripts to be read.

The page forbids itself everything but its own style, its own script and inline pictures, see `document`.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from importlib.resources import files

from ic_harness.testing.report.html.costs import costs
from ic_harness.testing.report.html.document import document
from ic_harness.testing.report.html.failures import failures
from ic_harness.testing.report.html.guarantees import legend, listing, matrix
from ic_harness.testing.report.html.icons import icon, sprite
from ic_harness.testing.report.html.markup import Markup, join, tag
from ic_harness.testing.report.html.pictures import pictures
from ic_harness.testing.report.html.sequences import sequence
from ic_harness.testing.report.html.stages import stages
from ic_harness.testing.report.html.timelines import timeline
from ic_harness.testing.report.html.verdict import verdict
from ic_harness.testing.report.model import ReportModel
from ic_harness.testing.report.words import VERDICT_WORDS
from ic_harness.testing.results import CallSequence, Report
from ic_harness.text import one_line

__all__ = ["sequence_page", "to_html"]

Section = tuple[str, str, Markup]
"""Its id, its title and its content."""


def to_html(report: Report) -> str:
    """Write a report as a self-contained page; the same page for the same report."""
    model = ReportModel(report)
    sections = list(_sections(model))
    subject = one_line(report.subject.canister, 60)
    return _page(
        f"{VERDICT_WORDS[report.verdict]}: {subject}",
        tag("a", "Skip to the verdict", href="#main", class_="skip"),
        _bar(sections),
        tag(
            "main",
            verdict(model),
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
    diagrams = [drawn for calls in report.sequences or () if (drawn := sequence(calls))]
    everything = [
        ("broken", "What did not hold", failures(model)),
        ("guarantees", "Guarantees", guarantees),
        ("stages", "Stages of the gate", stages(report.stages)),
        ("timelines", "Timelines", join(*charts) if charts else None),
        ("sequences", "Calls between canisters", join(*diagrams) if diagrams else None),
        ("instructions", "Instructions", costs(report.costs)),
        ("pictures", "Pictures", pictures(report.pictures)),
    ]
    yield from ((id_, title, content) for id_, title, content in everything if content is not None)


def _section(section: Section) -> Markup:
    id_, title, content = section
    return tag(
        "section", tag("h2", title, id=f"{id_}-title"), content, id=id_, aria_labelledby=f"{id_}-title"
    )


def _bar(sections: list[Section]) -> Markup:
    """The way to each section, and the switch of colours, which the script shows."""
    links = [tag("li", tag("a", title, href=f"#{id_}")) for id_, title, _ in sections]
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
