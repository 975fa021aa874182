"""The ledgers that judge the suite: ours (healthy, or with one fault) and the one that others wrote."""

from __future__ import annotations

import gzip
import hashlib
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from functools import cache, partial
from pathlib import Path

import pytest

from ic_harness.icrc.checks import conservation
from ic_harness.icrc.suite import LedgerSuite
from ic_harness.networks import embedded, read_interface
from ic_harness.protocol import Ed25519Identity
from ic_harness.testing.gate import Build
from ic_harness.testing.results import CheckResult, Outcome
from ic_harness.testing.target import Target
from tests.interop.build_canisters import FAULTY, HEALTHY, LEDGERS, ledger_patch
from tests.judge_files import judge_file

__all__ = [
    "FAULTY",
    "FOLDER",
    "HEALTHY",
    "LEDGERS",
    "PAGE",
    "broken",
    "build",
    "few_tries",
    "judged",
    "ledger_patch",
    "real_ledger",
    "real_ledger_interface",
    "wasm",
]

ROOT = Path(__file__).resolve().parents[2]
PAGE = ROOT / "docs" / "icrc.md"
FOLDER = ROOT / "fixtures" / "canisters" / "ledgers"
_INSIDE = "pocketic-py/examples/ledger_canister"


def wasm(name: str = HEALTHY) -> bytes:
    """The committed module of a ledger of ours."""
    return gzip.decompress((FOLDER / f"{name}.wasm.gz").read_bytes())


def build(name: str = HEALTHY) -> Build:
    """A ledger of ours as the gate takes it; its interface is in the module."""
    return Build(name=f"{name}.wasm", wasm=wasm(name))


@cache
def real_ledger() -> Build:
    """The ledger of the judge; the test is skipped by name where the judges are not."""
    module = judge_file("pocketic-py", f"{_INSIDE}/ledger_canister.wasm")
    return Build(name="ledger_canister.wasm", wasm=module, interface=read_interface(real_ledger_interface()))


@cache
def real_ledger_interface() -> str:
    """The text of the ledger's `.did` file; the test is skipped by name where the judges are not."""
    return judge_file("pocketic-py", f"{_INSIDE}/ledger.did").decode()


def _identity(*parts: str) -> Ed25519Identity:
    return Ed25519Identity.from_seed(hashlib.sha256(" ".join(parts).encode()).digest())


@contextmanager
def judged(subject: Build) -> Iterator[Target]:
    """A ledger, installed with arguments that the suite chose, on a network of its own."""
    suite, shared = LedgerSuite(), partial(_identity, "shared")
    argument = suite.init_argument(subject, shared)
    assert argument is not None, "the suite does not know the arguments of init"
    upgrade = suite.upgrade_argument(subject, shared) or argument
    assert subject.wasm is not None, "the ledger has no module"
    with embedded() as network:
        canister = network.deploy(subject.wasm, argument)
        install = partial(network.install, canister, subject.wasm, upgrade, "upgrade")
        yield Target(network, canister, partial(_identity, "caller"), shared=shared, upgrade=install)


def broken(subject: Build, only: Collection[str] = ()) -> dict[str, CheckResult]:
    """The guarantees that the suite finds broken, each with the first result; `only` some are tried.

    Fails when a check could not be judged.
    """
    suite = LedgerSuite()
    found: dict[str, CheckResult] = {}
    with judged(subject) as target:
        for check in suite.checks:
            if only and check.guarantee.id not in only:
                continue
            with target.network.anchored():
                result = suite.run_check(check, target)
            assert result.outcome in (Outcome.PASSED, Outcome.FAILED), (check.name, result.message)
            if result.outcome is Outcome.FAILED:
                found.setdefault(check.guarantee.id, result)
    return found


@contextmanager
def few_tries(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Let the random check spend little on a short list of operations."""
    with monkeypatch.context() as patch:
        patch.setattr(conservation, "WORK", 0)
        yield
