"""A suite: what the gate runs on one kind of canister. This is the interface that suites plug into.

The gate owns the stages (Wasm, Interface, Candid upgrade, Upgrade, Back-out, Guarantees, Budgets) and their order. A
suite supplies what only it knows: the arguments of `init`, state to store and to compare, calls to measure, guarantees
with their checks, and stages of its own. Every method has a default, so that a suite overrides what it needs.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from ic_harness.candid import Service
from ic_harness.errors import RejectError
from ic_harness.networks import Network
from ic_harness.principal import Principal
from ic_harness.protocol import Identity
from ic_harness.testing.check import Check
from ic_harness.testing.guarantees import Guarantee
from ic_harness.testing.results import CheckResult, Figure, Picture, Timeline
from ic_harness.testing.running import run_check
from ic_harness.testing.target import Target

from .build import Build
from .findings import Findings

Identities = Callable[[str], Identity]
"""Returns the identity of a name, the same every time."""


class StageRun(Protocol):
    """The run of the gate, as far as a suite's own stage needs it."""

    timelines: list[Timeline]
    pictures: list[Picture]
    figures: list[Figure]

    @property
    def network(self) -> Network:
        """The network on which the canister runs."""

    def judged_canister(self) -> Principal:
        """Return the canister under judgement. Raises `UnmetNeedError` when there is none, or it is of another kind."""

    def target(self, canister: Principal, play: str) -> Target:
        """Return a canister with the callers of `play`."""


class Suite:
    """What the gate runs on one kind of canister; the defaults store nothing and promise nothing."""

    name: str = "suite"
    """How `--suite` names it."""
    workload_name: str = "workload"
    """What one run of `workload` is called in sentences: "the same … needs 3 MiB"."""
    unfit: str = "it is not of the kind that the suite can call"
    """Why the stages that call the canister are skipped after `identify` returned None."""
    downgrades: bool = True
    """Whether Back-out also installs the baseline over the new build, besides loading the snapshot."""

    @property
    def catalogue(self) -> Mapping[str, Guarantee]:
        """All guarantees of the suite by id, in the order in which reports show them."""
        return {}

    @property
    def checks(self) -> Sequence[Check]:
        """The checks of the guarantees, in the order in which they run; each runs in a state of its own."""
        return ()

    @property
    def untested(self) -> Sequence[str]:
        """The ids of guarantees that are stated and have no check; a pass must not hide them."""
        return ()

    @property
    def stages(self) -> Mapping[str, Callable[[StageRun, Findings], None]]:
        """Stages of the suite's own, which run between Back-out and Guarantees."""
        return {}

    def init_argument(self, build: Build, shared: Identities) -> bytes | None:  # noqa: ARG002
        """Return the encoded arguments of `init` for `build` where the user gave none; None for no arguments.

        `shared` returns the identities that `Target.shared` returns later, such as those that hold the first tokens.
        """
        return None

    def upgrade_argument(self, build: Build, shared: Identities) -> bytes | None:  # noqa: ARG002
        """Return the encoded arguments of `post_upgrade` for `build`; None for those of `init`."""
        return None

    def identify(self, target: Target, findings: Findings) -> str | None:  # noqa: ARG002
        """Return which version of the suite's interface the canister has, for the report's head.

        None, after a fault in `findings`, when the canister is not of the suite's kind: then no stage calls it.
        """
        return self.name

    def fill(self, target: Target) -> Any:  # noqa: ARG002
        """Store state before the upgrade, and return what `verify` compares with; its text tells what was stored.

        Raises what the canister raises when it refuses.
        """
        return None

    def verify(self, target: Target, state: Any, findings: Findings, when: str) -> None:
        """Compare the canister with `state`; what is missing or different is a fault in `findings`.

        `when` begins sentences: "after the upgrade".
        """

    def resume(self, target: Target, state: Any, findings: Findings, when: str) -> None:
        """Finish what `fill` left under way; runs after `verify`, also after the snapshot is loaded."""

    def remedy(self, error: RejectError, before: Build, after: Build) -> str:  # noqa: ARG002
        """Return how to repair the upgrade from `before` to `after` that was refused; empty where nothing is known."""
        return ""

    def extend(self, target: Target, state: Any, findings: Findings, when: str) -> Any:  # noqa: ARG002
        """Store more under the new build, and return the state to compare with from now on."""
        return state

    def workload(self, target: Target) -> str:  # noqa: ARG002
        """Make the calls that Budgets measures; returns what could not be called and why, empty when all was."""
        return ""

    def run_check(self, check: Check, target: Target) -> CheckResult:
        """Run one check. Raises nothing on purpose."""
        return run_check(check, target)


@dataclass(frozen=True, slots=True, kw_only=True)
class SuiteEntry:
    """A suite as it is found: light to import, because the gate looks at every entry to choose one.

    `matches` decides by a Candid interface whether the suite is for the canister. `load` imports what the suite needs
    and returns it.
    """

    name: str
    summary: str
    matches: Callable[[Service], bool]
    load: Callable[[], Suite]
