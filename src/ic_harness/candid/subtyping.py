"""The subtype relation (Candid specification, "Upgrading and Subtyping").

Types may be recursive, so the relation is the largest one that the rules allow: a question that comes up
again while it is being answered counts as yes. Work is kept in a loop over a list, never in Python's own
stack, so that types nested as deep as a message allows are no danger. One table of rules (`_judge`) serves
the answer yes or no and the explanations of `upgrades.py`.
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

MAX_QUESTIONS: Final = 100_000
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


class Subtypes:
    """Answers many questions about the same types: what is proved once is not asked again.

    All questions together may take `MAX_QUESTIONS` steps, then `CandidError` is raised.
    """

    def __init__(self) -> None:
        self._proved: set[tuple[int, int]] = set()
        self._refuted: set[tuple[int, int]] = set()
        self._left = MAX_QUESTIONS
        # Types are known by their identity, so they must live as long as the answers.
        self._keep: list[Question] = []

    def holds(self, left: Type, right: Type) -> bool:
        """Whether `left <: right`."""
        question = Question(resolve(left), resolve(right))
        key = (id(question.left), id(question.right))
        if key in self._refuted:
            return False
        walk = _Walk(self._proved, self._left)
        refused = next(walk.refusals(question), None) is not None
        self._left = walk.budget
        self._keep += [question, *walk.asked]
        if refused:
            self._refuted.add(key)
        else:
            # Everything that was assumed on the way is true, since nothing contradicted it.
            self._proved |= walk.assumed
        return not refused


def is_subtype(new: Type, old: Type) -> bool:
    """Whether every value of `new` can be decoded at `old`: `new <: old`.

    Any type is a subtype of any option (what does not fit becomes null), as the specification has it.
    Raises `CandidError` for types whose comparison would take too long.
    """
    return next(refusals(Question(new, old)), None) is None


def refusals(*questions: Question) -> Iterator[Refusal]:
    """Everything that keeps the left types from being subtypes of the right ones; nothing when they are."""
    return _Walk(set(), MAX_QUESTIONS).refusals(*questions)


class _Walk:
    """One walk through all that questions lead to; `assumed` are the pairs met, `budget` the steps left."""

    def __init__(self, proved: set[tuple[int, int]], budget: int) -> None:
        self.proved = proved
        self.budget = budget
        self.assumed: set[tuple[int, int]] = set()
        self.asked: list[Question] = []

    def refusals(self, *questions: Question) -> Iterator[Refusal]:
        todo = list(reversed(questions))
        while todo:
            question = self.enter(todo.pop())
            if question is None:
                continue
            for part in reversed(_judge(question)):
                if isinstance(part, Refusal):
                    yield part
                else:
                    todo.append(part)

    def enter(self, asked: Question) -> Question | None:
        """The question about the types behind the names, or None when it came up before."""
        left, right = resolve(asked.left), resolve(asked.right)
        key = (id(left), id(right))
        if key in self.assumed or key in self.proved:
            return None
        self.budget -= 1
        if self.budget < 0:
            raise CandidError(f"comparing the types takes more than {MAX_QUESTIONS} steps")
        self.assumed.add(key)
        question = Question(left, right, asked.path, asked.flipped)
        self.asked.append(question)
        return question


def _judge(question: Question) -> Verdict:  # noqa: PLR0911 - a return for each kind of type
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
    required = [index for index in range(len(left), len(right)) if not nullable(right[index])]
    verdict.extend(
        Refusal(question.inside(EMPTY, right[index], f"[{index}]"), "argument", str(index))
        for index in required
    )
    return verdict


def _services(question: Question, left: ServiceType, right: ServiceType) -> Verdict:
    """Every method on the right must be there on the left."""
    mine = dict(left.methods)
    return [
        question.inside(mine[name], method, f".{name}") if name in mine else Refusal(question, "method", name)
        for name, method in right.methods
    ]
