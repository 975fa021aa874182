"""The subtype relation (Candid specification, "Upgrading and Subtyping").

Types may be recursive, so the relation is the greatest fixed point of the rules: a goal that recurs while it is
being proved holds. Goals are kept in a list, not on Python's stack, so that deeply nested types cannot overflow it.
One table of rules (`_expand`) serves `is_subtype` and the explanations of `compatibility.py`.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
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
from ic_harness.lazy_dataclass import dataclass

MAX_STEPS: Final = 100_000
"""Most pairs of types that one comparison may visit; two real interfaces take a few thousand."""

Reason = Literal["type", "field", "case", "mode", "method", "argument"]


@dataclass(frozen=True, slots=True)
class Goal:
    """A proof goal: `left` is a subtype of `right`. `path` is the position of the two types.

    `contravariant` is true where the roles are exchanged an odd number of times, as below a function's arguments.
    """

    left: Type
    right: Type
    path: str = ""
    contravariant: bool = False

    def inside(self, left: Type, right: Type, step: str) -> Goal:
        """Return the goal for parts of the two types, `step` further down the path."""
        return Goal(left, right, self.path + step, self.contravariant)


@dataclass(frozen=True, slots=True)
class Violation:
    """Why `goal.left` is not a subtype of `goal.right`; `subject` names the field, case or method."""

    goal: Goal
    reason: Reason
    subject: str = ""


Outcome = Sequence[Goal | Violation]


class SubtypeCache:
    """Decides many goals about the same types and keeps what it has proved.

    All goals together may take `MAX_STEPS` steps; after that `CandidError` is raised.
    """

    def __init__(self) -> None:
        self._proved: set[tuple[int, int]] = set()
        self._refuted: set[tuple[int, int]] = set()
        self._left = MAX_STEPS
        # Types are identified by `id`, so they must live as long as the results.
        self._keep: list[Goal] = []

    def holds(self, left: Type, right: Type) -> bool:
        """Return whether `left <: right`."""
        goal = Goal(resolve(left), resolve(right))
        key = (id(goal.left), id(goal.right))
        if key in self._refuted:
            return False
        check = _Check(self._proved, self._left)
        violated = next(check.violations(goal), None) is not None
        self._left = check.budget
        self._keep += [goal, *check.visited]
        if violated:
            self._refuted.add(key)
        else:
            # All assumptions hold, since no violation was found (coinduction).
            self._proved |= check.assumed
        return not violated


def is_subtype(new: Type, old: Type) -> bool:
    """Return whether every value of `new` can be decoded at `old`: `new <: old`.

    Any type is a subtype of any option (what does not fit becomes null), as the specification has it.
    Raises `CandidError` for types whose comparison would take too long.
    """
    return next(violations(Goal(new, old)), None) is None


def violations(*goals: Goal) -> Iterator[Violation]:
    """Yield every reason why a left type is not a subtype of its right type; nothing when all are."""
    return _Check(set(), MAX_STEPS).violations(*goals)


class _Check:
    """One traversal of goals and their subgoals; `assumed` are the pairs visited, `budget` the steps left."""

    def __init__(self, proved: set[tuple[int, int]], budget: int) -> None:
        self.proved = proved
        self.budget = budget
        self.assumed: set[tuple[int, int]] = set()
        self.visited: list[Goal] = []

    def violations(self, *goals: Goal) -> Iterator[Violation]:
        todo = list(reversed(goals))
        while todo:
            goal = self.enter(todo.pop())
            if goal is None:
                continue
            for part in reversed(_expand(goal)):
                if isinstance(part, Violation):
                    yield part
                else:
                    todo.append(part)

    def enter(self, found: Goal) -> Goal | None:
        """Return the goal with names resolved, or None when it was visited before."""
        left, right = resolve(found.left), resolve(found.right)
        key = (id(left), id(right))
        if key in self.assumed or key in self.proved:
            return None
        self.budget -= 1
        if self.budget < 0:
            raise CandidError(f"comparing the types takes more than {MAX_STEPS} steps")
        self.assumed.add(key)
        goal = Goal(left, right, found.path, found.contravariant)
        self.visited.append(goal)
        return goal


def _expand(goal: Goal) -> Outcome:  # noqa: PLR0911 - a return for each kind of type
    """Return what `left <: right` requires: subgoals, and violations where a rule cannot hold."""
    left, right = goal.left, goal.right
    if right is RESERVED or left is EMPTY or isinstance(right, Opt) or left is right:
        return ()
    match left, right:
        case Prim(), Prim() if left is NAT and right is INT:
            return ()
        case ServiceType(), Prim() if right is PRINCIPAL:
            return ()
        case Vec(mine), Vec(theirs):
            return (goal.inside(mine, theirs, "[]"),)
        case Record(), Record():
            return _records(goal, left.fields, right.fields)
        case Variant(), Variant():
            return _variants(goal, left, right)
        case Func(), Func():
            return _funcs(goal, left, right)
        case ServiceType(), ServiceType():
            return _services(goal, left, right)
    return (Violation(goal, "type"),)


def _records(goal: Goal, left: Sequence[Field], right: Sequence[Field]) -> Outcome:
    """Check records: common fields are subtypes, and fields only on the right are nullable."""
    mine = {f.id: f.type for f in left}
    outcome: list[Goal | Violation] = []
    for f in right:
        if f.id in mine:
            outcome.append(goal.inside(mine[f.id], f.type, f".{f.key}"))
        elif not nullable(f.type):
            outcome.append(Violation(goal, "field", str(f.key)))
    return outcome


def _variants(goal: Goal, left: Variant, right: Variant) -> Outcome:
    """Check variants: every case on the left is a case on the right."""
    theirs = {f.id: f.type for f in right.fields}
    return [
        goal.inside(f.type, theirs[f.id], f".{f.key}")
        if f.id in theirs
        else Violation(goal, "case", str(f.key))
        for f in left.fields
    ]


def _funcs(goal: Goal, left: Func, right: Func) -> Outcome:
    """Check functions: equal modes, contravariant arguments, covariant results, both as tuples."""
    if left.mode != right.mode:
        return (Violation(goal, "mode"),)
    arguments_goal = Goal(right, left, f"{goal.path}.args", contravariant=not goal.contravariant)
    results = Goal(left, right, f"{goal.path}.results", contravariant=goal.contravariant)
    return [
        *sequence_goals(arguments_goal, right.arg_types, left.arg_types),
        *sequence_goals(results, left.return_types, right.return_types),
    ]


def sequence_goals(goal: Goal, left: Sequence[Type], right: Sequence[Type]) -> Outcome:
    """Compare two sequences of types: extra ones on the left are ignored, missing ones must be nullable."""
    outcome: list[Goal | Violation] = [
        goal.inside(mine, theirs, f"[{index}]")
        for index, (mine, theirs) in enumerate(zip(left, right, strict=False))
    ]
    required = [index for index in range(len(left), len(right)) if not nullable(right[index])]
    outcome.extend(
        Violation(goal.inside(EMPTY, right[index], f"[{index}]"), "argument", str(index))
        for index in required
    )
    return outcome


def _services(goal: Goal, left: ServiceType, right: ServiceType) -> Outcome:
    """Check services: every method on the right exists on the left."""
    mine = dict(left.methods)
    return [
        goal.inside(mine[name], method, f".{name}") if name in mine else Violation(goal, "method", name)
        for name, method in right.methods
    ]
