"""The figures of a workload at all sizes with their laws, and the table of them for the terminal."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from ic_harness.errors import HarnessError, InputError
from ic_harness.lazy_dataclass import dataclass
from ic_harness.testing.measured import GrowthFigures, GrowthResult
from ic_harness.text import brief, one_line

from .laws import Fit, Law, fit_law

INSTRUCTIONS, ARGUMENT, REPLY, HEAP, STABLE = "instructions", "argument", "reply", "heap", "stable memory"
LIMITS: Final = {ARGUMENT: 2 << 20, REPLY: 2 << 20, HEAP: 4 << 30, STABLE: 500 << 30}
"""Bytes. Instructions have the limit of their message."""
UNITS: Final = {
    INSTRUCTIONS: "instructions",
    ARGUMENT: "bytes",
    REPLY: "bytes",
    HEAP: "bytes",
    STABLE: "bytes",
}


LEAST_SIZES: Final = 5
"""With fewer sizes laws cannot be told apart."""


class GrowthError(HarnessError):
    """A workload did not do the same at all sizes, or its growth was asked for by a name that it does not have."""


@dataclass(frozen=True, slots=True)
class Series:
    """One figure at all sizes, such as the instructions of the most expensive message of a method.

    `subject` is `canister.method`, for memories `canister`. `limit` is what the Internet Computer allows.
    """

    subject: str
    what: str
    sizes: tuple[int, ...]
    figures: tuple[int, ...]
    limit: int
    fit: Fit

    @property
    def law(self) -> Law:
        """The law by which it grows."""
        return self.fit.law

    @property
    def meets_limit(self) -> int | None:
        """The largest size within the limit, as the law foretells; None where it never leaves it."""
        return self.fit.size_at(self.limit)


@dataclass(frozen=True, slots=True)
class Growth:
    """How each figure of a workload grows."""

    title: str
    series: tuple[Series, ...]

    def of(self, subject: str, what: str = INSTRUCTIONS) -> Series:
        """Return a series by `canister.method`, or by the method where one canister has it.

        Raises `GrowthError` where there is none, or several.
        """
        found = [it for it in self.series if it.what == what]
        chosen = [it for it in found if it.subject == subject or it.subject.rpartition(".")[2] == subject]
        if len(chosen) != 1:
            known = ", ".join(it.subject for it in found)
            raise GrowthError(
                f"{len(chosen)} series of {what} are named {brief(subject)}; there are: {known}"
            )
        return chosen[0]

    def __getitem__(self, subject: str) -> Series:
        return self.of(subject)

    def __str__(self) -> str:
        return "\n".join(growth_lines([self]))


def growth_result(growth: Growth, most: int) -> GrowthResult:
    """Return a growth as the report has it, with at most so many figures."""
    return GrowthResult(
        title=one_line(growth.title, 200),
        series=tuple(
            GrowthFigures(
                subject=one_line(it.subject, 120),
                what=it.what,
                sizes=it.sizes,
                figures=it.figures,
                limit=it.limit,
            )
            for it in growth.series[:most]
        ),
        left_out=max(0, len(growth.series) - most),
    )


def growth_of(result: GrowthResult) -> Growth:
    """Return the growth of a result; its laws are found again. Raises `InputError` for figures that have no law."""
    for it in result.series:
        ascending = all(a < b for a, b in zip(it.sizes, it.sizes[1:], strict=False))
        if (
            len(it.sizes) != len(it.figures)
            or len(it.sizes) < LEAST_SIZES
            or it.sizes[0] < 1
            or not ascending
        ):
            raise InputError(
                f"the growth of {brief(it.subject)} has {brief(it.figures)} at sizes {brief(it.sizes)}"
            )
        if it.what not in UNITS or it.limit < 1 or min(it.figures) < 0:
            raise InputError(f"the growth of {brief(it.subject)} is of {brief(it.what)} up to {it.limit}")
    series = (
        Series(it.subject, it.what, it.sizes, it.figures, it.limit, fit_law(it.sizes, it.figures))
        for it in result.series
    )
    return Growth(result.title, tuple(series))


def growth_lines(found: Iterable[Growth]) -> list[str]:
    """Return the lines of a table: law, error, the figure at the largest size, and the size that meets the limit."""
    lines: list[str] = []
    for growth in found:
        rows = [("subject", "grows by", "error", "largest", "limit met at n =")]
        rows += [_row(it) for it in growth.series]
        widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
        if growth.title:
            lines.append(one_line(growth.title, 120))
        lines += [
            "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
            for row in rows
        ]
    return lines


def _row(series: Series) -> tuple[str, str, str, str, str]:
    what = "" if series.what == INSTRUCTIONS else f" {series.what}"
    return (
        f"{one_line(series.subject, 80)}{what}",
        law_words(series),
        f"{100 * max(series.fit.error, series.fit.foretold):.1f} %",
        f"{series.figures[-1]:,} {UNITS[series.what]} at {series.sizes[-1]:,}",
        limit_words(series),
    )


def law_words(series: Series) -> str:
    """Return the law, with a mark where another one fits nearly as well or none fits closely."""
    if series.fit.certain or series.law is Law.CONSTANT:
        return str(series.law)
    rival = f" or {series.fit.rival}" if series.fit.rival is not None else ""
    return f"{series.law}{rival}, not certain"


def limit_words(series: Series) -> str:
    """Return the size at which the limit is met, rounded to two digits: more would promise too much."""
    size = series.meets_limit
    if size is None:
        return "never"
    digits = max(0, len(str(size)) - 2)
    return f"{size // 10**digits * 10**digits:,}"
