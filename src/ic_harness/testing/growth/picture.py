"""Growth as a page of its own."""

from __future__ import annotations

from collections.abc import Sequence

from ic_harness.testing.report.html.growth import workload
from ic_harness.testing.report.html.markup import tag
from ic_harness.testing.report.html.pages import page

from .series import Growth


def to_growth_page(found: Sequence[Growth]) -> str:
    """Write the page of these growths."""
    return page("Growth", tag("section", tag("h2", "Workloads"), map(workload, found)))
