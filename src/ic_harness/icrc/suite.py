"""The suite as the gate and pytest run it. The only file here that depends on `ic_harness.testing`."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import cached_property
from typing import Final

from ic_harness.candid import Type
from ic_harness.errors import RejectError
from ic_harness.networks import interface_of
from ic_harness.testing.assertions import NotApplicableError, UnmetNeedError, broken
from ic_harness.testing.call_log import CallRecord
from ic_harness.testing.check import Check
from ic_harness.testing.gate import Build, Identities, StageLog, Suite
from ic_harness.testing.guarantees import Guarantee
from ic_harness.testing.target import Target
from ic_harness.text import one_line

from . import assertions
from .arguments import ledger_arguments, upgrade_arguments
from .checks import CHECKS
from .checks.registry import CheckFunction
from .context import LedgerContext
from .guarantees import LEDGER_GUARANTEES
from .rehearsal import Stored, compare, go_on, store
from .treasury import find_treasury

MINTER: Final = "minter"
"""The shared identity that owns the minting account where the suite chose the arguments of `init`."""
_ROUNDS: Final = 10


class LedgerSuite(Suite):
    """ICRC-1 and ICRC-2."""

    name = "icrc"
    workload_name = "workload of the ledger"
    unfit = "it is no ICRC-1 ledger"

    @property
    def catalogue(self) -> Mapping[str, Guarantee]:
        """The guarantees of `guarantees.toml`."""
        return LEDGER_GUARANTEES

    @cached_property
    def _checks(self) -> tuple[Check, ...]:
        request = list(LEDGER_GUARANTEES)
        checks = [Check(LEDGER_GUARANTEES[check.id], _adapted(check.run)) for check in CHECKS]
        return tuple(sorted(checks, key=lambda check: request.index(check.guarantee.id)))

    @property
    def checks(self) -> Sequence[Check]:
        """Every check, in the order of the catalogue."""
        return self._checks

    def init_argument(self, build: Build, shared: Identities) -> bytes | None:
        """Return arguments that make the suite's own identity the minter, where the types are known."""
        return ledger_arguments(init_types(build), shared(MINTER).principal)

    def upgrade_argument(self, build: Build, shared: Identities) -> bytes | None:  # noqa: ARG002
        """Return the case `Upgrade` of ledgers that take one variant for `init` and `post_upgrade`."""
        return upgrade_arguments(init_types(build))

    def identify(self, target: Target, log: StageLog) -> str | None:
        """Return the standards that the ledger lists; None, after a fault, when it lists none."""
        try:
            listed = scene_of(target).reader.icrc1_supported_standards()
        except RejectError as error:
            log.fault(f"icrc1_supported_standards does not answer: {error}", "TM2")
            return None
        except UnmetNeedError as error:
            log.note(str(error))
            return "ICRC-1"
        return one_line(", ".join(sorted(standard.name for standard in listed)), 80) or "no standards"

    def fill(self, target: Target) -> Stored:
        """Store balances, allowances and a transaction that can be repeated."""
        with _translated():
            return store(scene_of(target))

    def verify(self, target: Target, state: Stored, log: StageLog, when: str) -> None:
        """Compare balances, allowances and the memory of transactions."""
        with log.proving("TU1", when), _translated():
            for text, id_ in compare(scene_of(target), state, when):
                log.fault(text, id_)

    def resume(self, target: Target, state: Stored, log: StageLog, when: str) -> None:  # noqa: ARG002
        """Make a new transfer between other accounts."""
        with log.proving("TU1", when), _translated():
            go_on(scene_of(target))

    def workload(self, target: Target) -> str:
        """Make every kind of call several times; returns why approvals could not be called."""
        context = scene_of(target)
        with _translated():
            alice, bob = context.funded("alice", 5 * _ROUNDS * context.unit), context.caller("bob")
            for _ in range(_ROUNDS):
                alice.transfer(bob, context.unit)
                alice.balance()
            try:
                for _ in range(_ROUNDS):
                    alice.approve(bob, 2 * context.unit)
                    bob.transfer_from(alice, bob, context.unit)
                    context.allowance(alice, bob)
            except assertions.NotApplicableError as error:
                return str(error)
        return ""


def init_types(build: Build) -> Sequence[Type]:
    """Return the types of the arguments of `init`: of the interface, else of the section that Motoko writes."""
    if build.interface is not None and build.interface.init_args:
        return build.interface.init_args
    return interface_of(build.wasm)[1] if build.wasm is not None else ()


def scene_of(target: Target) -> LedgerContext:
    """Return the context of a check on a target. Raises `UnmetNeedError` when the suite has no tokens there."""
    candidates = [target.shared(MINTER), target.network.deployer]
    if target.controller is not None:
        candidates.append(target.controller)
    with _translated():
        treasury = find_treasury(target.network, target.canister_id, candidates)
    upgrade = None if target.upgrading is None else target.upgrade
    context = LedgerContext(
        target.network, target.canister_id, target.identities, treasury=treasury, upgrade=upgrade
    )
    context.recorder = lambda *call: target.call_log.add(CallRecord(*call))
    return context


def _adapted(function: CheckFunction) -> Callable[[Target], None]:
    """Adapt a check of a context to a target."""

    def run(target: Target) -> None:
        with _translated():
            function(scene_of(target))

    run.__name__ = function.__name__
    run.__doc__ = function.__doc__
    return run


@contextmanager
def _translated() -> Iterator[None]:
    """Translate the errors of a check into those of `ic_harness.testing`."""
    try:
        yield
    except assertions.BrokenError as error:
        raise broken(str(error)) from error
    except assertions.NotApplicableError as error:
        raise NotApplicableError(str(error)) from error
    except assertions.UnmetError as error:
        raise UnmetNeedError(str(error)) from error
