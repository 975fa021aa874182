"""A suite: the part of the gate that depends on the kind of canister. Suites implement this interface.

The gate owns the stages (Wasm, Interface, Candid upgrade, Upgrade, Back-out, Guarantees, Budgets) and their order. A
suite supplies the arguments of `init`, state to store and to compare, calls to measure, guarantees with their checks,
and stages of its own. Every method has a default.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any, Protocol

from ic_harness.candid import Service
from ic_harness.errors import RejectError
from ic_harness.lazy_dataclass import dataclass
from ic_harness.networks import Network
from ic_harness.principal import Principal
from ic_harness.protocol import Identity
from ic_harness.testing.check import Check
from ic_harness.testing.guarantees import Guarantee
from ic_harness.testing.results import CheckResult, Figure, Picture, Timeline
from ic_harness.testing.runner import run_check
from ic_harness.testing.target import Target

from .build import Build
from .stage_log import StageLog

Identities = Callable[[str], Identity]
"""Returns the identity of a name, the same every time."""


class StageRun(Protocol):
    """The part of a gate run that a suite's own stage uses."""

    timelines: list[Timeline]
    pictures: list[Picture]
    figures: list[Figure]

    @property
    def network(self) -> Network:
        """The network on which the canister runs."""

    def judged_canister(self) -> Principal:
        """Return the canister under judgement. Raises `UnmetNeedError` when there is none, or it is of another kind."""

    def target(self, canister: Principal, scenario: str) -> Target:
        """Return a canister with the callers of `scenario`."""


class Suite:
    """The gate's work on one kind of canister. The defaults store nothing and state no guarantees."""

    name: str = "suite"
    """How `--suite` names it."""
    workload_name: str = "workload"
    """What one run of `workload` is called in sentences: "the same … needs 3 MiB"."""
    unfit: str = "it is not of the kind that the suite can call"
    """Why the stages that call the canister are skipped after `identify` returned None."""
    downgrades: bool = True
    """Whether Back-out also installs the baseline over the new build, besides loading the snapshot."""
    observes: bool = False
    """Whether `verify` compares the answers of queries without arguments, as the gate does itself for a fork."""
    volatile: Collection[str] = ()
    """Queries without arguments whose answers an upgrade may change."""

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
        """The ids of guarantees without a check; the report names them."""
        return ()

    @property
    def stages(self) -> Mapping[str, Callable[[StageRun, StageLog], None]]:
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

    def identify(self, target: Target, log: StageLog) -> str | None:  # noqa: ARG002
        """Return which version of the suite's interface the canister has, for the report's head.

        None, after a fault in `log`, when the canister is not of the suite's kind: then no stage calls it.
        """
        return self.name

    def fill(self, target: Target) -> Any:  # noqa: ARG002
        """Store state before the upgrade, and return the state that `verify` compares with.

        Its `str` says what was stored. Raises the canister's error when it refuses.
        """
        return None

    def verify(self, target: Target, state: Any, log: StageLog, when: str) -> None:
        """Compare the canister with `state`; each difference is a fault in `log`.

        `when` begins sentences: "after the upgrade".
        """

    def resume(self, target: Target, state: Any, log: StageLog, when: str) -> None:
        """Finish what `fill` left under way; runs after `verify`, also after the snapshot is loaded."""

    def remedy(self, error: RejectError, before: Build, after: Build) -> str:  # noqa: ARG002
        """Return how to repair the upgrade from `before` to `after` that was refused; empty where nothing is known."""
        return ""

    def extend(self, target: Target, state: Any, log: StageLog, when: str) -> Any:  # noqa: ARG002
        """Store more under the new build, and return the state to compare with from now on."""
        return state

    def workload(self, target: Target) -> str:  # noqa: ARG002
        """Make the calls that Budgets measures. Returns which calls failed and why; empty when none did."""
        return ""

    def run_check(self, check: Check, target: Target) -> CheckResult:
        """Run one check. Errors become part of the result."""
        return run_check(check, target)


@dataclass(frozen=True, slots=True, kw_only=True)
class SuiteEntry:
    """The entry point of a suite. It is light to import, because the gate reads every entry to choose one.

    A suite is for canisters with the methods that the entry points of `ic_harness.suites.NAME` name; `matches` decides
    by the Candid interface where methods do not say enough. `load` imports what the suite needs and returns it.
    """

    name: str
    summary: str
    load: Callable[[], Suite]
    matches: Callable[[Service], bool] = lambda _service: True
