"""A report as one HTML file that needs nothing else: no network, no other file, and no scripts to be read.

The page forbids itself everything but its own style, its own script and inline pictures by a content security
policy with their digests, so that a text of the canister that got through the escaping would still be dead.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterator, Sequence
from importlib.resources import files

from ic_harness.testing.report.html.costs import costs
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
    body = tag(
        "body",
        sprite(),
        tag("a", "Skip to the verdict", href="#main", class_="skip"),
        _bar(sections),
        tag(
            "main",
            verdict(model),
            [_section(section) for section in sections],
            id="main",
            tabindex=-1,
        ),
        tag("footer", tag("p", "Made by ic-harness. This file needs nothing else and sends nothing.")),
        tag("script", Markup(_asset("report.js"))),
    )
    head = tag("head", _head(f"{VERDICT_WORDS[report.verdict]}: {subject}"))
    return f"<!DOCTYPE html>\n{tag('html', head, body, lang='en')}\n"


def sequence_page(title: str, sequences: Sequence[CallSequence]) -> str:
    """Write sequence diagrams as a page of their own, in the style of the report."""
    figures = [drawn for calls in sequences if (drawn := sequence(calls))]
    body = tag(
        "body",
        sprite(),
        tag("main", tag("section", tag("h2", title), figures), id="main", tabindex=-1),
        tag("footer", tag("p", "Made by ic-harness. This file needs nothing else and sends nothing.")),
        tag("script", Markup(_asset("report.js"))),
    )
    return f"<!DOCTYPE html>\n{tag('html', tag('head', _head(title)), body, lang='en')}\n"


def _head(title: str) -> Markup:
    style, script = _asset("report.css"), _asset("report.js")
    policy = (
        f"default-src 'none'; img-src data:; style-src '{_digest(style)}'; script-src '{_digest(script)}'; "
        "base-uri 'none'; form-action 'none'"
    )
    return join(
        tag("meta", charset="utf-8"),
        tag("meta", http_equiv="Content-Security-Policy", content=policy),
        tag("meta", name="viewport", content="width=device-width, initial-scale=1"),
        tag("meta", name="color-scheme", content="light dark"),
        tag("meta", name="referrer", content="no-referrer"),
        tag("title", f"{title} · ic-harness"),
        tag("style", Markup(style)),
    )


def _asset(name: str) -> str:
    return files(__name__).joinpath(name).read_text(encoding="utf-8")


def _digest(text: str) -> str:
    return f"sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode('ascii')}"


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
