"""Stages "Upgrade" and "Back-out": the deploy is rehearsed on a canister with state, forwards and back.

The suite fills a canister under the old build. A snapshot is taken as before a real deploy, the new build is installed
over it, and the suite compares the state, finishes pending work and stores more. Back-out then tries two
ways back: the old build is installed over the new one (where the suite's canisters promise that), which keeps the
state stored in between, and the snapshot is loaded, which loses it. After each the suite compares again.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

from ic_harness.errors import HarnessError, RejectError
from ic_harness.networks import Capability
from ic_harness.principal import Principal
from ic_harness.testing.assertions import UnmetNeedError
from ic_harness.testing.blame import Blame, blame
from ic_harness.testing.target import Target

from .build import Build
from .run import GateRun, Rehearsed
from .stage_log import StageLog

if TYPE_CHECKING:
    from .generic.observation import Observation

_SCENARIO: Final = "rehearsal"
_AFTER: Final = "after the upgrade"
_BACK: Final = "after backing out"
_OVER: Final = "after installing the baseline over the new build"
_LOST: Final = "state stored between the upgrade and backing out is lost: back out soon or not at all"


def rehearse_upgrade(run: GateRun, log: StageLog) -> None:
    """Fill a canister of the old build, upgrade it, compare its state and finish pending work."""
    run.subject_wasm("an upgrade to it cannot be rehearsed")
    run.judged_canister()
    run.sandbox.need(Capability.UPGRADE, "the rehearsal")
    canister, state = _prepare(run, log)
    seen = _observed(run, _before(run, canister))
    run.rehearsed = rehearsed = _with_snapshot(run, canister, state)
    try:
        run.sandbox.upgrade(canister, run.request.subject)
    except RejectError as error:
        log.fault(f"the upgrade from {run.request.before.name} is refused: {error.reject_message}")
        if remedy := run.suite.remedy(error, run.request.before, run.request.subject):
            log.note(f"fix: {remedy}")
        run.suite.verify(_before(run, canister), state, log, "after the refused upgrade")
        return
    target = run.target(canister, _SCENARIO)
    _compare(run, target, seen, log)
    run.suite.verify(target, state, log, _AFTER)
    run.suite.resume(target, state, log, _AFTER)
    extended = run.suite.extend(target, state, log, _AFTER)
    run.rehearsed = replace(rehearsed, upgraded=True, extended=extended)


def _prepare(run: GateRun, log: StageLog) -> tuple[Principal, Any]:
    """Install and fill the old build. Raises `UnmetNeedError` when an old build cannot even be filled."""
    before = run.request.before
    if before is run.request.subject:
        log.note(f"no Wasm of a baseline: rehearsed from {before.name} to itself")
    try:
        canister = before.canister or run.sandbox.install(before)
        state = run.suite.fill(_before(run, canister))
    except (HarnessError, AssertionError) as error:
        if before is run.request.subject or _is_ours(error):
            raise
        # A failure of the old build is no fault of the new one, which may be its repair.
        msg = f"the baseline {before.name} cannot be filled: {error}"
        raise UnmetNeedError(msg) from error
    log.note(f"{before.name} was filled with {state}")
    return canister, state


def _observed(run: GateRun, target: Target) -> Observation | None:
    """Ask the queries without arguments of a fork, whose state no suite knows; None where that is not needed."""
    if run.request.before.canister is None or run.suite.observes:
        return None
    from .generic.observation import STABLE, observe  # lazy: the suite imports this package  # noqa: PLC0415

    # Hooks of an upgrade write to stable memory, so that its bytes say nothing without the user's word.
    return observe(target, {*run.suite.volatile, STABLE})


def _compare(run: GateRun, target: Target, before: Observation | None, log: StageLog) -> None:
    """Compare what a fork answered before the upgrade with what it answers now."""
    if before is None:
        return
    from .generic.observation import STABLE, differences, observe  # lazy: as above  # noqa: PLC0415

    now = observe(target, {*run.suite.volatile, STABLE})
    found = list(differences(before, now, _AFTER))
    for difference in found:
        log.fault(difference)
    if not found:
        log.note(f"{_AFTER}: {before} as before")


def _before(run: GateRun, canister: Principal) -> Target:
    """The canister while the old build runs, called by its own interface; by the new one where that is unknown."""
    service = run.request.before.service or run.service
    return run.sandbox.target(canister, _SCENARIO, service=service, place=run.request.subject.place)


def _is_ours(error: Exception) -> bool:
    return isinstance(error, HarnessError) and blame(error) not in (Blame.CANISTER, Blame.INTERFACE)


def _with_snapshot(run: GateRun, canister: Principal, state: Any) -> Rehearsed:
    try:
        with run.sandbox.stopped(canister):
            snapshot = bytes(run.sandbox.management.take_canister_snapshot(canister)["id"])
    except RejectError as error:
        return Rehearsed(canister=canister, state=state, snapshot=None, refusal=str(error))
    return Rehearsed(canister=canister, state=state, snapshot=snapshot, refusal="")


def rehearse_back_out(run: GateRun, log: StageLog) -> None:
    """Return to the old build: all stored state must be restored."""
    rehearsed = run.rehearsed
    if rehearsed is None:
        raise UnmetNeedError("no upgrade was rehearsed")
    returned = _install_baseline(run, rehearsed, log)
    if rehearsed.snapshot is None:
        if returned:
            return
        msg = f"the network takes no snapshots of canisters: {rehearsed.refusal}"
        raise UnmetNeedError(msg)
    canister, before = rehearsed.canister, run.request.before
    with run.sandbox.stopped(canister):
        run.sandbox.management.load_canister_snapshot(canister, rehearsed.snapshot)
    installed = run.sandbox.network.module_hash(canister)
    if installed is None or installed.hex() != before.sha256:
        log.fault(f"{_BACK}, the canister does not run {before.name}")
    target = _before(run, canister)
    run.suite.verify(target, rehearsed.state, log, _BACK)
    run.suite.resume(target, rehearsed.state, log, _BACK)
    if not returned:
        log.note(_LOST)


def _install_baseline(run: GateRun, rehearsed: Rehearsed, log: StageLog) -> bool:
    """Install the old build over the new one. Returns whether the state stored in between is kept.

    A refusal loses nothing and leaves the snapshot as the way back; a build that comes up without the state is a fault.
    """
    before: Build = run.request.before
    if not (run.suite.downgrades and rehearsed.upgraded) or before is run.request.subject:
        return False
    try:
        run.sandbox.upgrade(rehearsed.canister, before)
    except RejectError as error:
        log.note(
            f"{before.name} cannot be installed over the new build ({error.reject_message.partition(chr(10))[0]}): "
            f"keep a snapshot from before the deploy, it is the only way back"
        )
        return False
    faults = len(log.faults)
    run.suite.verify(_before(run, rehearsed.canister), rehearsed.extended, log, _OVER)
    return len(log.faults) == faults
