"""Stages "Upgrade" and "Back-out": the deploy is rehearsed on a canister with state, forwards and back.

The suite fills a canister under the old build. A snapshot is taken as before a real deploy, the new build is installed
over it, and the suite compares what is there, finishes what was under way and stores more. Back-out then tries two
ways to return: the old build is installed over the new one (where the suite's canisters promise that), which keeps
what was stored in between, and the snapshot is loaded, which loses it. After each the suite compares again.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Final

from ic_harness.errors import HarnessError, RejectError
from ic_harness.networks import Capability
from ic_harness.principal import Principal
from ic_harness.testing.blame import Blame, blame
from ic_harness.testing.expectations import UnmetNeedError
from ic_harness.testing.target import Target

from .build import Build
from .findings import Findings
from .run import Rehearsed, Run

_PLAY: Final = "rehearsal"
_AFTER: Final = "after the upgrade"
_BACK: Final = "after backing out"
_OVER: Final = "after installing the baseline over the new build"
_LOST: Final = "what was stored between the upgrade and backing out is lost: back out soon or not at all"


def rehearse_upgrade(run: Run, findings: Findings) -> None:
    """Fill a canister of the old build, upgrade it, compare everything and go on where it stopped."""
    run.subject_wasm("an upgrade to it cannot be rehearsed")
    run.judged_canister()
    run.ground.need(Capability.UPGRADE, "the rehearsal")
    canister, state = _prepare(run, findings)
    run.rehearsed = rehearsed = _with_snapshot(run, canister, state)
    try:
        run.ground.upgrade(canister, run.order.subject)
    except RejectError as error:
        findings.fault(f"the upgrade from {run.order.before.name} is refused: {error.reject_message}")
        if remedy := run.suite.remedy(error, run.order.before, run.order.subject):
            findings.note(f"fix: {remedy}")
        run.suite.verify(_before(run, canister), state, findings, "after the refused upgrade")
        return
    target = run.target(canister, _PLAY)
    run.suite.verify(target, state, findings, _AFTER)
    run.suite.resume(target, state, findings, _AFTER)
    extended = run.suite.extend(target, state, findings, _AFTER)
    run.rehearsed = replace(rehearsed, upgraded=True, extended=extended)


def _prepare(run: Run, findings: Findings) -> tuple[Principal, Any]:
    """Install and fill the old build. Raises `UnmetNeedError` when an old build cannot even be filled."""
    before = run.order.before
    if before is run.order.subject:
        findings.note(f"no Wasm of a baseline: rehearsed from {before.name} to itself")
    try:
        canister = run.ground.install(before)
        state = run.suite.fill(_before(run, canister))
    except (HarnessError, AssertionError) as error:
        if before is run.order.subject or _is_ours(error):
            raise
        # What the old build cannot do is no fault of the new one, which may well be the remedy.
        msg = f"the baseline {before.name} cannot be filled: {error}"
        raise UnmetNeedError(msg) from error
    findings.note(f"{before.name} was filled with {state}")
    return canister, state


def _before(run: Run, canister: Principal) -> Target:
    """The canister while the old build runs, called by its own interface; by the new one where that is unknown."""
    service = run.order.before.service or run.service
    return run.ground.target(canister, _PLAY, service=service, place=run.order.subject.place)


def _is_ours(error: Exception) -> bool:
    return isinstance(error, HarnessError) and blame(error) not in (Blame.CANISTER, Blame.INTERFACE)


def _with_snapshot(run: Run, canister: Principal, state: Any) -> Rehearsed:
    try:
        with run.ground.stopped(canister):
            snapshot = bytes(run.ground.management.take_canister_snapshot(canister)["id"])
    except RejectError as error:
        return Rehearsed(canister=canister, state=state, snapshot=None, refusal=str(error))
    return Rehearsed(canister=canister, state=state, snapshot=snapshot, refusal="")


def rehearse_back_out(run: Run, findings: Findings) -> None:
    """Return to the old build: everything that was stored must be there again."""
    rehearsed = run.rehearsed
    if rehearsed is None:
        raise UnmetNeedError("no upgrade was rehearsed")
    returned = _install_baseline(run, rehearsed, findings)
    if rehearsed.snapshot is None:
        if returned:
            return
        msg = f"the network takes no snapshots of canisters: {rehearsed.refusal}"
        raise UnmetNeedError(msg)
    canister, before = rehearsed.canister, run.order.before
    with run.ground.stopped(canister):
        run.ground.management.load_canister_snapshot(canister, rehearsed.snapshot)
    installed = run.ground.network.module_hash(canister)
    if installed is None or installed.hex() != before.sha256:
        findings.fault(f"{_BACK}, the canister does not run {before.name}")
    target = _before(run, canister)
    run.suite.verify(target, rehearsed.state, findings, _BACK)
    run.suite.resume(target, rehearsed.state, findings, _BACK)
    if not returned:
        findings.note(_LOST)


def _install_baseline(run: Run, rehearsed: Rehearsed, findings: Findings) -> bool:
    """Install the old build over the new one; returns whether that keeps what was stored in between.

    A refusal loses nothing and leaves the snapshot as the way back; a build that comes up without the state is a fault.
    """
    before: Build = run.order.before
    if not (run.suite.downgrades and rehearsed.upgraded) or before is run.order.subject:
        return False
    try:
        run.ground.upgrade(rehearsed.canister, before)
    except RejectError as error:
        findings.note(
            f"{before.name} cannot be installed over the new build ({error.reject_message.partition(chr(10))[0]}): "
            f"keep a snapshot from before the deploy, it is the only way back"
        )
        return False
    faults = len(findings.faults)
    run.suite.verify(_before(run, rehearsed.canister), rehearsed.extended, findings, _OVER)
    return len(findings.faults) == faults
