"""The page in a real browser: quiet, readable in light and dark, at any width, by keyboard and without scripts."""

from __future__ import annotations

import os
from itertools import pairwise, product
from typing import Any

import pytest

from ic_capsule.suite.guarantees import GUARANTEES
from ic_harness.testing.report import to_html
from tests.interop.conftest import unavailable
from tests.interop.toolbox import ToolMissingError

from . import measured_samples, samples
from .browser import look_at, look_once

pytestmark = [pytest.mark.interop, pytest.mark.slow]

SIZES = {"desktop": (1440, 900), "tablet": (768, 1024), "narrow": (500, 900), "phone": (360, 740)}
NAMES = ["refused", "passing", "could_not_run", "hostile", "many"]
RUNS = {"measured": measured_samples.measured_run, "measured_hostile": measured_samples.hostile_run}
PLAIN = [
    *product(NAMES, ["desktop", "phone"], ["light", "dark"]),
    ("refused", "tablet", "light"),
    *product(RUNS, ["desktop", "narrow", "phone"], ["light", "dark"]),
]
AXE = [
    ("refused", "desktop", "light"),
    ("refused", "phone", "dark"),
    ("hostile", "desktop", "dark"),
    ("measured", "desktop", "light"),
    ("measured", "narrow", "dark"),
]
TABS = 34
TOGGLE = '[data-kind="outcome"][data-value="{}"]'.format
KEYS = {
    "tabs": [step for _ in range(TABS) for step in (["press", "Tab"], ["active", None])],
    "filter": [
        ["focus", TOGGLE("failed")], ["press", "Space"], ["measure"],
        ["focus", '[data-kind="severity"][data-value="C"]'], ["press", "Enter"], ["measure"],
        ["focus", "input[name=words]"], ["type", "HALF way"], ["measure"],
        ["type", " nowhere"], ["measure"], ["press", "Escape"], ["measure"],
    ],
    "chip": [
        ["focus", TOGGLE("failed")], ["press", "Space"], ["focus", "a.chip[href='#g-UC1']"], ["press", "Enter"],
        ["until", "#g-UC1 > details[open] > summary:focus"],
    ],
    "story": [
        ["focus", ".worst a[href='#story-BL4']"], ["press", "Enter"],
        ["until", "#story-BL4 > details[open] > summary:focus"],
    ],
    "theme": [
        ["click", "#theme"], ["until", "html[data-theme=light]"], ["measure"],
        ["click", "#theme"], ["until", "html[data-theme=dark]"], ["measure"],
        ["reload", None], ["until", "html[data-theme=dark]"], ["measure"],
        ["click", "#theme"], ["until", "html:not([data-theme])"],
    ],
    "paper": [["dispatch", "beforeprint"], ["measure"], ["dispatch", "afterprint"]],
}  # fmt: skip


def _look(folder, name, size="desktop", scheme="light", **more):
    width, height = SIZES[size]
    page = (folder / f"{name}.html").as_uri()
    return {"page": page, "width": width, "height": height, "scheme": scheme, **more}


@pytest.fixture(scope="module")
def seen(tmp_path_factory):
    """Everything that the browser saw, by the name of the look: one browser for all workers of a test run."""
    run = os.environ.get("PYTEST_XDIST_TESTRUNUID")
    base = tmp_path_factory.getbasetemp()
    folder = base.parent / f"pages-{run}" if run else base / "pages"
    looks: dict[Any, dict] = {case: _look(folder, *case) for case in PLAIN}
    looks |= {name: _look(folder, "refused", do=steps) for name, steps in KEYS.items()}
    looks |= {("axe", *case): _look(folder, *case, do=[["axe", None]]) for case in AXE}
    looks["script off"] = _look(folder, "refused", script=False)
    looks["print"] = _look(folder, "refused", scheme="dark", media="print")
    try:
        found = look_once(folder, lambda: _written_and_looked_at(folder, list(looks.values())))
    except ToolMissingError as missing:
        return unavailable("chromium", missing)
    return dict(zip(looks, found, strict=True))


def _written_and_looked_at(folder, looks):
    folder.mkdir(exist_ok=True)
    for name in NAMES:
        (folder / f"{name}.html").write_text(to_html(getattr(samples, name)()), encoding="utf-8")
    for name, run in RUNS.items():
        (folder / f"{name}.html").write_text(to_html(run()), encoding="utf-8")
    return look_at(looks)


@pytest.mark.parametrize("case", PLAIN, ids="-".join)
def test_quiet_and_fitting(seen, case):
    """No console message, request or dialog; nothing wider than the screen; text with a contrast of 4.5 or more."""
    look = seen[case]
    assert (look["console"], look["requests"], look["dialogs"]) == ([], [], 0)
    measure = look["measures"][-1]
    assert measure["width"] <= SIZES[case[1]][0]
    assert measure["texts"] > 200
    assert measure["faint"] == {}
    assert measure["small"] == []
    assert measure["scripts"] == 1


@pytest.mark.parametrize("size", ["desktop", "phone"])
def test_verdict_in_the_first_screen(seen, size):
    """Without scrolling one reads that it was refused, what that means, and which guarantees broke first."""
    first = seen["refused", size, "light"]["measures"][-1]["first"]
    assert first[:3] == [
        "Refused",
        "4 guarantees broke, 3 critical and 1 medium.",
        "Users can lose data, or callers get access that they have no right to.",
    ]
    assert [line[:3] for line in first[3:6]] == ["UC6", "UC9", "BL4"]
    assert (
        f"All {len(GUARANTEES)} guarantees hold." in seen["passing", size, "light"]["measures"][-1]["first"]
    )


@pytest.mark.parametrize(("size", "most"), [("desktop", 14_000), ("phone", 24_000)])
def test_many_failures_fit(seen, size, most):
    """Forty-five broken guarantees do not make an endless page."""
    assert seen["many", size, "light"]["measures"][-1]["height"] < most


def test_structure(seen):
    """Landmarks are there once, headings skip no level, and everything that can be reached has a name."""
    measure = seen["refused", "desktop", "light"]["measures"][-1]
    assert measure["landmarks"] == ["header", "nav", "main", "footer"]
    assert measure["headings"][0] == 1
    assert measure["headings"].count(1) == 1
    assert all(below <= above + 1 for above, below in pairwise(measure["headings"]))
    assert measure["nameless"] == []


@pytest.mark.parametrize("case", AXE, ids="-".join)
def test_axe_has_nothing_against_it(seen, case):
    """The rules of axe (roles, names, landmarks, contrast, order) find no fault."""
    assert seen["axe", *case]["axe"] == []


def test_pictures_are_drawn(seen):
    """The four assets arrive as pictures that the browser can decode."""
    assert [width > 0 for width in seen["refused", "desktop", "light"]["measures"][-1]["pictures"]] == [
        True
    ] * 4


def test_tab_order(seen):
    """From the top, Tab reaches the sections, the failures and their stories, each with a visible ring."""
    reached = seen["tabs"]["active"]
    assert reached[0]["name"] == "skip"
    hrefs = [it["href"] for it in reached if it["href"]]
    assert (
        hrefs.index("#broken") < hrefs.index("#story-UC6") < hrefs.index("#story-BL4") < hrefs.index("#g-UC6")
    )
    assert [it["id"] for it in reached if it["tag"] == "button"] == ["theme"]
    assert [it for it in reached if not it["outlined"]] == []
    assert len({(it["tag"], it["href"], it["text"]) for it in reached}) > TABS - 8


def test_filters_by_keyboard(seen):
    """Outcome and severity narrow the list together with words; Escape shows everything again."""
    failed, critical, words, nothing, escaped, _ = seen["filter"]["measures"]
    assert failed["entries"] == ["g-UC6", "g-UC9", "g-BL4", "g-MR2"]
    assert failed["output"] == "4 shown"
    assert critical["entries"] == ["g-UC6", "g-UC9", "g-BL4"]
    assert words["entries"] == ["g-UC9"]
    assert (nothing["entries"], nothing["output"]) == ([], "0 shown")
    assert len(escaped["entries"]) == len(GUARANTEES)


def test_links_open_what_they_lead_to(seen):
    """A chip opens its guarantee, even one that a filter hides, and moves the focus there; so does a failure."""
    chip = seen["chip"]["measures"][-1]
    assert chip["opened"] == ["g-UC1"]
    assert (seen["chip"]["active"][-1]["tag"], len(chip["entries"])) == ("summary", len(GUARANTEES))
    assert seen["story"]["active"][-1]["tag"] == "summary"


def test_colours_can_be_chosen(seen):
    """The switch goes from the system's wish to light, to dark and back, and is remembered."""
    light, dark, reloaded, system = seen["theme"]["measures"]
    assert [it["theme"] for it in (light, dark, reloaded, system)] == ["light", "dark", "dark", "system"]
    assert light["page"] == system["page"] != dark["page"] == reloaded["page"]
    assert (light["faint"], dark["faint"]) == ({}, {})


def test_without_scripts(seen):
    """Without scripts everything is there to be read; what needs them is not shown."""
    measure = seen["script off"]["measures"][-1]
    with_script = seen["refused", "desktop", "light"]["measures"][-1]
    assert len(measure["entries"]) == len(GUARANTEES)
    assert (measure["filters"], with_script["filters"]) == (False, True)
    assert measure["first"] == with_script["first"]


def test_on_paper(seen):
    """Paper is light, has no buttons, and closed details are opened for it and closed again."""
    measure = seen["print"]["measures"][-1]
    assert (measure["bar"], measure["filters"], measure["page"]) == (False, False, "rgb(255, 255, 255)")
    assert measure["faint"] == {}
    during, after = seen["paper"]["measures"]
    assert during["closedStories"] == 0 < after["closedStories"]
