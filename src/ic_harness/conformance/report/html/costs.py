"""Instructions per method: a table whose bars stand against the budget and the build before."""

from __future__ import annotations

from ic_harness.conformance.report.charts import bullet, over_budget
from ic_harness.conformance.report.html.icons import icon
from ic_harness.conformance.report.html.markup import Markup, tag
from ic_harness.conformance.report.words import change, number, short
from ic_harness.conformance.results import MethodCost


def costs(methods: tuple[MethodCost, ...]) -> Markup | None:
    """The table, over budget first, then the dearest; None where nothing was measured."""
    if not methods:
        return None
    ordered = sorted(methods, key=lambda it: (not over_budget(it), -it.median, it.method))
    names = ("Method", "Calls", "Median", "Dearest", "Since baseline", "Budget", "Cycles")
    head = [tag("th", name, scope="col") for name in names]
    head.insert(1, tag("th", "Instructions", scope="col", class_="wide"))
    table = tag(
        "table",
        tag("caption", "Instructions and cycles by method", class_="hidden"),
        tag("thead", tag("tr", head)),
        tag("tbody", [_row(method) for method in ordered]),
        class_="data costs",
    )
    box = tag("div", table, class_="scroll", tabindex=0, role="region", aria_label="Instructions by method")
    return tag("div", _key(), box)


def _row(cost: MethodCost) -> Markup:
    against = "" if cost.baseline is None else change(cost.median, cost.baseline)
    return tag(
        "tr",
        tag("th", tag("code", _breakable(cost.method)), scope="row"),
        tag("td", _bullet(cost), class_="wide"),
        tag("td", number(cost.calls), class_="n"),
        tag("td", number(cost.median), class_="n"),
        tag("td", number(cost.dearest), class_="n"),
        tag("td", against, class_="n"),
        tag("td", _budget(cost), class_="n"),
        tag("td", short(cost.cycles), class_="n"),
    )


def _breakable(method: str) -> list[object]:
    """A name that may be broken after its underscores, and nowhere else."""
    first, *rest = method.split("_")
    return [first, *(item for part in rest for item in ("_", tag("wbr"), part))]


def _budget(cost: MethodCost) -> object:
    if cost.budget is None:
        return ""
    if not over_budget(cost):
        return short(cost.budget)
    excess = change(cost.median, cost.budget)
    return tag("span", icon("failed"), f"{short(cost.budget)}, {excess} over", class_="o-failed over")


def _bullet(cost: MethodCost) -> Markup:
    """Thin line to the dearest call, thick bar of the median, dashed mark of the baseline, solid one of the budget."""
    places = bullet(cost)
    style = "fill-over" if places.over else "fill-ok"
    parts = [
        tag("rect", y=10, height=4, width=f"{places.dearest:.4g}%", rx=2, class_="fill-dearest"),
        tag("rect", y=6, height=12, width=f"{places.median:.4g}%", rx=2, class_=style),
        _mark(places.baseline, "mark-baseline"),
        _mark(places.budget, "mark-budget"),
    ]
    return tag("svg", parts, class_="bullet", width="100%", height=24, aria_hidden="true")


def _mark(place: float | None, style: str) -> Markup | None:
    if place is None:
        return None
    return tag("line", x1=f"{place:.4g}%", x2=f"{place:.4g}%", y1=1, y2=23, class_=style)


def _key() -> Markup:
    """What the bars mean. Each has its own scale: methods differ by a factor of thousands."""
    keys = [
        ("fill-ok", "median call"),
        ("fill-dearest", "dearest call"),
        ("mark-baseline", "baseline"),
        ("mark-budget", "budget"),
    ]
    items = [
        tag("li", tag("svg", _sample(style), width=20, height=14, aria_hidden="true"), words)
        for style, words in keys
    ]
    note = tag("li", "each bar has its own scale", class_="quiet")
    return tag("ul", items, note, class_="legend")


def _sample(style: str) -> Markup:
    if style.startswith("mark"):
        return tag("line", x1=10, x2=10, y1=0, y2=14, class_=style)
    height = 12 if style == "fill-ok" else 4
    return tag("rect", y=(14 - height) / 2, width=20, height=height, rx=2, class_=style)
