"""Instructions per method: a table with bars beside the budget and the previous build."""

from __future__ import annotations

from collections.abc import Callable

from ic_harness.testing.report.charts import bullet, largest, over_budget
from ic_harness.testing.report.html.icons import icon
from ic_harness.testing.report.html.markup import Markup, tag
from ic_harness.testing.report.words import change, number, short
from ic_harness.testing.results import MethodCost


def costs(methods: tuple[MethodCost, ...]) -> Markup | None:
    """Return the table: over budget first, then by cost; None where nothing was measured."""
    if not methods:
        return None
    ordered = sorted(methods, key=lambda it: (not over_budget(it), -it.median, it.method))
    columns = _columns(ordered)
    most = None if _compared(ordered) else max(map(largest, ordered))
    head = [
        tag("th", name, scope="col", class_="wide" if name == "Instructions" else None) for name in columns
    ]
    rows = [tag("tr", [cell(method, most) for cell in columns.values()]) for method in ordered]
    table = tag(
        "table",
        tag("caption", "Instructions and cycles by method", class_="hidden"),
        tag("thead", tag("tr", head)),
        tag("tbody", rows),
        class_="data costs",
    )
    box = tag("div", table, class_="scroll", tabindex=0, role="region", aria_label="Instructions by method")
    return tag("div", _key(compared=_compared(ordered)), box)


Cell = Callable[[MethodCost, int | None], Markup]


def _columns(methods: list[MethodCost]) -> dict[str, Cell]:
    """Return the columns of the table; those without a figure are left out."""
    columns: dict[str, Cell] = {
        "Method": lambda it, _: tag("th", tag("code", _breakable(it.method)), scope="row"),
        "Instructions": lambda it, most: tag("td", _bullet(it, most), class_="wide"),
        "Calls": lambda it, _: _figure(number(it.calls)),
        "Median": lambda it, _: _figure(number(it.median)),
        "Max": lambda it, _: _figure(number(it.dearest)),
    }
    if any(it.baseline is not None for it in methods):
        columns["Against baseline"] = lambda it, _: _figure(_against(it))
    if any(it.budget is not None for it in methods):
        columns["Budget"] = lambda it, _: _figure(_budget(it))
    if any(it.cycles for it in methods):
        columns["Cycles"] = lambda it, _: _figure(short(it.cycles))
    return columns


def _compared(methods: list[MethodCost]) -> bool:
    """Whether there are budgets or a baseline: then each bar has its own scale beside them."""
    return any(it.baseline is not None or it.budget is not None for it in methods)


def _figure(value: object) -> Markup:
    return tag("td", value, class_="n")


def _against(cost: MethodCost) -> str:
    return "" if cost.baseline is None else change(cost.median, cost.baseline)


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


def _bullet(cost: MethodCost, most: int | None) -> Markup:
    """Draw the maximum as a thin line, the median as a thick bar, the baseline dashed, and the budget solid."""
    places = bullet(cost, most)
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


def _key(*, compared: bool) -> Markup:
    """Return the legend. With budgets each bar has its own scale: methods differ by a factor of thousands."""
    keys = [("fill-ok", "median call"), ("fill-dearest", "most expensive call")]
    if compared:
        keys += [("mark-baseline", "baseline"), ("mark-budget", "budget")]
    items = [
        tag("li", tag("svg", _sample(style), width=20, height=14, aria_hidden="true"), words)
        for style, words in keys
    ]
    scale = "each bar has its own scale" if compared else "all bars have one scale"
    return tag("ul", items, tag("li", scale, class_="quiet"), class_="legend")


def _sample(style: str) -> Markup:
    if style.startswith("mark"):
        return tag("line", x1=10, x2=10, y1=0, y2=14, class_=style)
    height = 12 if style == "fill-ok" else 4
    return tag("rect", y=(14 - height) / 2, width=20, height=height, rx=2, class_=style)
