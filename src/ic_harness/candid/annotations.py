"""Candid types as Python annotations, for generated modules."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final

from ic_harness.candid.types import (
    BLOB,
    BOOL,
    EMPTY,
    FLOAT32,
    FLOAT64,
    NULL,
    PRINCIPAL,
    RESERVED,
    TEXT,
    Func,
    Named,
    Opt,
    Prim,
    Record,
    ServiceType,
    Type,
    Vec,
    nullable,
)

_PLAIN: Final = {
    BOOL: "bool", TEXT: "str", FLOAT32: "float", FLOAT64: "float", NULL: "None", RESERVED: "object",
    EMPTY: "rt.Never", PRINCIPAL: "rt.Principal",
}  # fmt: skip


def annotation(type_: Type, names: Mapping[str, str]) -> str:  # noqa: PLR0911 - a return for each kind of type
    """Return the annotation for a type; `names` maps defined types to their Python names.

    `rt` is the runtime module.
    """
    match type_:
        case Prim():
            return _PLAIN.get(type_) or f"rt.{type_.name.capitalize()}"
        case Named():
            return names[type_.name]
        case Opt(inner):
            return _option(annotation(inner, names), wrapped=nullable(inner))
        case Vec(inner):
            return "bytes" if type_ == BLOB else f"list[{annotation(inner, names)}]"
        case Record(fields) if type_.is_tuple:
            return f"tuple[{', '.join(annotation(f.type, names) for f in fields)}]"
        case Func():
            return "rt.FuncRef"
        case ServiceType():
            return "rt.ServiceRef"
        case Record():
            return "rt.EmptyRecord"
    return "rt.Never"


def _option(inner: str, *, wrapped: bool) -> str:
    return f"rt.Some[{inner}] | None" if wrapped else f"{inner} | None"


def buffers(text: str) -> str:
    """Widen an annotation for a parameter: any bytes-like object for a blob, any sequence for a vector."""
    text = re.sub(r"^bytes\b", "rt.Buffer", text)
    return re.sub(r"^list\[", "rt.Sequence[", text)
