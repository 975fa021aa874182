"""Arguments of `init` for a ledger of which only the Candid interface is known.

Ledgers take records with much the same fields under much the same names: a minting account, a fee, a name, a symbol.
`ledger_arguments` fills whatever types there are by those names, and everything else with the emptiest value.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from ic_harness import candid
from ic_harness.candid import Opt, Record, Type, Variant, Vec, resolve
from ic_harness.principal import Principal

FEE: Final = 10_000
_NUMBERS: Final = {
    "fee": FEE,
    "decimals": 8,
    "num_blocks_to_archive": 1_000,
    "trigger_threshold": 1_000_000,
    "max_supply": 10**30,
}
"""Numbers by the end of the field's name; all others are 0."""
_TEXTS: Final = {"symbol": "TEST", "name": "Test token"}
_SWITCHED_ON: Final = "feature_flags"
"""An optional record of switches, which are all turned on."""
_FIRST_CASES: Final = ("Init", "InitArgs", "init")


def ledger_arguments(types: Sequence[Type], minter: Principal) -> bytes | None:
    """Return encoded arguments of `init` that make the default account of `minter` the minting account.

    None where `init` takes no arguments, or a type cannot be filled.
    """
    if not types:
        return None
    try:
        return candid.encode([_value(type_, "", minter) for type_ in types], types)
    except (candid.CandidError, _UnknownTypeError):
        return None


def upgrade_arguments(types: Sequence[Type]) -> bytes | None:
    """Return encoded arguments of `post_upgrade` for a ledger that takes one variant for both; None for others."""
    if len(types) != 1:
        return None
    variant = resolve(types[0])
    if not isinstance(variant, Variant):
        return None
    for case in variant.fields:
        inner = resolve(case.type)
        if case.name == "Upgrade" and (isinstance(inner, Opt) or inner == candid.NULL):
            return candid.encode([{"Upgrade": None}], types)
    return None


class _UnknownTypeError(Exception):
    """A type for which there is no value to guess, such as a function."""


def _value(type_: Type, name: str, minter: Principal) -> Any:
    """Return a value of `type_` for a field called `name`."""
    resolved = resolve(type_)
    if isinstance(resolved, Record):
        return _record(resolved, name, minter)
    if isinstance(resolved, Variant):
        return _case(resolved, minter)
    if isinstance(resolved, Opt):
        wanted = name == _SWITCHED_ON or "minting" in name
        return _value(resolved.inner, name, minter) if wanted else None
    if isinstance(resolved, Vec):
        return b"" if resolve(resolved.inner) == candid.NAT8 else []
    return _primitive(resolved, name, minter)


def _record(record: Record, name: str, minter: Principal) -> Any:
    if {field.name for field in record.fields} == {"owner", "subaccount"}:
        return {"owner": minter, "subaccount": None}
    switches = name == _SWITCHED_ON
    values: dict[Any, Any] = {}
    for field in record.fields:
        inner = resolve(field.type)
        is_switch = switches and inner == candid.BOOL
        values[field.name or field.id] = True if is_switch else _value(field.type, field.name or "", minter)
    labels = [field.id for field in record.fields]
    is_tuple = labels == list(range(len(labels))) and all(field.name is None for field in record.fields)
    return tuple(values.values()) if is_tuple else values


def _case(variant: Variant, minter: Principal) -> Any:
    named = {case.name: case for case in variant.fields}
    case = next((named[name] for name in _FIRST_CASES if name in named), None)
    if case is None:
        case = variant.fields[0] if variant.fields else None
    if case is None:
        raise _UnknownTypeError
    return {case.name or case.id: _value(case.type, case.name or "", minter)}


def _primitive(type_: Type, name: str, minter: Principal) -> Any:
    if type_ == candid.TEXT:
        return next((text for end, text in _TEXTS.items() if name.endswith(end)), "")
    if type_ == candid.PRINCIPAL:
        return minter
    if type_ == candid.BOOL:
        return False
    if type_ in (candid.NULL, candid.RESERVED):
        return None
    if type_ in _INTEGERS:
        return next((number for end, number in _NUMBERS.items() if name.endswith(end)), 0)
    raise _UnknownTypeError


_INTEGERS: Final = (
    candid.NAT, candid.NAT8, candid.NAT16, candid.NAT32, candid.NAT64,
    candid.INT, candid.INT8, candid.INT16, candid.INT32, candid.INT64,
)  # fmt: skip
