"""Small canisters written as Wasm text, and the environments they run in."""

from __future__ import annotations

import re
from functools import cache

import wasmtime

from ic_harness.replica.execution import Completed, Entry, Environment, Mode, Reply, Trapped
from ic_harness.replica.execution.table import BY_NAME

CANISTER = bytes.fromhex("00000000000000010101")
TYPES = {"i": "i32", "l": "i64"}


def imports(names: list[str], *, is_64: bool = False) -> str:
    """Import lines for system functions, called `$ic0.<name>` in the text."""
    types = TYPES | {"I": "i64" if is_64 else "i32"}
    lines = []
    for name in names:
        row = BY_NAME[name]
        params = "".join(f" (param {types[letter]})" for letter in row.params)
        results = "".join(f" (result {types[letter]})" for letter in row.results)
        lines.append(f'(import "ic0" "{name}" (func $ic0.{name}{params}{results}))')
    return "\n".join(lines)


@cache
def canister(body: str, *, is_64: bool = False, memory: str = "(memory 1)") -> bytes:
    """A module from functions and declarations; system functions that the text calls are imported."""
    names = sorted(set(re.findall(r"\$ic0\.(\w+)", body)))
    return bytes(wasmtime.wat2wasm(f"(module {imports(names, is_64=is_64)} {memory} {body})"))


def environment(mode: Mode = Mode.UPDATE, **fields) -> Environment:
    """An environment with cycles and identity filled in."""
    defaults = {"canister_id": CANISTER, "balance": 10**13, "liquid_balance": 10**13, "time_ns": 10**18}
    return Environment(mode=mode, **{**defaults, **fields})


class Harness:
    """An instance whose messages are committed or rolled back as the replica does it."""

    def __init__(self, engine, wasm: bytes) -> None:
        self.engine = engine
        self.module = engine.compile(wasm)
        self.instance = engine.instantiate(self.module)
        started = self.instance.start(environment(Mode.START))
        assert isinstance(started, Completed), started
        self.instance.commit()

    def run(self, name: str, mode: Mode = Mode.UPDATE, **fields) -> Completed | Trapped:
        """Run `canister_update <name>` (or an entry point by its full name) and commit it if it succeeds."""
        export = name if name.startswith("canister_") else f"canister_update {name}"
        return self.enter(Entry(export=export), mode, **fields)

    def enter(self, entry: Entry, mode: Mode, **fields) -> Completed | Trapped:
        """Run an entry; commit it if it succeeds, roll it back if it is a query."""
        outcome: Completed | Trapped = self.instance.run(entry, environment(mode, **fields))
        if mode is Mode.QUERY:
            self.instance.rollback()
        elif isinstance(outcome, Completed):
            self.instance.commit()
        return outcome

    def ok(self, name: str, mode: Mode = Mode.UPDATE, **fields) -> Completed:
        """Run and insist on success."""
        outcome = self.run(name, mode, **fields)
        assert isinstance(outcome, Completed), outcome
        return outcome

    def trap(self, name: str, mode: Mode = Mode.UPDATE, **fields) -> Trapped:
        """Run and insist on a trap."""
        outcome = self.run(name, mode, **fields)
        assert isinstance(outcome, Trapped), outcome
        return outcome

    def reply(self, name: str, mode: Mode = Mode.UPDATE, **fields) -> bytes:
        """Run and return the reply."""
        answer = self.ok(name, mode, **fields).effects.answer
        assert isinstance(answer, Reply), answer
        return answer.data
