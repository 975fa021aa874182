"""Generates the management canister's types and simple methods from `protocol/management.did`.

`python -m ic_harness.agent.management_codegen` writes `management_types.py` and `management_methods.py`; `unasync` then
makes the asynchronous methods. A test compares the committed files with the output.
"""

from __future__ import annotations

import builtins
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final

from ic_harness import candid as t
from ic_harness.agent.management_interface import interface

METHODS: Final = (
    "provisional_top_up_canister",
    "upload_chunk",
    "stored_chunks",
    "clear_chunk_store",
    "uninstall_code",
    "start_canister",
    "stop_canister",
    "delete_canister",
    "canister_status",
    "fetch_canister_logs",
    "load_canister_snapshot",
    "list_canister_snapshots",
    "delete_canister_snapshot",
    "read_canister_snapshot_metadata",
    "read_canister_snapshot_data",
    "upload_canister_snapshot_data",
    "canister_metrics",
)
"""Methods whose clients are made as they are; `Management` has the others that users may call."""

_UNITS: Final = {"cycles": "Cycles", "instructions": "Instructions", "nanoseconds": "Nanos"}
_PRIMITIVES: Final = {t.NULL: "None", t.BOOL: "bool", t.TEXT: "str", t.PRINCIPAL: "Principal"}
_VERSION: Final = "sender_canister_version"
"""The field that only canisters fill in."""

_BANNER: Final = (
    "# Made from protocol/management.did by `python -m ic_harness.agent.management_codegen`; do not edit.\n"
)

_TYPES_HEAD: Final = '''"""Types of what the management canister returns; plain dictionaries at run time.

Interface specification, "The IC management canister". None stands where an older network sends nothing.
"""

from __future__ import annotations

from typing import Any, Literal, TypeAlias, TypedDict

from ic_harness.principal import Principal
from ic_harness.units import Cycles, Instructions, Nanos
'''

_METHODS_HEAD: Final = '''"""Methods of the management canister that take one canister, for synchronous code.

`async_management_methods.py` is made from this file by `unasync`.
"""

from __future__ import annotations

from typing import Any

from ic_harness.agent.management_types import {types}


class ManagementMethods:
    """The methods of the management canister whose arguments are used as they are.

    Canister ids may be anything `Principal.of` takes. Every method raises `RejectError` when the network refuses, and
    the other errors of `Agent.update`.
    """

    def _on(self, canister_id: Any, method: str, **fields: Any) -> Any:
        """Call `method` on a canister. Returns what it returns."""
        raise NotImplementedError

    def _ask(self, canister_id: Any, method: str, **fields: Any) -> Any:
        """Query `method` on a canister. Returns what it returns."""
        raise NotImplementedError
'''


def types_module() -> str:
    """Return the source of `management_types.py`: every named record and enumeration of replies."""
    named: dict[str, t.Named] = {}
    for method in METHODS:
        for type_ in interface().methods[method].return_types:
            _collect(_unwrapped(type_)[0], named)
    return "\n\n".join([_BANNER + _TYPES_HEAD, *(_definition(name) for name in _ordered(named))])


def methods_module() -> str:
    """Return the source of `management_methods.py`."""
    methods = "".join(map(_method, METHODS))
    used = sorted(
        name for name in set(re.findall(r"\b[A-Z][A-Za-z]+\b", types_module())) if _defines(name, methods)
    )
    return _BANNER + _METHODS_HEAD.format(types=", ".join(used)) + methods


def _defines(name: str, methods: str) -> bool:
    return f"class {name}(TypedDict)" in types_module() and re.search(rf"\b{name}\b", methods) is not None


def _collect(type_: t.Type, named: dict[str, t.Named]) -> None:
    """Add the named types below `type_` that get a definition, each after those that it needs."""
    actual = t.resolve(type_)
    children: tuple[t.Type, ...] = ()
    if isinstance(actual, t.Record):
        children = tuple(field.type for field in actual.fields)
    elif isinstance(actual, t.Opt | t.Vec):
        children = (actual.inner,)
    for child in children:
        _collect(child, named)
    if (
        isinstance(type_, t.Named)
        and type_.name not in _UNITS
        and (isinstance(actual, t.Record) or _states(actual))
    ):
        named.setdefault(type_.name, type_)


def _ordered(named: dict[str, t.Named]) -> Iterator[t.Named]:
    """Enumerations first, so that aliases exist where they are used."""
    yield from (type_ for type_ in named.values() if _states(t.resolve(type_)))
    yield from (type_ for type_ in named.values() if not _states(t.resolve(type_)))


def _states(type_: t.Type) -> list[str]:
    """Return the names of an enumeration's cases; none for other types."""
    cases = type_.fields if isinstance(type_, t.Variant) else ()
    return [str(case.key) for case in t.in_source_order(cases) if all(each.type is t.NULL for each in cases)]


def _definition(type_: t.Named) -> str:
    actual = t.resolve(type_)
    if states := _states(actual):
        return f"{_class(type_.name)}: TypeAlias = Literal[{', '.join(map(_quoted, states))}]\n"
    assert isinstance(actual, t.Record), "bug: only records and enumerations are defined"
    fields = (f"    {field.key}: {_hint(field.type)}" for field in t.in_source_order(actual.fields))
    return "\n".join([f"class {_class(type_.name)}(TypedDict):", f'    """{type_.doc}"""', "", *fields, ""])


def _method(name: str) -> str:
    """Return one method: required fields by position, optional ones by keyword."""
    method = interface().methods[name]
    record = t.resolve(method.arg_types[0])
    assert isinstance(record, t.Record), "bug: every generated method takes one record"
    given = [
        field for field in t.in_source_order(record.fields) if field.key not in {"canister_id", _VERSION}
    ]
    needed = [field for field in given if not t.nullable(field.type)]
    optional = [field for field in given if t.nullable(field.type)]
    parameters = [
        "self",
        "canister_id: Any",
        *(f"{_argument(field)}: {_accepted(field)}" for field in needed),
    ]
    if optional:
        parameters += ["*", *(f"{_argument(field)}: {_accepted(field)} = None" for field in optional)]
    fields = [f"{field.key}={_argument(field)}" for field in given]
    if any(field.key == _VERSION for field in record.fields):
        fields.append(f"{_VERSION}=None")
    send = "_ask" if method.mode == "query" else "_on"
    call = f"self.{send}({', '.join(['canister_id', _quoted(name), *fields])})"
    hint, body = "None", f"        {call}"
    if method.return_types:
        type_, unwrap = _unwrapped(method.return_types[0])
        hint, result = _hint(type_), unwrap("reply")
        if result == "reply":
            body = f"        reply: {hint} = {call}\n        return reply"
        else:
            body = f"        reply = {call}\n        result: {hint} = {result}\n        return result"
    head = f"    def {name}({', '.join(parameters)}) -> {hint}:"
    return f'\n{head}\n        """{method.doc}"""\n{body}\n'


def _unwrapped(type_: t.Type) -> tuple[t.Type, Callable[[str], str]]:
    """Return what is inside records of a single field, also in a list, and how to get there from an expression."""
    actual = t.resolve(type_)
    if isinstance(actual, t.Record) and len(actual.fields) == 1:
        (field,) = actual.fields
        return field.type, lambda value: f'{value}["{field.key}"]'
    if isinstance(actual, t.Vec):
        inner, unwrap = _unwrapped(actual.inner)
        if inner is not actual.inner:
            return t.Vec(inner), lambda value: f"[{unwrap('each')} for each in {value}]"
    return type_, lambda value: value


def _hint(type_: t.Type) -> str:
    if isinstance(type_, t.Named) and type_.name in _UNITS:
        return _UNITS[type_.name]
    actual = t.resolve(type_)
    if isinstance(actual, t.Opt):
        return f"{_hint(actual.inner)} | None".replace("Any | None", "Any")
    if isinstance(actual, t.Vec):
        return "bytes" if t.resolve(actual.inner) is t.NAT8 else f"list[{_hint(actual.inner)}]"
    if isinstance(actual, t.Record | t.Variant) and isinstance(type_, t.Named):
        if isinstance(actual, t.Record):
            return _class(type_.name)
        return f"dict[{_class(type_.name)}, None]" if _states(actual) else "dict[str, Any]"
    assert isinstance(actual, t.Prim), "bug: records and variants of replies have names"
    return _PRIMITIVES.get(actual, "int")


def _argument(field: t.Field) -> str:
    """Return the parameter for a field, which must not hide a builtin function."""
    return f"{field.key}_" if hasattr(builtins, str(field.key)) else str(field.key)


def _accepted(field: t.Field) -> str:
    """Return the hint of a parameter: numbers with a unit may be plain ones."""
    hint = _hint(field.type)
    return "int" if hint in _UNITS.values() else hint


def _class(name: str) -> str:
    return "".join(part.capitalize() for part in name.split("_"))


def _quoted(text: str) -> str:
    return f'"{text}"'


def write(folder: Path) -> None:
    """Write both modules into a folder."""
    (folder / "management_types.py").write_text(types_module(), encoding="utf-8")
    (folder / "management_methods.py").write_text(methods_module(), encoding="utf-8")


if __name__ == "__main__":
    write(Path(__file__).parent)
