"""A report as JSON and back: `report.json`, as `report.schema.json` beside this module describes it.

The form follows the records of `results.py` field by field: bytes as base64, dates as ISO 8601, outcomes by
their words. Reading is strict, because a report may have crossed machines and versions: what does not fit is
named with its place.
"""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Callable
from dataclasses import MISSING, fields, is_dataclass
from datetime import date
from enum import Enum
from functools import cache
from importlib.resources import files
from types import NoneType, UnionType
from typing import Any, Final, TypeVar, get_args, get_origin, get_type_hints

from ic_harness.errors import InputError
from ic_harness.testing.results import Report
from ic_harness.text import parse_json

T = TypeVar("T")

FORMAT: Final = "ic-harness-report"
VERSION: Final = 1
_OMITTED: Final = frozenset({"catalogue", "measured", "sequences", "suite"})
"""Fields that are left out when they are None, because readers of older reports do not know them."""


def to_json(report: Report) -> str:
    """Write a report as JSON: ASCII, indented, the same text for the same report."""
    document = {"format": FORMAT, "version": VERSION, **_plain(report)}
    return json.dumps(document, indent=1, ensure_ascii=True, allow_nan=False) + "\n"


def from_json(text: str) -> Report:
    """Read a report back. Raises InputError that names the place where the text does not fit."""
    try:
        document = parse_json(text)
    except ValueError as error:
        raise InputError(f"The report is not JSON: {error}.") from error
    if not isinstance(document, dict) or document.pop("format", None) != FORMAT:
        raise InputError(f'This JSON is no report: "format" is not "{FORMAT}".')
    version = document.pop("version", None)
    if version != VERSION:
        raise InputError(f"The report has version {version!r}; this program reads version {VERSION}.")
    report = _record(Report, document, "report")
    assert isinstance(report, Report)
    return report


def record_to_plain(record: Any) -> Any:
    """Return a record of `results` or `measured` as plain values that pytest-xdist can send."""
    return _plain(record)


def record_from_plain(kind: type[T], value: Any) -> T:
    """Read back what `record_to_plain` returned. Raises `InputError` where it does not fit."""
    record: T = _record(kind, value, kind.__name__)
    return record


def schema() -> str:
    """The JSON schema of `report.json` (draft 7), as shipped."""
    return files("ic_harness.testing.report").joinpath("report.schema.json").read_text(encoding="utf-8")


def _plain(value: Any) -> Any:
    if is_dataclass(value):
        values = {field.name: getattr(value, field.name) for field in fields(value)}
        return {
            name: _plain(item) for name, item in values.items() if item is not None or name not in _OMITTED
        }
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, bytes):
        return base64.b64encode(value).decode("ascii")
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, frozenset):
        return sorted(_plain(item) for item in value)
    return [_plain(item) for item in value] if isinstance(value, tuple) else value


def _record(kind: Any, value: Any, place: str) -> Any:
    if not isinstance(value, dict):
        raise _misfit(place, "an object", value)
    hints = _hints(kind)
    unknown = sorted(set(value) - set(hints))
    if unknown:
        raise InputError(f"{place} has a field {unknown[0]!r} that this version does not know.")
    missing = [field.name for field in fields(kind) if field.name not in value and field.default is MISSING]
    if missing:
        raise InputError(f"{place} lacks the field {missing[0]!r}.")
    return kind(**{name: _typed(hints[name], item, f"{place}.{name}") for name, item in value.items()})


@cache
def _hints(kind: Any) -> dict[str, Any]:
    return get_type_hints(kind)


def _typed(kind: Any, value: Any, place: str) -> Any:
    if is_dataclass(kind):
        return _record(kind, value, place)
    origin, arguments = get_origin(kind), get_args(kind)
    if origin is UnionType:
        present = next(item for item in arguments if item is not NoneType)
        return None if value is None else _typed(present, value, place)
    if origin in (tuple, frozenset):
        if not isinstance(value, list):
            raise _misfit(place, "a list", value)
        return origin(_typed(arguments[0], item, f"{place}[{index}]") for index, item in enumerate(value))
    return _scalar(kind, value, place)


def _scalar(kind: Any, value: Any, place: str) -> Any:
    expected, read = _reader(kind)
    if not isinstance(value, expected) or (isinstance(value, bool) and kind is not bool):
        raise _misfit(place, f"a {kind.__name__}", value)
    try:
        return read(value)
    except (ValueError, binascii.Error) as error:
        raise _misfit(place, f"a {kind.__name__}", value) from error


def _reader(kind: Any) -> tuple[type | tuple[type, ...], Callable[[Any], Any]]:
    """Return the JSON type of `kind`, and a function that converts it to `kind`."""
    if kind is bytes:
        return str, lambda text: base64.b64decode(text, validate=True)
    if kind is date:
        return str, date.fromisoformat
    if kind is float:
        return (int, float), float
    return (str, kind) if isinstance(kind, type) and issubclass(kind, Enum) else (kind, kind)


def _misfit(place: str, expected: str, value: Any) -> InputError:
    return InputError(f"{place} should be {expected}, not {json.dumps(value)[:60]}.")
