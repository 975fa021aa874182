"""`ic-harness deploy`: canisters of a `dfx.json`, a Wasm file, or the reference backend onto a network."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Final, TypeAlias

import click

from ic_harness.text import one_line, readable

from .options import json_option, place_options
from .place import Place

if TYPE_CHECKING:
    from ic_harness.networks import Deployable, InstallMode, ProjectCanister
    from ic_harness.principal import Principal

    from .session import Session

Find: TypeAlias = "Callable[[Session], Iterable[Deployable]]"
"""Finds what is to be installed, on a network that is open."""

MODES: Final = ("auto", "install", "reinstall", "upgrade")


@click.command()
@click.argument("names", nargs=-1)
@click.option("--wasm", type=click.Path(path_type=Path), metavar="FILE", help="Install this Wasm instead.")
@click.option("--candid", type=click.Path(path_type=Path), metavar="DID", help="Interface, for --argument.")
@click.option("--argument", default=None, metavar="TEXT", help="Arguments of init, such as '(42)'.")
@click.option("--mode", type=click.Choice(MODES), default="auto", show_default=True, help="How to install.")
@click.option("--no-build", is_flag=True, help="Install what is there without running build commands.")
@place_options
@json_option
def deploy(
    *,
    names: tuple[str, ...],
    wasm: Path | None,
    candid: Path | None,
    argument: str | None,
    mode: str,
    no_build: bool,
    place: Place,
    as_json: bool,
) -> None:
    """Install the canisters NAMES of the dfx.json in this folder (all of them without NAMES).

    With --wasm one canister of that name is installed from a file; without either, the reference backend.
    Mode auto upgrades a canister that is there and installs one that is not.
    """
    from .session import open_session  # lazy: start-up time  # noqa: PLC0415

    find = _from_file(wasm, names) if wasm else _from_project(names, place, build=not no_build)
    with open_session(place) as session:
        for item in find(session):
            arg = _init_argument(item, argument, candid)
            _report(item.name, *_install(session, item, arg, mode), as_json=as_json)


def _from_file(wasm: Path, names: tuple[str, ...]) -> Find:
    from ic_harness.errors import InputError  # lazy: start-up time  # noqa: PLC0415
    from ic_harness.networks import Deployable  # lazy: start-up time  # noqa: PLC0415

    if len(names) > 1:
        raise click.UsageError("--wasm takes one name")
    try:
        content = wasm.read_bytes()
    except OSError as error:
        raise InputError(f"cannot read {wasm}: {error.strerror}") from error
    found = [Deployable(name=names[0] if names else readable(wasm.name).split(".")[0], wasm=content)]
    return lambda _session: found


def _from_project(names: tuple[str, ...], place: Place, *, build: bool) -> Find:
    from ic_harness.networks import MAINNET, Deployable, list_project  # lazy: start-up time  # noqa: PLC0415

    if Path("dfx.json").exists():
        network = MAINNET if place.network == MAINNET else "local"
        canisters = list_project(Path(), names, network=network)
        if build and any(canister.commands for canister in canisters):
            return partial(_built, canisters)
        loaded = [canister.load() for canister in canisters]
        return lambda _session: loaded
    from ic_harness.bundled import bundled_canisters  # lazy: start-up time  # noqa: PLC0415

    bundled = bundled_canisters()
    if not bundled or set(names) - set(bundled):
        raise click.UsageError("there is no dfx.json in this folder, and --wasm is not given")
    chosen = [
        Deployable(name=it.name, wasm=it.wasm()) for it in bundled.values() if not names or it.name in names
    ]
    return lambda _session: chosen


def _built(canisters: Sequence[ProjectCanister], session: Session) -> Iterator[Deployable]:
    """Build as dfx does: every canister exists before the first is built, for builds may need their ids."""
    from ic_harness.networks import build_environment  # lazy: start-up time  # noqa: PLC0415

    ids = {item.name: session.canister(item.name) or session.create(item.name) for item in canisters}
    for canister in canisters:
        canister.build(build_environment(canisters, ids))
        yield canister.load()


def _init_argument(item: Deployable, text: str | None, candid: Path | None) -> bytes:
    from ic_harness.networks import interface_of  # lazy: start-up time  # noqa: PLC0415

    from .interfaces import encode_arguments, interface_file  # lazy: start-up time  # noqa: PLC0415

    text = text or item.init_arg or "()"
    path = candid or item.candid
    if path is not None:
        interface_file(path)  # a damaged file is told by its name
    types = interface_of(item.wasm, path)[1]
    return encode_arguments(text, types, f"the arguments of {item.name}")


def _install(session: Session, item: Deployable, arg: bytes, mode: str) -> tuple[Principal, InstallMode]:
    known = session.canister(item.name)
    empty = known is None or session.network.module_hash(known) is None
    if empty and mode in ("upgrade", "reinstall"):
        raise click.UsageError(f"no canister {item.name} is installed here: nothing to {mode}")
    chosen = _mode(mode, empty=empty)
    canister = known or session.create(item.name)
    session.network.install(canister, item.wasm, arg, chosen)
    return canister, chosen


def _mode(text: str, *, empty: bool) -> InstallMode:
    auto: InstallMode = "install" if empty else "upgrade"
    modes: dict[str, InstallMode] = {"install": "install", "reinstall": "reinstall", "upgrade": "upgrade"}
    return modes.get(text, auto)


def _report(name: str, canister: Principal, mode: str, *, as_json: bool) -> None:
    if as_json:
        click.echo(json.dumps({"name": name, "canister_id": str(canister), "mode": mode}))
    else:
        click.echo(f"{one_line(name)}: {canister} ({mode})")
