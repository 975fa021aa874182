"""The settings with which a canister of a `dfx.json` is created: `initialization_values`, and `specified_id`.

After dfx's sources (`config/model/dfinity.rs`): numbers may be texts; sizes are bytes, or texts such as `2 GiB` or
`4KB`; times are seconds, or texts such as `15days 2min`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any, Final

from ic_harness.errors import InputError, PrincipalError
from ic_harness.principal import Principal
from ic_harness.suggestions import suggest
from ic_harness.text import brief

_MAX_TEXT: Final = 100
_SIZE: Final = re.compile(r"([0-9]+)\s*(?:([kmgt])(i?))?b?", re.IGNORECASE)
_POWERS: Final = {"k": 1, "m": 2, "g": 3, "t": 4}
_SPAN: Final = re.compile(r"\s*([0-9]+)\s*([a-z]+)", re.IGNORECASE)
_MINUTE, _HOUR, _DAY = 60, 3_600, 86_400
_SPANS: Final = {
    **dict.fromkeys(("s", "sec", "secs", "second", "seconds"), 1),
    **dict.fromkeys(("m", "min", "mins", "minute", "minutes"), _MINUTE),
    **dict.fromkeys(("h", "hr", "hrs", "hour", "hours"), _HOUR),
    **dict.fromkeys(("d", "day", "days"), _DAY),
    **dict.fromkeys(("w", "week", "weeks"), 7 * _DAY),
}


def initial_settings(values: Mapping[str, Any], what: str) -> dict[str, Any]:
    """Return `initialization_values` as the management canister takes them; `what` names them in errors.

    Raises `InputError` for an unknown name, and for a value that does not fit.
    """
    settings: dict[str, Any] = {}
    for name, value in values.items():
        if name not in _READERS:
            raise InputError(f"{what} has no value {name!r}; {suggest(name, _READERS)}")
        if value is not None:
            settings[name] = _READERS[name](value, f"{what}: {name}")
    return settings


def specified_id(value: object, what: str) -> Principal | None:
    """Return the id of `specified_id`; None without one. Raises `InputError`."""
    if value is None:
        return None
    try:
        return Principal.from_text(str(value))
    except PrincipalError as error:
        raise InputError(f"{what} is no canister id: {error}") from error


def _number(value: object, what: str) -> int:
    if isinstance(value, int) and not isinstance(value, bool) and value >= 0:
        return value
    text = value.replace("_", "") if isinstance(value, str) else ""
    if not (text.isascii() and text.isdecimal()) or len(text) > _MAX_TEXT:
        raise InputError(f"{what} must be a number, not {brief(value)}")
    return int(text)


def _size(value: object, what: str) -> int:
    if not isinstance(value, str):
        return _number(value, what)
    found = _SIZE.fullmatch(value.strip().replace("_", "")) if len(value) <= _MAX_TEXT else None
    if found is None:
        raise InputError(f"{what} must be a number of bytes, or a text such as '2 GiB', not {brief(value)}")
    unit = (1024 if found[3] else 1000) ** _POWERS[found[2].lower()] if found[2] else 1
    return int(found[1]) * unit


def _seconds(value: object, what: str) -> int:
    if not isinstance(value, str) or value.strip().isdecimal():
        return _number(value, what)
    total = at = 0
    text = value.strip()
    while at < len(text) <= _MAX_TEXT:
        found = _SPAN.match(text, at)
        if found is None or found[2].lower() not in _SPANS:
            break
        total += int(found[1]) * _SPANS[found[2].lower()]
        at = found.end()
    if not text or at < len(text):
        raise InputError(
            f"{what} must be a number of seconds, or a text such as '30 days', not {brief(value)}"
        )
    return total


def _visibility(value: object, what: str) -> dict[str, Any]:
    if value in ("controllers", "public"):
        return {str(value): None}
    viewers = value.get("allowed_viewers") if isinstance(value, dict) and len(value) == 1 else None
    if isinstance(viewers, list):
        return {
            "allowed_viewers": [it for viewer in viewers if (it := specified_id(viewer, what)) is not None]
        }
    raise InputError(f"{what} must be controllers, public or allowed_viewers with a list, not {brief(value)}")


_READERS: Final[dict[str, Callable[[object, str], Any]]] = {
    "compute_allocation": _number,
    "freezing_threshold": _seconds,
    "log_visibility": _visibility,
    "memory_allocation": _size,
    "reserved_cycles_limit": _number,
    "wasm_memory_limit": _size,
    "wasm_memory_threshold": _size,
}
