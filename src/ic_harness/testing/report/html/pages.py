"""Pages of their own in the look of the report: one HTML file that needs nothing else and has no script."""

from __future__ import annotations

from ic_harness.testing.report.html.document import document
from ic_harness.testing.report.html.markup import tag


def page(title: str, *content: object) -> str:
    """Write a page with this content."""
    main = tag("main", tag("section", tag("h1", title), content), id="main")
    return document(title, main)
