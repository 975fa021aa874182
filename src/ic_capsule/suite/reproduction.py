"""Repeats the calls of a failed check: runs the code that a report prints.

    from ic_capsule.suite.reproduction import scene

    with scene("backend.wasm.gz") as stage:
        alice = stage.client("alice")
        …

Every call is printed with its outcome; a refusal is printed and returned, so that the code goes on as the check did.
"""

from __future__ import annotations

import secrets
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from hashlib import sha256
from pathlib import Path
from typing import Any, Final, TextIO

from ic_capsule.backend import reference_wasm
from ic_harness.errors import HarnessError, InputError
from ic_harness.networks import embedded, open_network
from ic_harness.principal import Principal
from ic_harness.protocol import Ed25519Identity
from ic_harness.testing.call_log import CallLog, CallRecord
from ic_harness.testing.results import CheckResult
from ic_harness.testing.runner import describe, run_check

from .checks import CHECKS
from .context import Caller, CheckContext
from .sample_data import content

__all__ = ["Principal", "content", "rerun", "scene"]

REFERENCE: Final = "reference"
"""The target that means the reference backend of this package."""


class _Echo(CallLog):
    """A call log that prints each call as it is made."""

    def __init__(self, output: TextIO) -> None:
        super().__init__()
        self._output = output

    def add(self, step: CallRecord, call: Any = None) -> None:
        """Record a call and print it."""
        super().add(step, call)
        self._output.write(f"{self.count}. {step}\n")


class _Lenient:
    """A client that returns errors instead of raising them."""

    def __init__(self, context: CheckContext, caller: Caller) -> None:
        self._open_context = context
        self._caller = caller

    @property
    def principal(self) -> Principal:
        """The caller's principal."""
        return self._caller.principal

    def call(self, method: str, types: str, *values: object) -> Any:
        """Make an update call of a method that the client does not have; `types` such as `(nat64, text)`."""
        return _lenient(self._open_context.call)(self._caller, method, types, *values)

    def __getattr__(self, name: str) -> Any:
        return _lenient(getattr(self._caller.backend, name))


def _lenient(method: Callable[..., Any]) -> Callable[..., Any]:
    def call(*args: Any, **named: Any) -> Any:
        try:
            return method(*args, **named)
        except HarnessError as error:
            return error

    return call


class ReproductionContext:
    """The object that pasted reproduction code calls `stage`."""

    def __init__(self, context: CheckContext) -> None:
        self._open_context = context
        self.upgrade = context.upgrade
        self.advance = context.advance

    def client(self, name: str) -> Any:
        """Return the client of a caller; `anonymous` does not sign, `controller` controls the canister."""
        if name == "anonymous":
            return _Lenient(self._open_context, self._open_context.anonymous())
        known = self._open_context.controller() if name == "controller" else self._open_context.caller(name)
        return _Lenient(self._open_context, known)

    def in_one_round(self, calls: Sequence[Callable[[], Any]]) -> list[Any]:
        """Make calls that the network executes in the same round."""
        return self._open_context.in_one_round(calls)

    def at_once(self, calls: Sequence[Callable[[], Any]]) -> list[Any]:
        """Make calls at the same time."""
        return self._open_context.at_once(calls)


@contextmanager
def scene(target: str, output: TextIO | None = None) -> Iterator[ReproductionContext]:
    """Open the canister that `target` names and print the calls that the block makes.

    A path is installed into an embedded network, `reference` means the reference backend, and `NETWORK:CANISTER` a
    running canister. Raises `InputError` when the file cannot be read, and what an unreachable network raises.
    """
    with _open_context(target) as context:
        context.call_log = _Echo(output or sys.stdout)
        yield ReproductionContext(context)


@contextmanager
def _open_context(target: str) -> Iterator[CheckContext]:
    network, _, canister = target.rpartition(":")
    if network and not Path(target).exists():
        salt = secrets.token_bytes(16)
        with open_network(network) as opened:
            yield CheckContext(
                opened, Principal.from_text(canister), lambda name: _identity(salt, name), target=target
            )
        return
    wasm = reference_wasm() if target == REFERENCE else _bytes(Path(target))
    with embedded() as opened:
        made = opened.deploy(wasm)
        yield CheckContext(
            opened,
            made,
            lambda name: _identity(b"", name),
            controller=opened.deployer,
            upgrade=lambda: opened.install(made, wasm, mode="upgrade"),
            target=target,
        )


def _identity(salt: bytes, name: str) -> Ed25519Identity:
    return Ed25519Identity.from_seed(sha256(salt + name.encode()).digest())


def _bytes(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise InputError(f"cannot read {path}: {error.strerror}") from error


def rerun(name: str, target: str) -> CheckResult:
    """Run the check of that name on `target` and print what it finds. Raises `InputError` for an unknown check."""
    check = next((check for check in CHECKS if check.name == name), None)
    if check is None:
        raise InputError(f"there is no check {name!r}")
    with _open_context(target) as context:
        context.call_log = _Echo(sys.stdout)
        found = run_check(check, context)
    sys.stdout.write(f"\n{describe(found)}\n" if found.reported else f"\n{name}: {found.outcome.value}\n")
    return found
