"""What `deploy` installs: the canisters of a dfx.json or icp.yaml, a Wasm file, or those of a product."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import field
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from ic_harness.errors import InputError
from ic_harness.lazy_dataclass import dataclass
from ic_harness.text import readable

if TYPE_CHECKING:
    from ic_harness.networks import Deployable, IcpCanister, ProjectCanister
    from ic_harness.principal import Principal

Ids = Mapping[str, "Principal"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Script:
    """A command that the project runs `moment` (`pre_install`, `post_install` or `sync`); `run` takes the known ids."""

    moment: str
    command: str
    run: Callable[[Ids], None]

    @property
    def is_before(self) -> bool:
        """Whether it runs before the installation."""
        return self.moment == "pre_install"


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """One canister: `load` returns what to install.

    `builds` is whether that runs commands, for which all canisters have to exist; `remote` the id under which others
    deployed it; `notes` what is not done here. A new canister gets `settings`, and `wanted_id` where that is free.
    """

    name: str
    load: Callable[[Ids], Deployable]
    builds: bool = False
    remote: Principal | None = None
    scripts: tuple[Script, ...] = ()
    notes: tuple[str, ...] = ()
    settings: Mapping[str, Any] = field(default_factory=dict)
    wanted_id: Principal | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """The canisters in the order of installation; `variables` returns those of `env_file` for known ids."""

    parts: tuple[Part, ...]
    env_file: Path | None = None
    variables: Callable[[Ids], Mapping[str, str]] = lambda _ids: {}


def from_file(wasm: Path, names: tuple[str, ...]) -> Source:
    """Return one canister from a Wasm file. Raises `InputError` when it cannot be read."""
    from ic_harness.networks import Deployable  # lazy: start-up time  # noqa: PLC0415

    if len(names) > 1:
        raise click.UsageError("--wasm takes one name")
    try:
        content = wasm.read_bytes()
    except OSError as error:
        raise InputError(f"cannot read {wasm}: {error.strerror}") from error
    item = Deployable(name=names[0] if names else readable(wasm.name).split(".")[0], wasm=content)
    return Source(parts=(Part(name=item.name, load=lambda _ids: item),))


def from_project(names: tuple[str, ...], *, network: str, environment: str | None, build: bool) -> Source:
    """Return canisters of the project in this folder, or of a product without one.

    `network` is `local` or `ic`; `environment` is one of icp.yaml, by default the one called as the network. Raises
    `InputError` for a damaged project.
    """
    if Path("dfx.json").exists():
        if environment is not None:
            raise InputError("--environment is for an icp.yaml; this folder has a dfx.json")
        return _from_dfx(names, network, build=build)
    if Path("icp.yaml").exists():
        return _from_icp(names, network, environment or network, build=build)
    return _from_bundle(names)


def _from_dfx(names: tuple[str, ...], network: str, *, build: bool) -> Source:
    from ic_harness.networks import build_environment, list_project, read_env_file  # lazy  # noqa: PLC0415

    canisters = list_project(Path(), names, network=network)
    variables = partial(build_environment, canisters)
    env_file = read_env_file(Path())
    if env_file is not None:
        variables({})  # an interface that cannot be found is an error before anything is changed
    parts = [
        _dfx_part(canister, variables, build=build)
        for canister in canisters
        if canister.name in names or not _is_left_out(canister)
    ]
    return Source(parts=tuple(parts), env_file=env_file, variables=variables)


def _is_left_out(canister: ProjectCanister) -> bool:
    """Return whether a canister that was not asked for is left out, and say so: nearly every project has a frontend."""
    if canister.kind != "assets" or canister.remote is not None:
        return False
    click.echo(f"{canister.name}: left out, canisters of type assets need dfx", err=True)
    return True


def _dfx_part(
    canister: ProjectCanister, variables: Callable[[Ids], Mapping[str, str]], *, build: bool
) -> Part:
    def load(ids: Ids) -> Deployable:
        if build:
            canister.build(variables(ids))
        return canister.load()

    scripts = [
        Script(
            moment=moment,
            command=command,
            run=lambda ids, command=command, moment=moment: canister.run_script(  # type: ignore[misc]
                command, moment, variables(ids)
            ),
        )
        for moment in ("pre_install", "post_install")
        for command in canister.scripts(moment)
    ]
    return Part(
        name=canister.name,
        load=load,
        builds=build and bool(canister.commands),
        remote=canister.remote,
        scripts=tuple(scripts),
        settings=canister.settings,
        wanted_id=canister.specified_id,
    )


def _from_icp(names: tuple[str, ...], network: str, environment: str, *, build: bool) -> Source:
    from ic_harness.networks import list_icp_project  # lazy: start-up time  # noqa: PLC0415

    canisters = list_icp_project(Path(), names, environment=environment)
    return Source(parts=tuple(_icp_part(canister, network, build=build) for canister in canisters))


def _icp_part(canister: IcpCanister, network: str, *, build: bool) -> Part:
    def variables(ids: Ids) -> dict[str, str]:
        known = {f"ICP_CLI_CID_{_variable(name)}": str(made) for name, made in ids.items()}
        return {**known, "ICP_CLI_NETWORK": network, "ICP_CLI_CID": str(ids[canister.name])}

    def load(ids: Ids) -> Deployable:
        known = {f"CANISTER_ID_{_variable(name)}": str(made) for name, made in ids.items()}
        return canister.load(known, build=build)

    scripts = [
        Script(
            moment="sync",
            command=command,
            run=lambda ids, command=command: canister.run_script(command, variables(ids)),  # type: ignore[misc]
        )
        for command in canister.scripts
    ]
    plugins = canister.plugins
    return Part(
        name=canister.name,
        load=load,
        builds=build and canister.runs_commands,
        scripts=tuple(scripts),
        notes=(f"{plugins} sync steps are no scripts: run `icp sync`",) if plugins else (),
    )


def _variable(name: str) -> str:
    return "".join(char if char.isalnum() else "_" for char in name).upper()


def _from_bundle(names: tuple[str, ...]) -> Source:
    from ic_harness.bundled import bundled_canisters  # lazy: start-up time  # noqa: PLC0415
    from ic_harness.networks import Deployable  # lazy: start-up time  # noqa: PLC0415

    bundled = bundled_canisters()
    if not bundled or set(names) - set(bundled):
        raise click.UsageError("there is no dfx.json or icp.yaml in this folder, and --wasm is not given")
    chosen = [
        Deployable(name=it.name, wasm=it.wasm()) for it in bundled.values() if not names or it.name in names
    ]
    return Source(parts=tuple(Part(name=item.name, load=partial(_given, item)) for item in chosen))


def _given(item: Deployable, _ids: Ids) -> Deployable:
    return item
