"""Writes failures as tests of pytest, which fail in the same way.

A test deploys the module, makes the calls of the sequence, and asserts the invariant after the last one. The owner is
the network's deployer, as in the search: a canister may give rights to the caller of its `init`.
"""

from __future__ import annotations

import keyword
import os
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from ic_harness.candid import FuncRef, ServiceRef, Some
from ic_harness.errors import InputError
from ic_harness.files import write_atomically
from ic_harness.lazy_dataclass import dataclass
from ic_harness.principal import Principal
from ic_harness.text import one_line

from .invariants import INSTRUCTIONS, OWN, OWNERSHIP, PURE_QUERIES, UPGRADE_KEEPS
from .report import Failure
from .steps import Call, Step, Wait
from .subject import ANONYMOUS, OWNER, Subject

_HEAD: Final = '''"""Written by ic-harness fuzz with the seed {seed}. Each test fails while its fault is there."""

from contextlib import suppress
from pathlib import Path

from ic_harness.candid import FuncRef, ServiceRef, Some
from ic_harness.errors import RejectError
from ic_harness.networks import lifecycle
from ic_harness.principal import Principal

HERE = Path(__file__).parent
{own}'''


@dataclass(frozen=True, slots=True, kw_only=True)
class Sources:
    """What a test deploys: the module, its interface where it is a file, values of `init`, and the next module."""

    wasm: Path
    candid: Path | None = None
    arguments: tuple[Any, ...] = ()
    upgrade_to: Path | None = None
    instructions: int
    modules: Mapping[Any, Path]
    """The files of the user's own invariants, by function."""


def write_tests(
    file: Path, failures: Sequence[Failure], subject: Subject, sources: Sources, seed: int
) -> None:
    """Write a test for each failure into `file`, replacing it. Raises `InputError` when it cannot be written."""
    writer = _Writer(file, subject, sources)
    names: dict[str, int] = {}
    tests = []
    for failure in failures:
        name = re.sub(r"\W+", "_", f"{failure.invariant}_{failure.subject}".lower())
        names[name] = names.get(name, 0) + 1
        tests.append("\n".join(writer.test(f"{name}_{names[name]}" if names[name] > 1 else name, failure)))
    own = "".join(writer.imports(failures))
    text = _HEAD.format(seed=seed, own=own) + "".join(f"\n\n{test}\n" for test in tests)
    try:
        write_atomically(file, [text.encode()])
    except OSError as error:
        raise InputError(f"cannot write {file}: {error.strerror}") from error


class _Writer:
    """Writes the steps of failures as lines of Python."""

    def __init__(self, file: Path, subject: Subject, sources: Sources) -> None:
        self._folder = file.resolve().parent
        self._sources = sources
        self._principals = {
            principal: _identity(name) for name, principal in subject.callers.items() if name != ANONYMOUS
        }

    def imports(self, failures: Iterable[Failure]) -> Iterator[str]:
        """Return what loads the user's own invariants."""
        for failure in failures:
            if failure.function is not None:
                path = self._path(self._sources.modules[failure.function])
                name = failure.function.__name__
                yield f'\nimport runpy\n\n{name} = runpy.run_path(str({path}))["{name}"]\n'

    def test(self, name: str, failure: Failure) -> Iterator[str]:
        """Return the lines of one test."""
        yield f"def test_{name}(deploy, identity, network):"
        yield f'    """{_docstring(failure.message)}"""'
        sources = self._sources
        given = [self._path(sources.wasm), *map(self.literal, sources.arguments)]
        if sources.candid is not None:
            given.append(f"candid={self._path(sources.candid)}")
        yield f"    canister = deploy({', '.join(given)}).as_(network.deployer)"
        indent = "    "
        if failure.invariant == INSTRUCTIONS:
            yield f"    with network.limited(instructions={sources.instructions}):"
            indent = "        "
        for number, step in enumerate(failure.steps):
            last = number == len(failure.steps) - 1
            lines = (
                self._last(step, failure) if last else self._step(step, rejected=number in failure.rejected)
            )
            yield from (f"{indent}{line}" for line in lines)

    def _step(self, step: Step, *, rejected: bool) -> Iterator[str]:
        if isinstance(step, Call):
            call = self._call(step.caller, step.method, step.args)
            if rejected:
                yield "with suppress(RejectError):"
            yield f"    {call}" if rejected else call
        elif isinstance(step, Wait):
            yield f"network.advance_time({step.seconds * 1_000_000_000})"
            yield "network.tick()"
        else:
            yield f"lifecycle(canister).upgrade({self._next()})"

    def _last(self, step: Step, failure: Failure) -> Iterator[str]:
        """Return the last step with the assertion that fails."""
        if failure.question is not None and failure.invariant in (UPGRADE_KEEPS, OWNERSHIP):
            asked = self._call(*failure.question)
            yield f"before = {asked}"
            yield from self._step(step, rejected=len(failure.steps) - 1 in failure.rejected)
            yield f"assert {asked} == before"
        elif failure.invariant == PURE_QUERIES and isinstance(step, Call):
            asked = self._call(step.caller, step.method, step.args)
            yield f"assert {asked} == {asked}"
        else:
            yield from self._step(
                step, rejected=failure.invariant == OWN and len(failure.steps) - 1 in failure.rejected
            )
        if failure.invariant == OWN:
            yield f"{failure.function.__name__}(canister)"

    def _call(self, caller: str, method: str, args: Sequence[Any]) -> str:
        shown = [self.literal(value) for value in args]
        if method.isidentifier() and not keyword.iskeyword(method) and not method.startswith("_"):
            return f"{_client(caller)}.{method}({', '.join(shown)})"
        return f"lifecycle({_client(caller)}).call({', '.join([repr(method), *shown])})"

    def _next(self) -> str:
        return "" if self._sources.upgrade_to is None else self._path(self._sources.upgrade_to)

    def _path(self, path: Path) -> str:
        try:
            return f"HERE / {os.path.relpath(path.resolve(), self._folder)!r}"
        except ValueError:  # Windows: on another drive
            return f"Path({str(path.resolve())!r})"

    def literal(self, value: Any) -> str:  # noqa: PLR0911 - a return for each kind
        """Return a value as Python code."""
        if isinstance(value, Principal):
            return self._principals.get(value) or f"Principal.from_text({str(value)!r})"
        if isinstance(value, Some):
            return f"Some({self.literal(value.value)})"
        if isinstance(value, FuncRef):
            return f"FuncRef({self.literal(value.principal)}, {value.method!r})"
        if isinstance(value, ServiceRef):
            return f"ServiceRef({self.literal(value.principal)})"
        if isinstance(value, dict):
            return "{" + ", ".join(f"{key!r}: {self.literal(item)}" for key, item in value.items()) + "}"
        if isinstance(value, list):
            return f"[{', '.join(map(self.literal, value))}]"
        if isinstance(value, tuple):
            return f"({''.join(f'{self.literal(item)}, ' for item in value)})"
        return f"float({str(value)!r})" if isinstance(value, float) else repr(value)


def _identity(name: str) -> str:
    return "network.deployer.principal" if name == OWNER else f"identity({name!r}).principal"


def _client(name: str) -> str:
    if name == OWNER:
        return "canister"
    who = repr(str(Principal.anonymous())) if name == ANONYMOUS else f"identity({name!r})"
    return f"canister.as_({who})"


def _docstring(text: str) -> str:
    return one_line(text, 100).replace("\\", "/").replace('"', "'")
