"""What notebooks and terminals show of an object: a title, facts, and a table; as text and as HTML.

IPython asks an object for `_repr_html_` (notebooks) and `_repr_pretty_` (terminals). All texts of a `Display` may come
from outside: they are cleaned here, and escaped for HTML.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any, Final, Protocol

from ic_harness.lazy_dataclass import dataclass
from ic_harness.text import clean, one_line

MAX_ROWS: Final = 200
"""Rows of a table that are shown; further ones are counted."""
_MAX_CELL: Final = 300
_CELL: Final = "text-align:left;vertical-align:top;font-family:monospace;white-space:pre-wrap"


@dataclass(frozen=True, slots=True, kw_only=True)
class Display:
    """What is shown of an object: `facts` are names with values, `rows` a table below `columns`."""

    title: str
    facts: tuple[tuple[str, str], ...] = ()
    columns: tuple[str, ...] = ()
    rows: tuple[tuple[str, ...], ...] = ()

    @property
    def _cells(self) -> list[tuple[str, ...]]:
        return [tuple(one_line(cell, _MAX_CELL) for cell in row) for row in self.rows[:MAX_ROWS]]

    @property
    def _more(self) -> str:
        left = len(self.rows) - MAX_ROWS
        return f"… {left} more" if left > 0 else ""

    def text(self) -> str:
        """Return lines for a terminal."""
        width = max((len(name) for name, _ in self.facts), default=0)
        facts = [f"  {name:<{width}}  {one_line(value, _MAX_CELL)}" for name, value in self.facts]
        shown = [self.columns, *self._cells] if self.rows else []
        widths = [max(map(len, column)) for column in zip(*shown, strict=True)]
        rows = ["  " + "  ".join(map(str.ljust, row, widths)).rstrip() for row in shown]
        return "\n".join([one_line(self.title), *facts, *rows, *([f"  {self._more}"] if self._more else [])])

    def html(self) -> str:
        """Return a fragment of HTML."""
        facts = [f"<tr>{_cell('th', name)}{_cell('td', one_line(value))}</tr>" for name, value in self.facts]
        head = f"<tr>{''.join(_cell('th', name) for name in self.columns)}</tr>" if self.rows else ""
        rows = [f"<tr>{''.join(_cell('td', cell) for cell in row)}</tr>" for row in self._cells]
        tables = [f"<table>{''.join(part)}</table>" for part in (facts, [head, *rows]) if any(part)]
        more = f"<div>{self._more}</div>" if self._more else ""
        return f"<div><b>{_escape(one_line(self.title))}</b>{''.join(tables)}{more}</div>"


def _cell(tag: str, text: str) -> str:
    return f'<{tag} style="{_CELL}">{_escape(clean(text))}</{tag}>'


class Printer(Protocol):
    """The printer of IPython, as far as it is used."""

    stack: list[int]

    def text(self, text: str) -> None:
        """Print a text."""


class Displayed(ABC):
    """An object that notebooks and terminals show by its `Display`; inside of other values by its `repr`."""

    def __init_subclass__(cls, **options: Any) -> None:
        super().__init_subclass__(**options)
        # Of `__repr__` and `_repr_pretty_` IPython uses the one that comes first in the order of base classes.
        cls._repr_pretty_ = Displayed._repr_pretty_  # type: ignore[method-assign]

    @abstractmethod
    def _display(self) -> Display:
        """Return what is shown."""

    def _repr_html_(self) -> str:
        return self._display().html()

    def _repr_pretty_(self, printer: Printer, cycle: bool) -> None:  # noqa: FBT001 - IPython's signature
        nested = cycle or len(printer.stack) > 1
        printer.text(repr(self) if nested else self._display().text())


def _escape(text: str) -> str:
    from html import escape  # lazy: notebooks only  # noqa: PLC0415

    return escape(text)
