"""The invariants that are built in, and the exception by which one is broken."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import Any, Final

from ic_harness.errors import InputError
from ic_harness.suggestions import suggest

NO_TRAP: Final = "no-trap"
INTERFACE: Final = "interface"
PURE_QUERIES: Final = "pure-queries"
UPGRADE_KEEPS: Final = "upgrade-keeps"
INSTRUCTIONS: Final = "instructions"
OWNERSHIP: Final = "ownership"
INVARIANTS: Final = {
    NO_TRAP: "no call with arguments of the right types traps; a reject is an answer",
    INTERFACE: "every method of the interface exists in its mode, and replies have the types that it states",
    PURE_QUERIES: "a query that is asked again at once answers the same",
    UPGRADE_KEEPS: "an upgrade between any two calls succeeds and changes no answer of a query",
    INSTRUCTIONS: "no call executes more instructions than the limit",
    OWNERSHIP: "no call of another caller changes what queries show to its owner only",
}
"""What each invariant says, by name."""
OWN: Final = "own"
"""The name under which broken invariants of the user are reported, with the function's name."""


class BrokenInvariantError(Exception):
    """An invariant that a step broke. Failures with the same `key` are the same fault.

    `question` is the query whose answer changed: caller, method and arguments.
    """

    def __init__(
        self,
        invariant: str,
        subject: str,
        message: str,
        question: tuple[str, str, tuple[Any, ...]] | None = None,
    ) -> None:
        super().__init__(message)
        self.question = question
        self.invariant = invariant
        self.subject = subject
        self.message = message

    @property
    def key(self) -> tuple[str, str]:
        """The invariant, and the method or function that it was broken by."""
        return self.invariant, self.subject


def chosen_invariants(wanted: Iterable[str] | None, without: Iterable[str] = ()) -> frozenset[str]:
    """Return the names of the invariants to check; None are all. Raises `InputError` for an unknown name."""
    known: Collection[str] = INVARIANTS
    names = list(known if wanted is None else wanted)
    left_out = list(without)
    for name in (*names, *left_out):
        if name not in known:
            raise InputError(f"there is no invariant {name!r}; {suggest(name, known)}")
    return frozenset(names) - frozenset(left_out)
