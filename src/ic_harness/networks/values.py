"""Results of calls as tests use them: records with fields as attributes, and short representations.

Records and variants stay dictionaries, so that they are equal to plain ones, and pytest, JSON and snapshot libraries
handle them as such. A field is an attribute unless `dict` has one of that name: `record["items"]` always works.
"""

from __future__ import annotations

from typing import Any, Final

from ic_harness.suggestions import suggest
from ic_harness.units import human_bytes

_SHOWN_BYTES: Final = 16
_SHOWN_TEXT: Final = 120
_SHOWN_ITEMS: Final = 8


class RecordValue(dict[Any, Any]):
    """A Candid record, or a variant as its one case: a dictionary whose fields are attributes too."""

    __slots__ = ()

    def __getattr__(self, name: str) -> Any:
        try:
            return self[name]
        except KeyError:
            raise AttributeError(f"no field {name!r}; {suggest(name, map(str, self))}") from None

    def __dir__(self) -> list[str]:
        return sorted({*super().__dir__(), *(str(name) for name in self)})

    def __repr__(self) -> str:
        return f"{{{', '.join(f'{name}: {short(value)}' for name, value in self.items())}}}"


def with_fields(value: Any) -> Any:
    """Return a decoded Candid value with every record in it as a `RecordValue`."""
    if isinstance(value, dict):
        return RecordValue((name, with_fields(item)) for name, item in value.items())
    if type(value) is list:
        # Numbers, texts and blobs of a vector need no copy: all elements have one type.
        return [with_fields(item) for item in value] if value and _has_parts(value) else value
    if type(value) is tuple:
        return tuple(with_fields(item) for item in value)
    return value


def _has_parts(values: list[Any]) -> bool:
    return any(isinstance(item, dict | list | tuple) for item in values)


def short(value: Any) -> str:
    """Return a representation of a Candid value that fits a line: long blobs, texts and vectors are cut."""
    match value:
        case bytes() if len(value) > _SHOWN_BYTES:
            return f"<blob of {human_bytes(len(value))}, 0x{value[:_SHOWN_BYTES].hex()}…>"
        case str() if len(value) > _SHOWN_TEXT:
            return f"{value[:_SHOWN_TEXT]!r}… ({len(value)} characters)"
        case list() if len(value) > _SHOWN_ITEMS:
            return f"[{', '.join(map(short, value[:_SHOWN_ITEMS]))}, … ({len(value)} items)]"
        case list():
            return f"[{', '.join(map(short, value))}]"
        case tuple():
            return f"({', '.join(map(short, value))})"
    return repr(value)
