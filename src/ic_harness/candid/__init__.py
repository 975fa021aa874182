"""Candid, the interface description language of the Internet Computer, as its specification defines it.

    service = parse(did_text)                       types, methods and init arguments of a `.did` file
    encode(values, types), decode(data, types)      the binary format
    parse_values(text, types), format_values(...)   the textual format
    is_subtype(new, old), check_upgrade(old, new)   which changes do not break clients

Python values: numbers are `int` and `float`; `text` is `str`; `blob` is `bytes`; `vec` is a list; `opt` is
None or the value (`Some(value)` where the inner type has null itself); `record` is a dict by field name, or
a tuple when its labels are 0, 1, 2 …; `variant` is a dict with one key; `principal` is `Principal`;
references are `FuncRef` and `ServiceRef`.

On bad input every function raises `CandidError` and nothing else. `ic_harness.candid.bindgen` generates typed
Python.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from ic_harness.candid.decoding import decode, message_types
from ic_harness.candid.encoding import encode
from ic_harness.candid.references import FuncRef, ServiceRef, Some
from ic_harness.candid.service import Method, Service
from ic_harness.candid.subtyping import is_subtype
from ic_harness.candid.types import (
    BLOB,
    BOOL,
    EMPTY,
    FLOAT32,
    FLOAT64,
    INT,
    INT8,
    INT16,
    INT32,
    INT64,
    NAT,
    NAT8,
    NAT16,
    NAT32,
    NAT64,
    NULL,
    PRINCIPAL,
    RESERVED,
    TEXT,
    Field,
    Func,
    Mode,
    Named,
    Opt,
    Prim,
    Record,
    ServiceType,
    Type,
    Variant,
    Vec,
    field_hash,
    format_type,
    format_types,
    in_source_order,
    nullable,
    resolve,
)
from ic_harness.errors import CandidError
from ic_harness.lazy_names import lazy_names

if TYPE_CHECKING:
    from ic_harness.candid import bindgen as bindgen
    from ic_harness.candid import runtime as runtime
    from ic_harness.candid.compatibility import Incompatibility, check_upgrade
    from ic_harness.candid.parser import parse, parse_constant, parse_types
    from ic_harness.candid.textual_values import parse_values
    from ic_harness.candid.value_printer import format_values

__all__ = [  # noqa: RUF022 - sorted as Python sorts
    "BLOB", "BOOL", "CandidError", "EMPTY", "FLOAT32", "FLOAT64", "Field", "Func", "FuncRef", "INT",
    "INT16", "INT32", "INT64", "INT8", "Incompatibility", "Method", "Mode", "NAT", "NAT16", "NAT32",
    "NAT64", "NAT8", "NULL", "Named", "Opt", "PRINCIPAL", "Prim", "RESERVED", "Record", "Service",
    "ServiceRef", "ServiceType", "Some", "TEXT", "Type", "Variant", "Vec", "check_upgrade",
    "decode", "encode", "field_hash", "format_type", "format_types", "format_values", "in_source_order", "is_subtype",
    "message_types", "nullable", "parse", "parse_constant", "parse_types", "parse_values", "resolve",
]  # fmt: skip

# Most programs that decode never parse text.
_LAZY = {
    "Incompatibility": ".compatibility",
    "check_upgrade": ".compatibility",
    "format_values": ".value_printer",
    "parse": ".parser",
    "parse_constant": ".parser",
    "parse_types": ".parser",
    "parse_values": ".textual_values",
}
_lazy_name = lazy_names(__name__, _LAZY)


def __getattr__(name: str) -> Any:
    """Import the parsers and printers of text, and two modules, at their first use."""
    return import_module(f"{__name__}.{name}") if name in {"bindgen", "runtime"} else _lazy_name(name)
