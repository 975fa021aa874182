"""Values out of JSON bodies: each reader checks type and bounds, and names the field in its `ApiError` (HTTP 400)."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping
from typing import Any, Final

from ic_harness.pocket_ic.api_error import ApiError
from ic_harness.principal import Principal
from ic_harness.text import brief, parse_json

MAX_PRINCIPAL: Final = 29
U64: Final = (1 << 64) - 1
U128: Final = (1 << 128) - 1


def parse_body(body: bytes) -> Any:
    """Parse a JSON body; an empty one is None. Raises `ApiError`."""
    if not body:
        return None
    try:
        return parse_json(body)
    except ValueError as problem:
        raise ApiError(f"Failed to parse the request body as JSON: {problem}") from None


def record(value: Any, what: str = "the request body") -> Mapping[str, Any]:
    """A JSON object. Raises `ApiError`."""
    if not isinstance(value, dict):
        raise ApiError(f"{what} must be a JSON object, not {brief(value)}")
    return value


def items(value: Any, what: str) -> list[Any]:
    """A JSON array; null is an empty one. Raises `ApiError`."""
    if value is None:
        return []
    if not isinstance(value, list):
        raise ApiError(f"{what} must be a JSON array, not {brief(value)}")
    return value


def blob(fields: Mapping[str, Any], name: str) -> bytes:
    """Bytes as base64, with or without padding, or as an array of numbers. Raises `ApiError`."""
    value = fields.get(name)
    if isinstance(value, list) and all(type(byte) is int and 0 <= byte <= 255 for byte in value):
        return bytes(value)
    if not isinstance(value, str):
        raise ApiError(f"`{name}` must be bytes in base64, not {brief(value)}")
    try:
        return base64.b64decode(value + "=" * (-len(value) % 4), validate=True)
    except (binascii.Error, ValueError) as problem:
        raise ApiError(f"`{name}` must be bytes in base64: {problem}") from None


def principal(fields: Mapping[str, Any], name: str) -> bytes:
    """The bytes of a principal, of which there are at most 29. Raises `ApiError`."""
    raw = blob(fields, name)
    if len(raw) > MAX_PRINCIPAL:
        raise ApiError(f"`{name}` has {len(raw)} bytes, a principal has at most {MAX_PRINCIPAL}")
    return raw


def natural(fields: Mapping[str, Any], name: str, most: int = U64) -> int:
    """A whole number of 0 to `most`. Raises `ApiError`."""
    value = fields.get(name)
    if type(value) is not int or not 0 <= value <= most:
        raise ApiError(f"`{name}` must be a whole number of 0 to {most}, not {brief(value)}")
    return value


def optional_natural(fields: Mapping[str, Any], name: str, most: int = U64) -> int | None:
    """The same, or None where the field is missing or null. Raises `ApiError`."""
    return None if fields.get(name) is None else natural(fields, name, most)


def optional_flag(fields: Mapping[str, Any], name: str) -> bool:
    """True or false, which is the same as a missing field or null. Raises `ApiError`."""
    value = fields.get(name)
    if value is not None and type(value) is not bool:
        raise ApiError(f"`{name}` must be true or false, not {brief(value)}")
    return bool(value)


def text(fields: Mapping[str, Any], name: str) -> str:
    """A string. Raises `ApiError`."""
    value = fields.get(name)
    if not isinstance(value, str):
        raise ApiError(f"`{name}` must be a string, not {brief(value)}")
    return value


def to_base64(raw: bytes) -> str:
    """Bytes in the form in which answers hold them."""
    return base64.b64encode(raw).decode("ascii")


def principal_text(raw: bytes) -> str:
    """The textual form of a principal."""
    return Principal(raw).to_text()
