"""The management canister's interface as clients read it. No I/O.

It is `protocol/management.did`, with the fields of replies as `opt` that older networks do not send: Candid reads a
field that is missing as null.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from functools import cache
from typing import Final

from ic_harness.candid import (
    Func,
    Method,
    Named,
    Opt,
    Record,
    Service,
    Type,
    Vec,
    in_source_order,
    parse_constant,
    resolve,
)
from ic_harness.protocol import management_interface

NEWER: Final = frozenset(
    {
        "environment_variables",
        "log_memory_limit",
        "log_memory_store_size",
        "memory_metrics",
        "minimum_incoming_canister_call_cycles",
        "ready_for_migration",
        "snapshot_visibility",
        "source",
        "status_visibility",
        "version",
        "wasm_memory_threshold",
    }
)
"""Fields of replies that networks of 2024 do not send, or that some send as `opt`."""

NEWER_ELEMENTS: Final = frozenset({"globals"})
"""Vectors of replies whose elements some networks send as `opt`."""


@cache
def interface() -> Service:
    """Return the interface; parsed at the first management call."""
    service = parse_constant(management_interface())
    return replace(service, methods=_with_optional_results(service.methods))


@cache
def setting_names() -> tuple[str, ...]:
    """Return the names of all settings of a canister, in the order of the interface."""
    record = resolve(interface().types["canister_settings"])
    assert isinstance(record, Record), "bug: settings are a record"
    return tuple(str(field.key) for field in in_source_order(record.fields))


def _with_optional_results(methods: Mapping[str, Method]) -> dict[str, Method]:
    known: dict[str, Named] = {}
    return {name: replace(method, func=_func(method.func, known)) for name, method in methods.items()}


def _func(func: Func, known: dict[str, Named]) -> Func:
    return replace(func, return_types=tuple(_optional(type_, known) for type_ in func.return_types))


def _optional(type_: Type, known: dict[str, Named]) -> Type:
    """Return `type_` with the newer fields of its records as `opt`; `known` has the names that were done."""
    if isinstance(type_, Named):
        if type_.name not in known:
            known[type_.name] = named = Named(type_.name, type_.doc)
            named.define(_optional(type_.target, known))
        return known[type_.name]
    if isinstance(type_, Vec | Opt):
        return replace(type_, inner=_optional(type_.inner, known))
    if not isinstance(type_, Record):
        return type_
    fields = []
    for field in type_.fields:
        inner = _optional(field.type, known)
        if field.name in NEWER_ELEMENTS and isinstance(inner, Vec):
            inner = Vec(Opt(inner.inner))
        fields.append(replace(field, type=Opt(inner) if field.name in NEWER else inner))
    return Record(tuple(fields))
