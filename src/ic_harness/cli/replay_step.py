"""`ic-harness replay --step`: the messages of a failure, forwards and backwards, with the state around each."""

from __future__ import annotations

import shlex
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Final

import click

from ic_harness.candid import decode, format_values, message_types
from ic_harness.errors import CandidError, HarnessError, InputError
from ic_harness.history import (
    CanisterState,
    Failure,
    FailureRecording,
    History,
    Moment,
    Step,
    sequence_of,
    sequence_text,
)
from ic_harness.networks import EmbeddedNetwork, encode_arguments, fetch_interface, find_method
from ic_harness.principal import Principal
from ic_harness.suggestions import suggest
from ic_harness.text import clean, one_line

if TYPE_CHECKING:
    from ic_harness.candid import Method

HELP: Final = """\
next [N]                 go forward; back [N] goes back, goto N to a message
list [N]                 the messages around this one
sequence [N]             the calls between canisters up to this message
state [CANISTER]         cycles, memories, certified data before and after the message
logs [CANISTER]          what the canister has printed
query CANISTER METHOD ['(ARGUMENTS)']   ask the canister as it was after the message
quit"""
_AROUND: Final = 5
_WIDTH: Final = 160
_SHOWN_BYTES: Final = 32


class Stepper:
    """Where one is in a history, and the commands."""

    def __init__(self, failure: Failure) -> None:
        self.history = History(FailureRecording(failure), EmbeddedNetwork)
        self.history.names.update({Principal(raw): name for raw, name in failure.names})
        self._steps = self.history[:]
        self._here = len(self._steps) - 1
        self._commands: dict[str, Callable[[list[str]], None]] = {
            "next": self.next,
            "back": self.back,
            "goto": self.goto,
            "list": self.around,
            "sequence": self.sequence,
            "state": self.state,
            "logs": self.logs,
            "query": self.query,
            "help": lambda _: click.echo(HELP),
        }

    def run(self, lines: Iterable[str]) -> None:
        """Carry out commands, one a line, up to `quit` or the end; errors are shown, and the next is carried out."""
        if not self._steps:
            click.echo("no message was executed")
            return
        self._show()
        for line in lines:
            try:
                words = shlex.split(line)
                if words and words[0] in ("quit", "q", "exit"):
                    return
                if words:
                    self._command(words[0])(words[1:])
            except (HarnessError, ValueError) as error:
                click.echo(clean(f"error: {one_line(str(error), 2 * _WIDTH)}"))

    def _command(self, word: str) -> Callable[[list[str]], None]:
        found = [name for name in self._commands if name.startswith(word)]
        if not found:
            raise InputError(f"no command {word!r}; {suggest(word, list(self._commands))}")
        return self._commands[found[0]]

    @property
    def _step(self) -> Step:
        return self._steps[self._here]

    def _show(self) -> None:
        click.echo(clean(self._line(self._step, mark="▶")))

    def _line(self, step: Step, mark: str = " ") -> str:
        message = step.message
        who = (
            f"{self._name(message.caller)} → "
            if message.caller is not None and message.kind == "request"
            else ""
        )
        trap = f"  TRAP {message.trap}" if message.trap else ""
        return one_line(
            f"{mark}{message.number:>5}  {message.kind:<10} {who}{self._name(message.canister)}.{message.method}"
            f"  {message.instructions:,} instructions{trap}",
            _WIDTH,
        )

    def _name(self, principal: Principal) -> str:
        return self.history.names.get(principal) or str(principal)

    # --- commands -------------------------------------------------------------------------------------------

    def next(self, words: list[str]) -> None:
        """Go forward."""
        self._move(self._here + _number(words, 1))

    def back(self, words: list[str]) -> None:
        """Go back."""
        self._move(self._here - _number(words, 1))

    def goto(self, words: list[str]) -> None:
        """Go to a message by its number."""
        self._move(_number(words, self._here))

    def _move(self, to: int) -> None:
        if not 0 <= to < len(self._steps):
            raise InputError(f"there is no message {to}: they are 0 to {len(self._steps) - 1}")
        self._here = to
        self._show()

    def around(self, words: list[str]) -> None:
        """Show the messages around this one."""
        width = _number(words, _AROUND)
        for index in range(max(0, self._here - width), min(len(self._steps), self._here + width + 1)):
            click.echo(clean(self._line(self._steps[index], mark="▶" if index == self._here else " ")))

    def sequence(self, words: list[str]) -> None:
        """Show the calls between canisters up to this message."""
        most = _number(words, 20)
        made = [step.message for step in self._steps[: self._here + 1]]
        click.echo(clean(sequence_text(sequence_of(made, self.history.names, most)), max_line=_WIDTH * 2))

    def state(self, words: list[str]) -> None:
        """Show a canister before and after the message."""
        canister = self._canister(words)
        before, after = _state(self._step.before, canister), _state(self._step.after, canister)
        click.echo(clean(f"{self._name(canister)} before and after message {self._here}"))
        for name in ("cycles", "version", "heap", "stable_memory", "certified_data", "open_calls"):
            click.echo(clean(f"  {name.replace('_', ' '):<15}{_change(before, after, name)}"))

    def logs(self, words: list[str]) -> None:
        """Show what a canister has printed by the end of the message."""
        canister = self._canister(words)
        for line in self._step.after(canister).logs:
            click.echo(clean(f"  {one_line(line, _WIDTH)}"))

    def query(self, words: list[str]) -> None:
        """Query a canister as it was after the message."""
        if not 2 <= len(words) <= 3:
            raise InputError("query takes a canister, a method, and arguments such as '(1, \"text\")'")
        canister, text = self._canister(words[:1]), words[2] if len(words) == 3 else "()"
        moment = self._step.after
        method = _method(moment, canister, words[1])
        arg = encode_arguments(text, () if method is None else method.arg_types)
        reply = moment.query(canister, words[1], arg)
        click.echo(clean(one_line(_values(reply, method), 10 * _WIDTH)))

    def _canister(self, words: list[str]) -> Principal:
        """Find a canister by name or id; without one it is that of the message."""
        if not words:
            return self._step.message.canister
        named = [principal for principal, name in self.history.names.items() if name == words[0]]
        return named[0] if named else Principal.of(words[0])


def _number(words: list[str], default: int) -> int:
    if not words:
        return default
    if not words[0].isdecimal() or len(words[0]) > 9:
        raise InputError(f"{words[0]!r} is no number")
    return int(words[0])


def _state(moment: Moment, canister: Principal) -> CanisterState | None:
    return moment(canister) if canister in moment.canisters else None


def _change(before: CanisterState | None, after: CanisterState | None, name: str) -> str:
    """One field of a canister before and after a message."""
    old, new = (None if state is None else getattr(state, name) for state in (before, after))
    if isinstance(old, bytes) and isinstance(new, bytes) and old != new and len(new) > _SHOWN_BYTES:
        changed = [place for place, (a, b) in enumerate(zip(old, new, strict=False)) if a != b]
        where = f", first at {changed[0]:,}: {new[changed[0] : changed[0] + 16].hex()}" if changed else ""
        return f"{len(old):,} → {len(new):,} bytes, {len(changed):,} changed{where}"
    return _shown(old) if old == new else f"{_shown(old)} → {_shown(new)}"


def _shown(value: object) -> str:
    if isinstance(value, bytes):
        return f"{value.hex() or 'empty'}" if len(value) <= _SHOWN_BYTES else f"{len(value):,} bytes"
    return f"{value:,}" if isinstance(value, int) else "no canister"


def _method(moment: Moment, canister: Principal, name: str) -> Method | None:
    """Find a method in the interface that the canister publishes; None where it publishes none."""
    try:
        service = fetch_interface(moment.network.agent(), canister)
    except InputError:
        return None
    return find_method(service, name)


def _values(reply: bytes, method: Method | None) -> str:
    try:
        types = message_types(reply) if method is None else method.return_types
        return format_values(decode(reply, types), types)
    except CandidError as error:
        return f"{len(reply):,} bytes that are no Candid ({error}): {reply[:_SHOWN_BYTES].hex()}"
