"""The page as text: self-contained, whole without scripts, deaf to injected markup, readable in light and dark."""

from __future__ import annotations

import base64
import dataclasses
import hashlib
import re
from html.parser import HTMLParser
from importlib.resources import files

import pytest

from ic_capsule.suite.guarantees import GUARANTEES
from ic_harness.testing.report import to_html
from ic_harness.testing.report.html.markup import Markup, join, tag
from ic_harness.testing.results import MethodCost, Outcome, StageResult
from ic_harness.text import one_line

from . import samples

NAMES = ["refused", "passing", "could_not_run", "hostile"]
VOID = {"meta", "img", "input", "wbr"}
CSS = files("ic_harness.testing.report.html").joinpath("report.css").read_text(encoding="utf-8")


class Page(HTMLParser):
    """A strict reading of a page: elements with attributes, and that each is closed in order."""

    def __init__(self, html):
        super().__init__()
        self.elements: list[tuple[str, dict]] = []
        self.open: list[str] = []
        self.text: list[str] = []
        self.feed(html)
        self.close()
        assert self.open == []

    def handle_starttag(self, name, attributes):
        assert len(dict(attributes)) == len(attributes), (name, attributes)
        self.elements.append((name, dict(attributes)))
        if name not in VOID:
            self.open.append(name)

    def handle_endtag(self, name):
        assert self.open.pop() == name

    def handle_data(self, data):
        self.text.append(data)

    def values(self, attribute):
        return [attributes[attribute] for _, attributes in self.elements if attribute in attributes]


@pytest.fixture(scope="module", params=NAMES)
def html(request):
    """The page of each sample."""
    return to_html(getattr(samples, request.param)())


def test_ids_are_one_and_links_lead_to_them(html):
    """No id occurs twice, and every link of the page leads to an element of the page."""
    page = Page(html)
    ids = page.values("id")
    assert len(ids) == len(set(ids))
    assert {link for link in page.values("href") if not link.startswith("#")} == set()
    assert {link.removeprefix("#") for link in page.values("href")} <= set(ids)
    assert {name for names in page.values("aria-labelledby") for name in names.split()} <= set(ids)


def test_nothing_is_fetched(html):
    """Pictures are inline; no style, script or attribute names another place; no element could load one."""
    page = Page(html)
    assert all(source.startswith("data:image/") for source in page.values("src"))
    assert {name for name, _ in page.elements} & {
        "link",
        "iframe",
        "object",
        "embed",
        "base",
        "foreignobject",
    } == set()
    assert "url(" not in CSS
    assert "@import" not in CSS
    assert [
        key for _, attributes in page.elements for key in attributes if key.startswith("on") or key == "style"
    ] == []


def test_policy_allows_only_what_is_in_the_page(html):
    """The content security policy names the digests of the style and the script, and allows nothing else."""
    policy = next(
        a["content"] for n, a in Page(html).elements if a.get("http-equiv") == "Content-Security-Policy"
    )
    for kind in ("style", "script"):
        inside = re.findall(rf"<{kind}>(.*?)</{kind}>", html, re.DOTALL)
        assert len(inside) == 1
        digest = base64.b64encode(hashlib.sha256(inside[0].encode()).digest()).decode()
        assert f"{kind}-src 'sha256-{digest}'" in policy
    assert policy.startswith("default-src 'none'; img-src data:;")


def test_same_report_same_page(html):
    """The page depends on the report alone."""
    assert html in [to_html(getattr(samples, name)()) for name in NAMES]


def test_enemy_makes_no_element():
    """An enemy's report has the elements of a harmless one, and its texts are there to be read."""
    page, harmless = Page(to_html(samples.hostile())), Page(to_html(samples.hostile("harmless")))
    tags = [[name for name, _ in it.elements if name != "wbr"] for it in (page, harmless)]
    keys = [
        sorted({(name, key) for name, attributes in it.elements for key in attributes})
        for it in (page, harmless)
    ]
    assert tags[0].count("script") == tags[0].count("style") == 1
    assert tags[0] == tags[1]
    assert keys[0] == keys[1]
    assert one_line(samples.ENEMY) in [" ".join(text.split()) for text in page.text]


def test_pictures_of_enemies_are_not_shown():
    """What is no picture type of pixels is named instead of shown."""
    page = Page(to_html(samples.hostile()))
    assert [source.partition(",")[0] for source in page.values("src")] == ["data:image/png;base64"]
    assert any("No picture to show" in text for text in page.text)


def test_every_guarantee_is_there():
    """Each guarantee is in the matrix and in the list, with its outcome in words beside the colour."""
    page = Page(to_html(samples.refused()))
    chips = [a["href"] for n, a in page.elements if n == "a" and "chip" in a.get("class", "")]
    assert chips != []
    assert set(chips) == {f"#g-{id_}" for id_ in GUARANTEES}
    shown = {a["id"]: a["data-outcome"] for n, a in page.elements if "data-outcome" in a}
    assert shown["g-UC6"] == "failed"
    assert shown["g-HT1"] == "not_applicable"
    assert len(shown) == len(GUARANTEES)


def test_verdict_comes_first():
    """Title, first heading and first links say what happened and which guarantee broke first."""
    html = to_html(samples.refused())
    assert "<title>Refused: backend.wasm.gz · ic-harness</title>" in html
    before_the_rest = html[html.index("<main") : html.index('id="broken"')]
    assert before_the_rest.index("Refused") < before_the_rest.index("UC6") < before_the_rest.index("BL4")
    assert "Users can lose data" in before_the_rest
    assert "Anybody who counts upwards from blob_1 downloads every photo of every user." in before_the_rest


def test_sections_without_content_are_left_out():
    """A run without a gate, timelines or pictures has no empty chapters."""
    ids = set(Page(to_html(samples.could_not_run())).values("id"))
    assert ids & {"broken", "stages", "timelines", "instructions", "pictures"} == set()


def test_columns_without_figures_are_left_out():
    """Without budgets, baseline and cycles the table of instructions has no empty columns and one scale."""
    bare = tuple(MethodCost(method=f"m{n}", calls=1, median=n, dearest=n, cycles=0) for n in (5, 50))
    html = to_html(dataclasses.replace(samples.passing(), costs=bare))
    table = html[html.index('class="data costs"') :]
    heads = re.findall(r'<th scope="col"[^>]*>([^<]*)', table[: table.index("</thead>")])
    assert heads == ["Method", "Instructions", "Calls", "Median", "Max"]
    assert "all bars have one scale" in html
    assert "each bar has its own scale" in to_html(samples.passing())


def test_markup_escapes():
    """Children and attributes are escaped, markup is not escaped twice, absent values leave nothing behind."""
    assert tag("p", "<b>&", class_='"x"') == '<p class="&quot;x&quot;">&lt;b&gt;&amp;</p>'
    assert tag("p", Markup("<i>x</i>"), [tag("b", 1), None]) == "<p><i>x</i><b>1</b></p>"
    assert tag("input", hidden=True, open=False, value=None, data_x=1.5) == '<input hidden data-x="1.5">'
    assert join("a", 2, Markup("<br>")) == "a2<br>"


def _tokens(block):
    return dict(re.findall(r"--([\w-]+): (#[0-9a-f]{3,6});", block))


LIGHT = _tokens(CSS[CSS.index(":root {") : CSS.index("@media screen and (prefers")])
DARK_BY_SYSTEM = _tokens(CSS[CSS.index("@media screen and (prefers") : CSS.index(':root[data-theme="dark"]')])
DARK_BY_SWITCH = _tokens(CSS[CSS.index(':root[data-theme="dark"]') : CSS.index("/* The page */")])


def test_both_ways_to_dark_are_the_same():
    """The system's setting and the switch result in the same colours, and dark mode defines all of them."""
    assert DARK_BY_SYSTEM == DARK_BY_SWITCH
    assert set(LIGHT) == set(DARK_BY_SWITCH)


def _luminance(colour):
    parts = [int(colour[index : index + 2], 16) / 255 for index in (1, 3, 5)]
    linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one, other):
    """The contrast ratio of WCAG 2."""
    light, dark = sorted((_luminance(one), _luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


@pytest.mark.parametrize("colours", [LIGHT, DARK_BY_SWITCH], ids=["light", "dark"])
def test_colours_can_be_read(colours):
    """Text has a contrast of 4.5 against its background, bars and edges 3 against the card they are drawn on."""
    grounds = ("page", "card", "sunk")
    pairs = [(text, ground) for text in ("ink", "quiet", "link") for ground in grounds]
    for tone in ("passed", "failed", "accepted", "error", "off"):
        pairs += [(tone, f"{tone}-soft"), (tone, "card"), (tone, "page")]
    pairs += [("on-hue", f"hue-{index}") for index in range(5)]
    assert {
        pair: ratio for pair in pairs if (ratio := contrast(colours[pair[0]], colours[pair[1]])) < 4.5
    } == {}
    fills = [(f"{name}-fill", "card") for name in ("passed", "failed", "error")] + [("hue-edge", "card")]
    assert {
        pair: ratio for pair in fills if (ratio := contrast(colours[pair[0]], colours[pair[1]])) < 3
    } == {}


def test_long_lists_fold():
    """Of many broken guarantees each card is folded to a line; of a few all are open."""
    for report, folded in ((samples.many(), True), (samples.refused(), False)):
        page = to_html(report)
        cards = re.findall(r'<article class="card.*?</summary>', page, re.DOTALL)
        assert len(cards) == len(re.findall(r'<article class="card', page)) > 0
        assert all(("<details open>" not in card) == folded for card in cards)


def test_a_card_says_what_to_do():
    """Violations apart, the repair with its place, a folded backtrace, and code to paste."""
    page = to_html(samples.refused())
    card = page[page.index('id="story-UC6"') : page.index('id="story-UC9"')]
    assert card.count('class="what"') == 2
    assert "How to fix it: " in card
    assert f"<code>{GUARANTEES['UC6'].pattern[0]}</code>" in card
    assert re.search(r"<details><summary>Backtrace</summary><pre[^>]*>Canister Backtrace:\n", card)
    assert (
        "with scene(&#x27;backend.wasm.gz&#x27;) as stage:" in card
        or "with scene('backend.wasm.gz') as stage:" in card
    )
    assert "After that the check could not go on: uploads_finish: NotFound" in card


def test_stages_fold_what_is_long():
    """Of many findings of a stage the first are shown, the others folded; so is the backtrace of each."""
    model = (
        "it traps: unreachable\nCanister Backtrace:\nf",
        *(f"finding {number}" for number in range(40)),
    )
    stage = StageResult(name="Upgrade", outcome=Outcome.FAILED, findings=model)
    page = to_html(dataclasses.replace(samples.passing(), stages=(stage,)))
    part = page[page.index('class="stages"') :]
    assert "<li>it traps: unreachable<details><summary>Backtrace</summary><pre" in part
    assert (
        part.index("finding 4<")
        < part.index("<summary>and 35 more findings</summary>")
        < part.index("finding 5<")
    )
