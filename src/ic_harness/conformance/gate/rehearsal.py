"""Stages "Upgrade" and "Back-out": the deploy is rehearsed on a canister full of photos, forwards and back.

The canister is filled under the old build, a snapshot is taken as whoever deploys would take one, the new build is
installed over it, everything is read back and the upload that was under way is finished. Then the snapshot is
loaded again, and the same must hold for the old build.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from ic_harness.conformance.blame import Blame, blame
from ic_harness.conformance.expectations import UnmetNeedError, require
from ic_harness.conformance.stage import Stage
from ic_harness.errors import HarnessError, RejectError
from ic_harness.networks import Capability
from ic_harness.principal import Principal

from .filling import Filled, fill, finish_half, read_everything, store_photo
from .findings import Findings
from .run import Run

_PLAY: Final = "rehearsal"
_AFTER: Final = "after the upgrade"
_BACK: Final = "after backing out"


@dataclass(frozen=True, slots=True, kw_only=True)
class Rehearsed:
    """What the rehearsal of the upgrade leaves for that of backing out; `refusal` says why there is no snapshot."""

    canister: Principal
    filled: Filled
    snapshot: bytes | None
    refusal: str


def rehearse_upgrade(run: Run, findings: Findings) -> None:
    """Fill a canister of the old build, upgrade it, read everything back and go on where it stopped."""
    run.subject_wasm("an upgrade to it cannot be rehearsed")
    run.judged_canister()
    run.ground.need(Capability.UPGRADE, "the rehearsal")
    canister, filled = _prepare(run, findings)
    run.rehearsed = _with_snapshot(run, canister, filled)
    try:
        run.ground.upgrade(canister, run.order.subject)
    except RejectError as error:
        findings.fault(f"the upgrade from {run.order.before.name} is refused: {error.reject_message}")
        read_everything(_stage(run, canister), filled, findings, "after the refused upgrade")
        return
    stage = _stage(run, canister)
    read_everything(stage, filled, findings, _AFTER)
    finish_half(stage, filled.half, findings, _AFTER)
    _go_on(stage, filled, findings)


def _stage(run: Run, canister: Principal) -> Stage:
    return run.ground.stage(canister, _PLAY)


def _prepare(run: Run, findings: Findings) -> tuple[Principal, Filled]:
    """Install and fill the old build. Raises `UnmetNeedError` when an old build cannot even be filled."""
    before = run.order.before
    if before is run.order.subject:
        findings.note(f"no Wasm of a baseline: rehearsed from {before.name} to itself")
    try:
        canister = run.ground.install(before)
        filled = fill(_stage(run, canister))
    except HarnessError as error:
        if before is run.order.subject or blame(error) not in (Blame.CANISTER, Blame.INTERFACE):
            raise
        # What the old build cannot do is no fault of the new one, which may well be the remedy.
        msg = f"the baseline {before.name} cannot be filled: {error}"
        raise UnmetNeedError(msg) from error
    findings.note(f"{before.name} was filled with {filled}")
    return canister, filled


def _with_snapshot(run: Run, canister: Principal, filled: Filled) -> Rehearsed:
    try:
        with run.ground.stopped(canister):
            snapshot = bytes(run.ground.management.take_canister_snapshot(canister)["id"])
    except RejectError as error:
        return Rehearsed(canister=canister, filled=filled, snapshot=None, refusal=str(error))
    return Rehearsed(canister=canister, filled=filled, snapshot=snapshot, refusal="")


def _go_on(stage: Stage, filled: Filled, findings: Findings) -> None:
    """Store a new photo after the upgrade, whose blobs must not take the ids of old ones."""
    with findings.proving("FL1", f"{_AFTER}, storing a new photo"):
        photo = store_photo(stage.caller("alice"), len(filled.photos))
        again = {asset.locator for asset in photo.assets} & filled.locators
        with findings.proving("BL3", f"{_AFTER}, storing a new photo"):
            require(
                not again,
                f"{_AFTER}, a new photo got the ids of old blobs: {', '.join(sorted(map(str, again)))}",
                "One user's photo replaces another's.",
            )
        findings.note(f"{_AFTER}: a new photo was stored and reads back equal")


def rehearse_back_out(run: Run, findings: Findings) -> None:
    """Load the snapshot from before the upgrade: the old build and everything in it must be there again."""
    rehearsed = run.rehearsed
    if rehearsed is None:
        raise UnmetNeedError("no upgrade was rehearsed")
    if rehearsed.snapshot is None:
        msg = f"the network takes no snapshots of canisters: {rehearsed.refusal}"
        raise UnmetNeedError(msg)
    canister, before = rehearsed.canister, run.order.before
    with run.ground.stopped(canister):
        run.ground.management.load_canister_snapshot(canister, rehearsed.snapshot)
    installed = run.ground.network.module_hash(canister)
    if installed is None or installed.hex() != before.sha256:
        findings.fault(f"{_BACK}, the canister does not run {before.name}")
    stage = _stage(run, canister)
    read_everything(stage, rehearsed.filled, findings, _BACK)
    finish_half(stage, rehearsed.filled.half, findings, _BACK)
    findings.note("what was stored between the upgrade and backing out is lost: back out soon or not at all")
