"""The suite of the capsule backend: photos as state, the guarantees and their checks, a user's day as workload."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Final

from ic_capsule.backend import open_backend
from ic_capsule.suite.checks import CHECKS
from ic_capsule.suite.context import CheckContext
from ic_capsule.suite.guarantees import GUARANTEES
from ic_harness.errors import UnknownBackendError
from ic_harness.testing.assertions import require
from ic_harness.testing.check import Check
from ic_harness.testing.gate import StageLog, StageRun, Suite
from ic_harness.testing.guarantees import Guarantee
from ic_harness.testing.results import CheckResult
from ic_harness.testing.runner import run_check
from ic_harness.testing.target import Target

from .photos import measure_uploads
from .seeding import SeedData, fill, finish_half, read_everything, store_photo
from .workload import run_workload

__all__ = ["CHECKS", "STAGES", "CapsuleSuite"]

STAGES: Final = {"Photos": measure_uploads}


class CapsuleSuite(Suite):
    """The suite for capsule backends of any generation."""

    name = "capsule"
    workload_name = "day"
    unfit = "it is no capsule backend that could be tried"
    downgrades = False

    @property
    def catalogue(self) -> Mapping[str, Guarantee]:
        """All guarantees of a capsule backend."""
        return GUARANTEES

    @property
    def checks(self) -> Sequence[Check]:
        """The checks of the conformance suite."""
        return CHECKS

    @property
    def stages(self) -> Mapping[str, Callable[[StageRun, StageLog], None]]:
        """Photos in two lanes, and many sessions at once."""
        return STAGES

    def identify(self, target: Target, log: StageLog) -> str | None:
        """Return which generation of the backend answers."""
        try:
            profile = str(open_backend(target.network.agent(), target.canister_id).profile)
        except UnknownBackendError as error:
            log.fault(f"it is no capsule backend: {error}")
            return None
        return profile.removeprefix("generation ")

    def fill(self, target: Target) -> SeedData:
        """Store photos of several people, and begin an upload."""
        return fill(CheckContext.of(target))

    def verify(self, target: Target, state: SeedData, log: StageLog, when: str) -> None:
        """Read every memory and every asset back."""
        read_everything(CheckContext.of(target), state, log, when)

    def resume(self, target: Target, state: SeedData, log: StageLog, when: str) -> None:
        """Finish the upload that was under way."""
        finish_half(CheckContext.of(target), state.half, log, when)

    def extend(self, target: Target, state: SeedData, log: StageLog, when: str) -> SeedData:
        """Store a new photo, whose blobs must not take the ids of old ones."""
        with log.proving("FL1", f"{when}, storing a new photo"):
            photo = store_photo(CheckContext.of(target).caller("alice"), len(state.photos))
            again = {asset.locator for asset in photo.assets} & state.locators
            with log.proving("BL3", f"{when}, storing a new photo"):
                require(
                    not again,
                    f"{when}, a new photo got the ids of old blobs: {', '.join(sorted(map(str, again)))}",
                    "One user's photo replaces another's.",
                )
            log.note(f"{when}: a new photo was stored and reads back equal")
        return state

    def workload(self, target: Target) -> str:
        """Do everything of a user's day several times."""
        return run_workload(CheckContext.of(target).caller("alice"))

    def run_check(self, check: Check, target: Target) -> CheckResult:
        """Run one check in a context of its own."""
        return run_check(check, CheckContext.of(target))
