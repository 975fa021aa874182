"""Checks of a ledger's metadata: names, entries, standards."""

from __future__ import annotations

from typing import Final

from ic_harness.icrc.assertions import equal, require
from ic_harness.icrc.context import LedgerContext

from .registry import check

_TYPES: Final = {
    "icrc1:name": "Text",
    "icrc1:symbol": "Text",
    "icrc1:decimals": "Nat",
    "icrc1:fee": "Nat",
    "icrc1:logo": "Text",
    "icrc1:max_memo_length": "Nat",
}
"""The case of `Value` for each key of the standard."""
_LEAST_MEMO: Final = 32


@check("TM1")
def metadata_agrees_with_the_methods(context: LedgerContext) -> None:
    """Entries for name, symbol, decimals and fee have the type of the standard and the value of the method."""
    ledger = context.reader
    entries = dict(ledger.icrc1_metadata())
    for key, case in _TYPES.items():
        if key in entries:
            equal(entries[key].candid_key, case, f"the type of the metadata entry {key}")
    methods = {
        "icrc1:name": ledger.icrc1_name(),
        "icrc1:symbol": ledger.icrc1_symbol(),
        "icrc1:decimals": ledger.icrc1_decimals(),
        "icrc1:fee": ledger.icrc1_fee(),
    }
    for key, value in methods.items():
        if key in entries:
            equal(entries[key].value, value, f"the metadata entry {key} beside the method of that name")


@check("TM2")
def standards_are_listed_truthfully(context: LedgerContext) -> None:
    """ICRC-1 is listed, ICRC-2 exactly when its methods are there, and every entry has an address."""
    standards = context.reader.icrc1_supported_standards()
    names = [standard.name for standard in standards]
    require("ICRC-1" in names, f"ICRC-1 is not in icrc1_supported_standards: {', '.join(names) or 'nothing'}")
    equal(len(names), len(set(names)), "the number of different standards")
    for standard in standards:
        http = standard.url.startswith(("https://", "http://"))
        require(http, f"the standard {standard.name} has no address: {standard.url!r}")
    require(
        ("ICRC-2" in names) == context.has_allowances,
        f"the ledger {'has' if context.has_allowances else 'does not have'} icrc2_allowance "
        f"and lists {', '.join(names)}",
    )


@check("TM3")
def metadata_keys_are_well_formed(context: LedgerContext) -> None:
    """Keys are `namespace:key`, none occurs twice, and memos of 32 bytes are allowed."""
    keys = [key for key, _ in context.reader.icrc1_metadata()]
    for key in keys:
        namespace, colon, name = key.partition(":")
        require(namespace and colon and name, f"the metadata key {key!r} is not of the form namespace:key")
    equal(len(set(keys)), len(keys), "the number of different metadata keys")
    require(
        context.max_memo >= _LEAST_MEMO, f"icrc1:max_memo_length is {context.max_memo}, less than 32 bytes"
    )
