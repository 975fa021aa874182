"""The subtype relation (Candid specification, "Upgrading and Subtyping").

Types may be recursive, so the relation is the largest one that the rules allow: a question that comes up again while
it is being answered counts as yes. Work is kept in a loop over a list, never in Python's own stack, so that types
nested as deep as a message allows are no danger.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from ic_harness.candid.types import (
    EMPTY,
    INT,
    NAT,
    PRINCIPAL,
    RESERVED,
    Field,
    Func,
    Opt,
    Prim,
    Record,
    ServiceType,
    Type,
    Variant,
    Vec,
    nullable,
    resolve,
)
from ic_harness.errors import CandidError

MAX_QUESTIONS: Final = 200_000
"""Most pairs of types that one question may lead to; two real interfaces lead to some thousand."""

Question = tuple[Type, Type]


def is_subtype(new: Type, old: Type) -> bool:
    """Whether every value of `new` can be decoded at `old`: `new <: old`.

    Any type is a subtype of any option (what does not fit becomes null), as the specification has it.
    Raises `CandidError` for types whose comparison would take too long.
    """
    assumed: set[tuple[int, int]] = set()
    # The types that were asked about are kept, because the set knows them by their identity only.
    keep: list[Question] = []
    open_questions: list[Question] = [(new, old)]
    while open_questions:
        left, right = (resolve(t) for t in open_questions.pop())
        key = (id(left), id(right))
        if key in assumed:
            continue
        if len(assumed) >= MAX_QUESTIONS:
            raise CandidError(f"comparing two types takes more than {MAX_QUESTIONS} steps")
        assumed.add(key)
        keep.append((left, right))
        premises = _premises(left, right)
        if premises is None:
            return False
        open_questions.extend(premises)
    return True


def _premises(left: Type, right: Type) -> Sequence[Question] | None:
    """What must hold so that `left <: right`: further questions, or None when nothing makes it hold."""
    if right is RESERVED or left is EMPTY or isinstance(right, Opt) or left is right:
        return ()
    match left, right:
        case Prim(), Prim():
            return () if left is NAT and right is INT else None
        case ServiceType(), Prim():
            return () if right is PRINCIPAL else None
        case Vec(mine), Vec(theirs):
            return ((mine, theirs),)
        case Record(), Record():
            return record_premises(left.fields, right.fields)
        case Variant(), Variant():
            return _variant_premises(left, right)
        case Func(), Func():
            return _func_premises(left, right)
        case ServiceType(), ServiceType():
            return _service_premises(left, right)
        case _:
            return None


def record_premises(left: Sequence[Field], right: Sequence[Field]) -> Sequence[Question] | None:
    """Fields in both must be subtypes; a field only on the right must have null."""
    mine = {f.id: f.type for f in left}
    premises: list[Question] = []
    for f in right:
        if f.id in mine:
            premises.append((mine[f.id], f.type))
        elif not nullable(f.type):
            return None
    return premises


def _variant_premises(left: Variant, right: Variant) -> Sequence[Question] | None:
    theirs = {f.id: f.type for f in right.fields}
    if any(f.id not in theirs for f in left.fields):
        return None
    return [(f.type, theirs[f.id]) for f in left.fields]


def _func_premises(left: Func, right: Func) -> Sequence[Question] | None:
    if left.mode != right.mode:
        return None
    arguments = record_premises(as_fields(right.arg_types), as_fields(left.arg_types))
    results = record_premises(as_fields(left.return_types), as_fields(right.return_types))
    return None if arguments is None or results is None else [*arguments, *results]


def as_fields(types: Sequence[Type]) -> list[Field]:
    """A sequence of arguments as the tuple-like record that the specification compares it as."""
    return [Field(index, None, type_) for index, type_ in enumerate(types)]


def _service_premises(left: ServiceType, right: ServiceType) -> Sequence[Question] | None:
    mine = dict(left.methods)
    if any(name not in mine for name, _ in right.methods):
        return None
    return [(mine[name], method) for name, method in right.methods]
