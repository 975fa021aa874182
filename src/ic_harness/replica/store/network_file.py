"""The file `subnets` in the state folder of a network with several subnets: its seed, and which subnets it has.

The state of the n-th subnet is in the folder `subnet-<n>/` beside it, in the form that `store` describes.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

from ic_harness.errors import InputError, StateError
from ic_harness.lazy_dataclass import dataclass
from ic_harness.replica.state.fees import CostSchedule
from ic_harness.replica.state.subnet_kinds import SubnetKind, SubnetSpec, allocate
from ic_harness.replica.store import files, sealed
from ic_harness.replica.store.files import DamagedError

FILE: Final = "subnets"
PREFIX: Final = "subnet-"


def subnet_folder(folder: Path, number: int) -> Path:
    """The folder of the n-th subnet in a state folder."""
    return folder / f"{PREFIX}{number}"


def remove_subnet(folder: Path, number: int) -> None:
    """Delete the folder of a subnet that the file does not name, if there is one. Raises `StateError`."""
    files.remove(subnet_folder(folder, number))
    files.sync_folder(folder)


@dataclass(frozen=True, slots=True)
class NetworkFile:
    """The seed of a network and its subnets."""

    seed: bytes
    subnets: tuple[SubnetSpec, ...]

    @classmethod
    def read(cls, folder: Path) -> NetworkFile | None:
        """Read the file in a state folder; None when there is none. Raises `StateError` when it is damaged."""
        path = folder / FILE
        if not files.check_folder(folder) or FILE not in files.names(folder):
            return None
        value, _ = sealed.read(path)
        try:
            specs = tuple(_spec(*entry) for entry in value["subnets"])
            allocate(specs)
            return cls(bytes(value["seed"]), specs)
        except (LookupError, TypeError, ValueError, InputError) as problem:
            raise DamagedError(path, f"it describes no network: {problem!r}") from problem

    def write(self, folder: Path) -> None:
        """Write the file into a folder without state. Raises `StateError`."""
        files.make_folder(folder)
        if any(name.startswith(("checkpoint-", "journal-")) for name in files.names(folder)):
            raise StateError(
                f"{folder} holds a network of one application subnet: leave the subnets out, or use another folder"
            )
        entries = [_entry(spec) for spec in self.subnets]
        draft = folder / f"{FILE}.new"
        sealed.write(draft, {"seed": self.seed, "subnets": entries})
        files.rename(draft, folder / FILE)
        files.sync_folder(folder)


def _entry(spec: SubnetSpec) -> list[Any]:
    return [spec.kind.value, spec.size, _plain(spec), spec.seed, spec.cost_schedule, spec.benchmarking]


def _plain(spec: SubnetSpec) -> list[list[bytes]] | None:
    return None if spec.ranges is None else [list(pair) for pair in spec.ranges]


def _spec(
    kind: str,
    nodes: int,
    ranges: Any,
    seed: bytes | None,
    cost_schedule: str | None = None,
    benchmarking: bool = False,  # noqa: FBT001, FBT002
) -> SubnetSpec:
    pairs = None if ranges is None else tuple((bytes(low), bytes(high)) for low, high in ranges)
    return SubnetSpec(
        kind=SubnetKind(kind),
        nodes=int(nodes),
        ranges=pairs,
        seed=seed,
        cost_schedule=None if cost_schedule is None else CostSchedule(cost_schedule),
        benchmarking=bool(benchmarking),
    )
