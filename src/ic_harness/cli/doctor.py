"""`ic-harness doctor`: which networks can be used here and why others cannot, or what is damaged in a state folder."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Final

import click

from ic_harness.text import one_line as clean

from .examples import examples
from .options import json_option

if TYPE_CHECKING:
    from ic_harness.networks import Finding
    from ic_harness.replica import StateReport

_USABLE: Final = {True: "yes", False: "no", None: "not tried"}


@examples("ic-harness doctor --network dfx", "ic-harness doctor --state-dir .ic-harness --salvage saved")
@click.command()
@click.option("--network", metavar="NAME|URL", help="Also try this network, and fail when it cannot be used.")
@click.option(
    "--state-dir",
    type=click.Path(path_type=Path, file_okay=False),
    metavar="DIR",
    help="Examine this state folder instead of the networks; changes nothing in it.",
)
@click.option(
    "--salvage",
    type=click.Path(path_type=Path, file_okay=False),
    metavar="NEW_DIR",
    help="Write what can be saved of the state folder to a new folder.",
)
@json_option
def doctor(*, network: str | None, state_dir: Path | None, salvage: Path | None, as_json: bool) -> None:
    """Show which networks can be used here, in which versions, and why others cannot.

    With --state-dir, show the damage in a state folder and what can be recovered.

    Exits with 1 when the embedded network, or the one given by --network, cannot be used; when the state folder
    is damaged; when nothing of it can be saved.
    """
    if state_dir is not None:
        if network is not None:
            raise click.UsageError("--network and --state-dir cannot be combined")
        _examine_state(state_dir, salvage, as_json=as_json)
        return
    if salvage is not None:
        raise click.UsageError("--salvage needs --state-dir, the folder to save from")
    _examine_networks(network, as_json=as_json)


def _examine_networks(network: str | None, *, as_json: bool) -> None:
    from ic_harness.networks import examine  # lazy: start-up time  # noqa: PLC0415

    findings = examine(network)
    if as_json:
        click.echo(json.dumps([asdict(finding) for finding in findings]))
    else:
        from .render import table  # lazy: start-up time  # noqa: PLC0415

        rows = [(found.name, _USABLE[found.usable], _told(found)) for found in findings]
        table("networks", ("network", "usable", "what was found"), rows, narrow=2)
    if not all(found.usable for found in findings if found.required):
        raise SystemExit(1)


def _told(found: Finding) -> str:
    version = f"{found.version}: " if found.version else ""
    can = f"; can: {', '.join(found.capabilities)}" if found.capabilities else ""
    return f"{version}{found.detail}{can}"


# --- state folders ------------------------------------------------------------------------------------------


def _examine_state(folder: Path, target: Path | None, *, as_json: bool) -> None:
    from ic_harness.replica import examine_state, salvage_state  # lazy: start-up time  # noqa: PLC0415

    report = examine_state(folder) if target is None else salvage_state(folder, target)
    if as_json:
        written = None if target is None else str(target)
        click.echo(json.dumps({**asdict(report), "written_to": written}))
    else:
        _show_state(report, target)
    if target is None and not report.whole:
        raise SystemExit(1)


def _show_state(report: StateReport, target: Path | None) -> None:
    from .render import table  # lazy: start-up time  # noqa: PLC0415

    rows = [(clean(found.part), found.state, clean(found.detail)) for found in report.findings]
    table(clean(f"state folder {report.folder}"), ("part", "state", "what was found"), rows, narrow=2)
    for lost in report.lost:
        click.echo(f"lost: {clean(lost)}")
    if target is not None:
        click.echo(f"saved: {clean(report.saved or '')}")
        click.echo(f"written to {clean(str(target))}; {clean(report.folder)} is as it was")
    elif report.whole:
        click.echo(f"the folder is whole: {clean(report.saved or 'nothing is in it yet')}")
    elif report.saved is None:
        click.echo("the folder is damaged, and nothing of it can be saved")
    else:
        click.echo(f"the folder is damaged; can be saved: {clean(report.saved)}")
        click.echo(f"save it: ic-harness doctor --state-dir {clean(report.folder)} --salvage NEW_DIR")
