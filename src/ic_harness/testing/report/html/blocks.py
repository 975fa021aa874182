"""Parts that several sections are made of: tables, bars, folded boxes, and the sentence for what is left out."""

from __future__ import annotations

from ic_harness.testing.report.html.markup import Markup, tag
from ic_harness.testing.report.words import count


def data_table(caption: str, head: list[str], rows: list[list[object]], style: str = "") -> Markup:
    """Write a table; texts are set to the left, numbers (integers) to the right with thousands apart."""
    numbers = [
        bool(rows) and all(isinstance(row[column], int) for row in rows) for column in range(len(head))
    ]
    cells = [
        tag("th", name, scope="col", class_="n" if right else None)
        for name, right in zip(head, numbers, strict=True)
    ]
    body = [tag("tr", [_cell(value) for value in row]) for row in rows]
    table = tag(
        "table",
        tag("caption", caption, class_="hidden"),
        tag("thead", tag("tr", cells)),
        tag("tbody", body),
        class_=f"data {style}".strip(),
    )
    return tag("div", table, class_="scroll", tabindex=0, role="region", aria_label=caption)


def _cell(value: object) -> Markup:
    if isinstance(value, int):
        return tag("td", f"{value:,}", class_="n")
    return tag("td", value)


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


def folded(title: object, *content: object, is_open: bool = False) -> Markup:
    """Write a box that opens."""
    return tag("details", tag("summary", title), content, class_="box", open=is_open)


def left_out(number: int, noun: str, plural: str | None = None) -> Markup | None:
    """Return the sentence for what did not fit; None where everything is there."""
    if number <= 0:
        return None
    verb = "is" if number == 1 else "are"
    many = plural or f"{noun}s"
    return tag("p", f"{count(number, f'more {noun}', f'more {many}')} {verb} left out.", class_="quiet")
