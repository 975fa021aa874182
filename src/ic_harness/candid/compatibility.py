"""Checks whether a canister may be upgraded from one interface to another, and explains what breaks.

An upgrade is safe when the new service is a subtype of the old one: clients that know only the old
interface must still be able to encode their arguments and decode the replies.
"""

from __future__ import annotations

from ic_harness.candid.parser import parse
from ic_harness.candid.service import Method, Service
from ic_harness.candid.subtyping import Goal, Violation, sequence_goals, violations
from ic_harness.candid.types import Func, Type, format_type, quote_name
from ic_harness.lazy_dataclass import dataclass


@dataclass(frozen=True, slots=True)
class Incompatibility:
    """One reason why clients of the old interface break.

    `method` is the Candid name, `path` the position of the incompatible type (`args[0].assets[].bytes`; empty
    for the method itself), `message` one sentence, `old` and `new` the two types as text (empty where there is
    none).
    """

    method: str
    path: str
    message: str
    old: str = ""
    new: str = ""

    def __str__(self) -> str:
        place = f"{quote_name(self.method)}: {self.path}" if self.path else quote_name(self.method)
        return f"{place}: {self.message}"


def check_upgrade(old_did: str | Service, new_did: str | Service) -> list[Incompatibility]:
    """Return every change that breaks clients of the old interface; an empty list when the upgrade is safe.

    Interfaces are Candid text or parsed services. Raises `CandidError` when a text is not valid Candid.
    """
    old = parse(old_did) if isinstance(old_did, str) else old_did
    new = parse(new_did) if isinstance(new_did, str) else new_did
    found: list[Incompatibility] = []
    for name, method in old.methods.items():
        if name in new.methods:
            found += _compare(method, new.methods[name])
        else:
            found.append(
                Incompatibility(name, "", "the method is gone; keep it as long as old clients call it")
            )
    return found


def _compare(old: Method, new: Method) -> list[Incompatibility]:
    if old.mode != new.mode:
        message = f"was {_mode(old)}, is now {_mode(new)}; add a new method instead"
        return [Incompatibility(old.name, "", message, old.mode, new.mode)]
    arguments = sequence_goals(
        Goal(old.func, new.func, "args", contravariant=True), old.arg_types, new.arg_types
    )
    results = sequence_goals(Goal(new.func, old.func, "results"), new.return_types, old.return_types)
    direct = [part for part in (*arguments, *results) if isinstance(part, Violation)]
    goals = [part for part in (*arguments, *results) if isinstance(part, Goal)]
    return [_explain(old.name, violation) for violation in (*direct, *violations(*goals))]


def _mode(method: Method) -> str:
    return {"update": "an update", "query": "a query", "oneway": "oneway"}.get(
        method.mode, "a composite query"
    )


def _explain(method: str, violation: Violation) -> Incompatibility:
    goal = violation.goal
    inbound = goal.contravariant
    old, new = (goal.left, goal.right) if inbound else (goal.right, goal.left)
    sentences = _INBOUND if inbound else _OUTBOUND
    message = sentences[violation.reason].format(
        subject=violation.subject, old=_short(old), new=_short(new), modes=_modes(old, new)
    )
    return Incompatibility(method, goal.path, message, format_type(old), format_type(new))


_INBOUND = {
    "type": "old clients send {old}, which cannot be read as {new}",
    "field": "old clients do not send the field {subject}; make it opt",
    "case": "old clients may send the case {subject}, which is gone; keep it",
    "mode": "old clients pass a function that is {modes}",
    "method": "old clients pass a service without the method {subject}; do not require it",
    "argument": "old clients do not send this argument; make it opt, or add a new method",
}
_OUTBOUND = {
    "type": "{new} cannot be read as {old}, which old clients expect",
    "field": "old clients expect the field {subject}, which is gone; keep it",
    "case": "old clients do not know the case {subject}; put the variant into an opt, or add a new method",
    "mode": "old clients expect a function that is {modes}",
    "method": "old clients expect the method {subject} on this service; keep it",
    "argument": "old clients expect this result, which is gone; keep it",
}


def _modes(old: Type, new: Type) -> str:
    return f"{old.mode}, not {new.mode}" if isinstance(old, Func) and isinstance(new, Func) else ""


def _short(type_: Type) -> str:
    text = format_type(type_)
    return text if len(text) <= 60 else f"{text[:57]}…"
