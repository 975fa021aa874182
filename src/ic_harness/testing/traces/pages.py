"""Pages in the look of the report: one HTML file that needs nothing else and has no script."""

from __future__ import annotations

from importlib.resources import files

from ic_harness.testing.report.html.document import document
from ic_harness.testing.report.html.markup import Markup, tag


def page(title: str, *content: object) -> str:
    """Write a page with this content."""
    own = files(__package__).joinpath("pages.css").read_text(encoding="utf-8")
    main = tag("main", tag("section", tag("h1", title), content), id="main")
    return document(title, main, styles=[own])


def data_table(caption: str, head: list[str], rows: list[list[object]]) -> Markup:
    """Write a table; a text is set to the left, a number to the right with thousands apart."""
    cells = [tag("th", name, scope="col", class_="n" if number else None) for number, name in enumerate(head)]
    body = [tag("tr", [_cell(value) for value in row]) for row in rows]
    table = tag(
        "table",
        tag("caption", caption, class_="hidden"),
        tag("thead", tag("tr", cells)),
        tag("tbody", body),
        class_="data",
    )
    return tag("div", table, class_="scroll", tabindex=0, role="region", aria_label=caption)


def _cell(value: object) -> Markup:
    if isinstance(value, Markup):
        return tag("td", value)
    if isinstance(value, int):
        return tag("td", f"{value:,}", class_="n")
    return tag("td", value, class_="n")


def meter(share: float | None) -> Markup:
    """Draw a part of a whole as a bar; nothing for None."""
    if share is None:
        return Markup("")
    return tag(
        "svg",
        tag("rect", width="100%", height=8, rx=4, class_="all"),
        tag("rect", width=f"{100 * share:.4g}%", height=8, rx=4, class_="part"),
        class_="meter",
        aria_hidden="true",
    )
