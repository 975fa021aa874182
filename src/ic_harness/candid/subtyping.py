"""The subtype relation (Candid specification, "Upgrading and Subtyping").

Types may be recursive, so the relation is the largest one that the rules allow: a question that comes up again while
it is being answered counts as yes. Work is kept in a loop over a list, never in Python's own stack, so that types
nested as deep as a message allows are no danger. One table of rules (`_judge`) serves the answer yes or no and the
explanations of `upgrades.py`.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final, Literal

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

Reason = Literal["type", "field", "case", "mode", "method", "argument"]


@dataclass(frozen=True, slots=True)
class Question:
    """Is `left` a subtype of `right`? `path` says where the two stand.

    `flipped` is true where the roles are exchanged an odd number of times, below the arguments of functions.
    """

    left: Type
    right: Type
    path: str = ""
    flipped: bool = False

    def inside(self, left: Type, right: Type, step: str) -> Question:
        """The same question about parts of the two types."""
        return Question(left, right, self.path + step, self.flipped)


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why `question.left` is no subtype of `question.right`; `subject` names the field, case or method."""

    question: Question
    reason: Reason
    subject: str = ""


Verdict = Sequence[Question | Refusal]


def is_subtype(new: Type, old: Type) -> bool:
    """Whether every value of `new` can be decoded at `old`: `new <: old`.

    Any type is a subtype of any option (what does not fit becomes null), as the specification has it.
    Raises `CandidError` for types whose comparison would take too long.
    """
    return next(refusals(Question(new, old)), None) is None


def refusals(*questions: Question) -> Iterator[Refusal]:
    """Everything that keeps the left types from being subtypes of the right ones; nothing when they are."""
    assumed: set[tuple[int, int]] = set()
    # The types that were asked about are kept, because the set knows them by their identity only.
    keep: list[Question] = []
    todo = list(reversed(questions))
    while todo:
        asked = todo.pop()
        left, right = resolve(asked.left), resolve(asked.right)
        key = (id(left), id(right))
        if key in assumed:
            continue
        if len(assumed) >= MAX_QUESTIONS:
            raise CandidError(f"comparing two types takes more than {MAX_QUESTIONS} steps")
        assumed.add(key)
        question = Question(left, right, asked.path, asked.flipped)
        keep.append(question)
        for part in reversed(_judge(question)):
            if isinstance(part, Refusal):
                yield part
            else:
                todo.append(part)


def _judge(question: Question) -> Verdict:
    """What must hold so that `left <: right`: further questions, and refusals when nothing makes it hold."""
    left, right = question.left, question.right
    if right is RESERVED or left is EMPTY or isinstance(right, Opt) or left is right:
        return ()
    match left, right:
        case Prim(), Prim() if left is NAT and right is INT:
            return ()
        case ServiceType(), Prim() if right is PRINCIPAL:
            return ()
        case Vec(mine), Vec(theirs):
            return (question.inside(mine, theirs, "[]"),)
        case Record(), Record():
            return _records(question, left.fields, right.fields)
        case Variant(), Variant():
            return _variants(question, left, right)
        case Func(), Func():
            return _funcs(question, left, right)
        case ServiceType(), ServiceType():
            return _services(question, left, right)
    return (Refusal(question, "type"),)


def _records(question: Question, left: Sequence[Field], right: Sequence[Field]) -> Verdict:
    """Fields in both must be subtypes; a field only on the right must have null."""
    mine = {f.id: f.type for f in left}
    verdict: list[Question | Refusal] = []
    for f in right:
        if f.id in mine:
            verdict.append(question.inside(mine[f.id], f.type, f".{f.key}"))
        elif not nullable(f.type):
            verdict.append(Refusal(question, "field", str(f.key)))
    return verdict


def _variants(question: Question, left: Variant, right: Variant) -> Verdict:
    """Every case on the left must be a case on the right."""
    theirs = {f.id: f.type for f in right.fields}
    return [
        question.inside(f.type, theirs[f.id], f".{f.key}")
        if f.id in theirs
        else Refusal(question, "case", str(f.key))
        for f in left.fields
    ]


def _funcs(question: Question, left: Func, right: Func) -> Verdict:
    """Same mode; arguments the other way round, results this way, both like tuples."""
    if left.mode != right.mode:
        return (Refusal(question, "mode"),)
    turned = Question(right, left, f"{question.path}.args", flipped=not question.flipped)
    results = Question(left, right, f"{question.path}.results", flipped=question.flipped)
    return [
        *sequence_questions(turned, right.arg_types, left.arg_types),
        *sequence_questions(results, left.return_types, right.return_types),
    ]


def sequence_questions(question: Question, left: Sequence[Type], right: Sequence[Type]) -> Verdict:
    """A sequence of arguments against another: extra ones are ignored, missing ones must have null."""
    verdict: list[Question | Refusal] = [
        question.inside(mine, theirs, f"[{index}]")
        for index, (mine, theirs) in enumerate(zip(left, right, strict=False))
    ]
    for index in range(len(left), len(right)):
        if not nullable(right[index]):
            verdict.append(
                Refusal(question.inside(EMPTY, right[index], f"[{index}]"), "argument", str(index))
            )
    return verdict


def _services(question: Question, left: ServiceType, right: ServiceType) -> Verdict:
    """Every method on the right must be there on the left."""
    mine = dict(left.methods)
    return [
        question.inside(mine[name], method, f".{name}") if name in mine else Refusal(question, "method", name)
        for name, method in right.methods
    ]
