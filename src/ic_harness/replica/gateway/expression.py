"""The expressions in which canisters say what they certify about an answer.

HTTP gateway protocol, "Certificate expression": `default_certification(ValidationArgs{…})` with one of
`no_certification` and `certification`. Only this form is read; anything else is refused.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, Final

from ic_harness.errors import CertificateError
from ic_harness.lazy_dataclass import dataclass

_TOKEN: Final = re.compile(r'\s*(?:"([^"\\]*)"|([A-Za-z_]\w*)|([(){}\[\],:]))')
_CLOSING: Final = {"(": ")", "{": "}", "[": "]"}
_MAX_DEPTH: Final = 12


@dataclass(frozen=True, slots=True)
class Certification:
    """What is certified.

    `request` None: nothing of the request; otherwise its headers and query parameters of these names.
    `headers`: response headers that are certified, or with `excluding` those that are not.
    """

    request: tuple[tuple[str, ...], tuple[str, ...]] | None
    headers: tuple[str, ...]
    excluding: bool


def parse_expression(text: str) -> Certification | None:
    """Read an expression; None means no certification. Raises `CertificateError`."""
    tokens = [*_tokens(text)]
    value, end = _value(tokens, 0, 0)
    if end != len(tokens):
        raise CertificateError("the certificate expression goes on after its end")
    match value:
        case ("default_certification", [("ValidationArgs", {"no_certification": ("Empty", {})})]):
            return None
        case (
            "default_certification",
            [("ValidationArgs", {"certification": ("Certification", dict(fields))})],
        ):
            return _certification(fields)
    raise CertificateError(f"the certificate expression is none that is known: {text[:200]!r}")


def _certification(fields: dict[str, Any]) -> Certification:
    headers, excluding = _response(fields.get("response_certification"))
    match fields:
        case {"no_request_certification": ("Empty", {})}:
            return Certification(None, headers, excluding)
        case {"request_certification": ("RequestCertification", dict(wanted))}:
            names = _names(wanted.get("certified_request_headers", []))
            parameters = _names(wanted.get("certified_query_parameters", []))
            return Certification((names, parameters), headers, excluding)
    raise CertificateError("the certificate expression does not say what it certifies of the request")


def _response(value: Any) -> tuple[tuple[str, ...], bool]:
    match value:
        case (
            "ResponseCertification",
            {"certified_response_headers": ("ResponseHeaderList", {"headers": names})},
        ):
            return _names(names), False
        case (
            "ResponseCertification",
            {"response_header_exclusions": ("ResponseHeaderList", {"headers": names})},
        ):
            return _names(names), True
    raise CertificateError("the certificate expression does not say what it certifies of the response")


def _names(values: Any) -> tuple[str, ...]:
    if not isinstance(values, list) or not all(isinstance(value, str) for value in values):
        raise CertificateError("the certificate expression has something other than names in a list")
    return tuple(value.lower() for value in values)


def _tokens(text: str) -> Iterator[tuple[str, str]]:
    position = 0
    text = text.rstrip()
    while position < len(text):
        match = _TOKEN.match(text, position)
        if match is None:
            raise CertificateError(f"the certificate expression cannot be read at character {position}")
        string, name, mark = match.groups()
        yield ("string", string) if string is not None else ("name", name) if name else ("mark", mark)
        position = match.end()


def _value(tokens: list[tuple[str, str]], at: int, depth: int) -> tuple[Any, int]:
    """Read a string, a list, a call `f(…)` as (name, list) or a record `R{…}` as (name, dict)."""
    if depth > _MAX_DEPTH:
        raise CertificateError("the certificate expression is nested too deeply")
    kind, text = _token(tokens, at)
    if kind == "string":
        return text, at + 1
    if (kind, text) == ("mark", "["):
        return _items(tokens, at, depth)
    if kind != "name":
        raise CertificateError(f"the certificate expression has {text!r} where a value belongs")
    _, mark = _token(tokens, at + 1)
    if mark == "(":
        values, end = _items(tokens, at + 1, depth)
        return (text, values), end
    if mark != "{":
        raise CertificateError(f"the certificate expression has {mark!r} after {text!r}")
    return _record(text, tokens, at + 2, depth)


def _record(name: str, tokens: list[tuple[str, str]], at: int, depth: int) -> tuple[Any, int]:
    fields: dict[str, Any] = {}
    while _token(tokens, at) != ("mark", "}"):
        _, field = _token(tokens, at)
        if _token(tokens, at + 1) != ("mark", ":"):
            raise CertificateError(f"the certificate expression has no value for {field!r}")
        fields[field], at = _value(tokens, at + 2, depth + 1)
        if _token(tokens, at) == ("mark", ","):
            at += 1
    return (name, fields), at + 1


def _items(tokens: list[tuple[str, str]], at: int, depth: int) -> tuple[list[Any], int]:
    closing = _CLOSING[_token(tokens, at)[1]]
    items: list[Any] = []
    at += 1
    while _token(tokens, at) != ("mark", closing):
        item, at = _value(tokens, at, depth + 1)
        items.append(item)
        if _token(tokens, at) == ("mark", ","):
            at += 1
    return items, at + 1


def _token(tokens: list[tuple[str, str]], at: int) -> tuple[str, str]:
    if at >= len(tokens):
        raise CertificateError("the certificate expression breaks off")
    return tokens[at]
