"""The calls between users and canisters as a sequence: participants, and the arrows between them in order."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import field

from ic_harness.lazy_dataclass import dataclass
from ic_harness.principal import Principal
from ic_harness.replica.recording import Answer, Rejected
from ic_harness.text import one_line

from .messages import Message

_LABEL = 60
"""Characters of a label."""
_SHORT = 5
"""Characters of an id without a name, from its beginning."""


@dataclass(frozen=True, slots=True)
class Arrow:
    """One line of a sequence: `kind` is call, reply, reject, task or trap; source and target are participants."""

    number: int
    source: str
    target: str
    kind: str
    label: str
    detail: str = ""


@dataclass(slots=True)
class SequenceChart:
    """Participants in the order of their first appearance, arrows, and how many earlier messages are left out."""

    participants: list[str] = field(default_factory=list)
    arrows: list[Arrow] = field(default_factory=list)
    left_out: int = 0


def sequence_of(messages: Sequence[Message], names: Mapping[Principal, str], most: int) -> SequenceChart:
    """Return the sequence of the last `most` messages."""
    maker = _Maker(names)
    shown = messages[-most:] if most else []
    maker.chart.left_out = len(messages) - len(shown)
    for message in shown:
        maker.add(message)
    return maker.chart


class _Maker:
    def __init__(self, names: Mapping[Principal, str]) -> None:
        self._names = names
        self._callers: dict[tuple[Principal, int], Principal] = {}
        self._known: dict[Principal, str] = {}
        self.chart = SequenceChart()

    def add(self, message: Message) -> None:
        """Add the arrows of a message: the call, its trap, the calls to the management canister, the answers."""
        called = message.kind in ("request", "management")
        caller = self._participant(message.caller or message.canister) if called else ""
        here = self._participant(message.canister)
        if called:
            self._arrow(message, caller, here, "call", message.method)
        elif message.kind == "task":
            self._arrow(message, here, here, "task", message.method)
        if message.trap:
            what = message.method if message.kind in ("request", "task") else f"{message.kind} callback"
            self._arrow(message, here, here, "trap", f"{what} trapped", message.trap)
        for call in message.calls:
            if not call.callee.raw:
                self._arrow(message, here, self._participant(call.callee), "call", call.method)
        for asker, answer in message.answers:
            if asker is not None:
                self._answer(message, here, self._participant(asker), answer)

    def _answer(self, message: Message, source: str, target: str, answer: Answer) -> None:
        if isinstance(answer, Rejected):
            self._arrow(message, source, target, "reject", answer.error_name, answer.message)
        else:
            self._arrow(message, source, target, "reply", f"{len(answer.data):,} bytes")

    def _arrow(
        self, message: Message, source: str, target: str, kind: str, label: str, detail: str = ""
    ) -> None:
        arrow = Arrow(
            message.number, source, target, kind, one_line(label, _LABEL), one_line(detail, 4 * _LABEL)
        )
        self.chart.arrows.append(arrow)

    def _participant(self, principal: Principal) -> str:
        if principal not in self._known:
            name = self._names.get(principal) or _short(principal)
            if name in self._known.values():
                name = f"{name} {str(principal)[:_SHORT]}"
            while name in self._known.values():
                name += "'"
            self._known[principal] = one_line(name, _LABEL)
            self.chart.participants.append(self._known[principal])
        return self._known[principal]


def _short(principal: Principal) -> str:
    text = str(principal)
    return text if len(text) <= 3 * _SHORT else f"{text[:_SHORT]}…{text[-3:]}"


_MARKS = {"call": "──▶", "reply": "┄┄▷", "reject": "┄┄✗", "task": "⟳", "trap": "✗"}


def sequence_text(chart: SequenceChart) -> str:
    """Write a sequence as text, one line an arrow."""
    head = [f"… {chart.left_out:,} earlier messages …"] if chart.left_out else []
    return "\n".join([*head, *map(_line, chart.arrows)])


def _line(arrow: Arrow) -> str:
    detail = f": {arrow.detail}" if arrow.detail else ""
    if arrow.kind in ("task", "trap"):
        return f"{arrow.number:>5}  {arrow.source} {_MARKS[arrow.kind]} {arrow.label}{detail}"
    return f"{arrow.number:>5}  {arrow.source} {_MARKS[arrow.kind]} {arrow.target}  {arrow.label}{detail}"
