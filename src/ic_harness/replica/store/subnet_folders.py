"""Examining and saving the state folder of a network: of one subnet, or of several with a folder each."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Final

from ic_harness.errors import StateError
from ic_harness.replica.store import files, loading
from ic_harness.replica.store.examination import Examination, StateFinding, StateReport, examined
from ic_harness.replica.store.lock import FolderLock
from ic_harness.replica.store.network_file import FILE, PREFIX, NetworkFile
from ic_harness.replica.store.salvage import (
    check_target,
    cleared_on_failure,
    copy_others,
    salvage_folder,
    write_saved,
)

_APART: Final = 1
"""Rounds that subnets of one network may be apart: a round is journaled by one after the other."""


def examine_state(folder: Path) -> StateReport:
    """Report what is damaged in a state folder and what can be saved; changes nothing.

    Raises `InputError` when there is no such folder, `StateError` when a process uses it.
    """
    if not _has_several(folder):
        with examined(folder) as result:
            return result.report()
    with _several(folder) as (network, results):
        return _report(folder, network, results)


def salvage_state(folder: Path, target: Path) -> StateReport:
    """Write the longest consistent state of `folder` to `target`; see `salvage_folder`.

    Of several subnets each is written so. Raises `InputError` for a target that is in use, `StateError` when nothing
    can be saved or written, or only a part of the subnets.
    """
    if not _has_several(folder):
        return salvage_folder(folder, target)
    check_target(folder, target)
    with _several(folder) as (network, results):
        report = _report(folder, network, results)
        if network is None or report.saved is None:
            problems = "; ".join(found.detail for found in report.findings if found.state == "damaged")
            raise StateError(
                f"the subnets of {folder} cannot be saved together: {problems or 'one of them is empty'}"
            )
        with cleared_on_failure(target):
            network.write(target)
            copy_others(folder, loading.inventory(folder).other - {FILE}, target)
            for result in results:
                write_saved(result, target / result.folder.name)
        return _report(folder, network, results)


def _has_several(folder: Path) -> bool:
    return files.check_folder(folder) and FILE in files.names(folder)


@contextmanager
def _several(folder: Path) -> Iterator[tuple[NetworkFile | None, list[Examination]]]:
    """Examine the folders of all subnets; None for the network where its file is damaged."""
    lock = FolderLock(folder, write=False)
    with ExitStack() as opened:
        opened.callback(lock.release)
        network = _network(folder)
        yield network, [opened.enter_context(examined(it)) for it in _folders(folder, network)]


def _network(folder: Path) -> NetworkFile | None:
    try:
        return NetworkFile.read(folder)
    except StateError:
        return None


def _folders(folder: Path, network: NetworkFile | None) -> list[Path]:
    """The folders of subnets that are there, in the order of their numbers.

    One that the network does not name, behind all that it names, is what a process left that was killed while it added
    or removed a subnet: it is no part of the state.
    """
    numbers = [name.removeprefix(PREFIX) for name in files.names(folder) if name.startswith(PREFIX)]
    found = sorted(map(int, filter(str.isdecimal, numbers)))
    if network is not None:
        found = [number for number in found if number != len(network.subnets)]
    return [folder / f"{PREFIX}{number}" for number in found]


def _report(folder: Path, network: NetworkFile | None, results: list[Examination]) -> StateReport:
    findings = [_of_network(folder, network, results)]
    lost: list[str] = []
    saved: list[str | None] = []
    for result in results:
        name, own = result.folder.name, result.report()
        findings += [StateFinding(f"{name}: {it.part}", it.state, it.detail) for it in own.findings]
        lost += [f"{name}: {line}" for line in own.lost]
        saved.append(f"{name}: {own.saved}" if own.saved is not None else None)
    together = None
    if findings[0].state == "whole" and None not in saved:
        together = "; ".join(str(it) for it in saved)
    whole = not any(found.state == "damaged" for found in findings)
    return StateReport(str(folder), whole, tuple(findings), together, tuple(lost))


def _of_network(folder: Path, network: NetworkFile | None, results: list[Examination]) -> StateFinding:
    """Return what is found of the subnets as a whole: that they are all there, and belong together."""
    if network is None:
        return StateFinding(
            "network", "damaged", f"{folder / FILE} is damaged: it says which subnets there are"
        )
    wanted = [f"{PREFIX}{number}" for number in range(len(network.subnets))]
    there = [result.folder.name for result in results]
    if there and there != wanted:
        missing = ", ".join(sorted({*wanted} ^ {*there}))
        return StateFinding("network", "damaged", f"{len(wanted)} subnets belong here; wrong are: {missing}")
    rounds = [_round(result) for result in results]
    if rounds and max(rounds) - min(rounds) > _APART:
        shown = ", ".join(map(str, rounds))
        return StateFinding(
            "network", "damaged", f"the subnets are at the rounds {shown}, and no longer belong together"
        )
    kinds = ", ".join(spec.kind.value for spec in network.subnets)
    return StateFinding("network", "whole", f"{len(wanted)} subnets: {kinds}")


def _round(result: Examination) -> int:
    state = None if result.loaded is None else result.loaded.contents.state
    return 0 if state is None else state.round
