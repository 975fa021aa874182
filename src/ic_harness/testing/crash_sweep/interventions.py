"""What a sweep does to a recorded scenario: one intervention a run, each with an id that names it for good.

Only what the Internet Computer can really do is planned. A message is a transaction, so it makes no difference where
within it a trap happens; a limit of instructions is planned besides, because it is another reject (IC0522). A reply of
a call with unbounded wait is never lost after the callee has run, so lost replies are planned for calls with bounded
wait only, unless the sweep is asked for all.
"""

from __future__ import annotations

import enum
from collections.abc import Iterator, Mapping, Sequence
from typing import Final, TypeAlias

from ic_harness.lazy_dataclass import dataclass
from ic_harness.replica import (
    InjectedReject,
    InjectedTrap,
    InstructionLimit,
    MessageKind,
    Rejected,
    TrackedMessage,
)

AT_THE_END: Final = ""
"""The label of no message: after the last one."""
_UNREACHABLE: Final = Rejected(
    2, "The crash sweep rejected this call: the callee was not reached.", 202, bare=True
)
_UNKNOWN: Final = Rejected(6, "The crash sweep lost the reply: the callee may have run.", 601, bare=True)

Change: TypeAlias = InjectedTrap | InstructionLimit | InjectedReject


class Kind(enum.StrEnum):
    """The kinds of interventions."""

    TRAP = "trap"
    """A message traps."""
    LIMIT = "limit"
    """A message runs out of instructions."""
    REJECT = "reject"
    """A call between canisters is rejected, and its callee does not run."""
    LOST_REPLY = "lost reply"
    """The callee has run, and its reply becomes a reject."""
    STOP = "stop"
    """A canister is stopped before a message of its own; it is started when everything is settled."""
    UPGRADE = "upgrade"
    """A canister is stopped, upgraded to the same module and started before a message of its own, or at the end."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Recorded:
    """A message of the scenario, as it ran without any intervention."""

    message: TrackedMessage
    instructions: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Intervention:
    """One intervention: what is done at the message with the label `at`, or to `canister` before it."""

    id: str
    kind: Kind
    at: str
    change: Change | None = None
    canister: bytes = b""


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """Which interventions are wanted. `limits` is into how many parts the instructions of a message are divided."""

    kinds: frozenset[Kind]
    limits: int = 2
    lost_replies: str = "bounded"


def plan(recorded: Sequence[Recorded], choice: Choice, names: Mapping[bytes, str]) -> list[Intervention]:
    """List all interventions in a recorded scenario; `names` are those of the canisters that may be stopped."""
    found = [one for message in recorded for one in _at(message, choice, names)]
    if Kind.UPGRADE in choice.kinds:
        ran = dict.fromkeys(one.message.canister for one in recorded)
        found += [
            Intervention(
                id=f"{names[canister]} upgraded at the end",
                kind=Kind.UPGRADE,
                at=AT_THE_END,
                canister=canister,
            )
            for canister in ran
            if canister in names
        ]
    return [one for one in found if one.kind in choice.kinds]


def _at(recorded: Recorded, choice: Choice, names: Mapping[bytes, str]) -> Iterator[Intervention]:
    message = recorded.message
    label = message.label
    yield Intervention(
        id=f"{label} trapped", kind=Kind.TRAP, at=label, change=InjectedTrap("injected by the crash sweep")
    )
    for part in range(1, choice.limits):
        limit = recorded.instructions * part // choice.limits
        if limit:
            yield Intervention(
                id=f"{label} limited to {part}/{choice.limits} of its instructions",
                kind=Kind.LIMIT,
                at=label,
                change=InstructionLimit(limit),
            )
    if message.from_canister:
        yield Intervention(
            id=f"{label} rejected", kind=Kind.REJECT, at=label, change=InjectedReject(_UNREACHABLE)
        )
    if message.kind is MessageKind.REPLY and (message.bounded or choice.lost_replies == "all"):
        yield Intervention(
            id=f"{label} lost", kind=Kind.LOST_REPLY, at=label, change=InjectedReject(_UNKNOWN)
        )
    if message.canister in names and message.kind is not MessageKind.TASK:
        name = names[message.canister]
        for kind, done in ((Kind.STOP, "stopped"), (Kind.UPGRADE, "upgraded")):
            yield Intervention(
                id=f"{name} {done} before {label}", kind=kind, at=label, canister=message.canister
            )
