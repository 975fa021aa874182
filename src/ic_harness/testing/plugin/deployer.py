"""What the fixtures `deploy`, `module_deploy` and `session_deploy` return: installs canisters for tests."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Final

from ic_harness.errors import InputError
from ic_harness.networks import (
    Build,
    Canister,
    Deployable,
    Source,
    SubnetName,
    build_crate,
    build_environment,
    build_motoko,
    create_controlled,
    encode_arguments,
    find_build,
    install_new,
    interface_of,
    list_icp_project,
    list_project,
)
from ic_harness.principal import Principal
from ic_harness.protocol import Identity

from .session_network import SessionNetwork

_DFX: Final = "dfx.json"
_ICP: Final = "icp.yaml"


class Deployer:
    """Installs canisters for one test, or for all tests of a module or session.

    Canisters are controlled by the network's deployer and by `caller`, who calls. `folder` is the project's.
    """

    def __init__(self, session: SessionNetwork, caller: Identity, folder: Path, *, shared: str = "") -> None:
        self._session = session
        self._caller = caller
        self._folder = folder
        self._shared = shared
        self._ids: dict[str, Principal] = {}
        self._made: list[Principal] = []

    def __call__(
        self,
        what: Source,
        *args: Any,
        candid: str | Path | None = None,
        subnet: SubnetName | None = None,
    ) -> Canister:
        """Install `what` with the arguments `args` of its `init`, and return a client for it.

        `what` is the name of a canister in `dfx.json` or `icp.yaml`, a path to a Wasm (plain or gzip), or its bytes.
        A canister of a project comes after those that it depends on, with the project's `init_arg` unless `args`
        are given. The interface is `candid` (a path or the text), else what the project or `--candid` says, else
        what the module carries, else a `.did` beside it. `subnet` is one of `network.subnets`, its id or its kind;
        canisters that a project's canister depends on are created there too. Raises `InputError` when there is no such
        canister or subnet, `RejectError` when it cannot be installed.
        """
        if isinstance(what, str) and not _is_path(what):
            return self._from_project(what, args, candid, subnet)
        name = "" if isinstance(what, bytes) else Path(what).name.partition(".wasm")[0]
        return self._install(self._find(what, candid), args, name, subnet)

    def cargo(
        self,
        crate: str | Path,
        *args: Any,
        features: Sequence[str] = (),
        profile: str = "release",
        subnet: SubnetName | None = None,
    ) -> Canister:
        """Build the crate in the folder `crate` by cargo, and install it.

        Raises `InputError` when cargo is missing or the crate does not compile.
        """
        folder = self._folder / crate
        key = ("cargo", str(folder), tuple(features), profile)
        build = self._built(key, lambda: build_crate(folder, features=features, profile=profile))
        return self._install(build, args, folder.resolve().name, subnet)

    def moc(
        self,
        main: str | Path,
        *args: Any,
        options: Sequence[str] = (),
        subnet: SubnetName | None = None,
    ) -> Canister:
        """Compile the actor in the file `main` by moc with these options of its own, and install it.

        Raises `InputError` when there is no compiler or the actor does not compile.
        """
        path = self._folder / main
        build = build_motoko(path, options=options, root=self._folder)
        return self._install(build, args, path.stem, subnet)

    # -- modules --------------------------------------------------------------------------------------------

    def _find(self, what: Source, candid: str | Path | None) -> Build:
        """Find a module for `deploy` and `upgrade`: a name of the project, a path below its folder, or bytes."""
        given = self._folder / candid if isinstance(candid, str) and candid.endswith(".did") else candid
        if isinstance(what, str) and not _is_path(what):
            return self._project_build(what, given, self._ids)[1]
        if not isinstance(what, bytes):
            what = self._folder / what
        return find_build(what, given or self._session.options.candid)

    def _built(self, key: tuple[Any, ...], build: Callable[[], Any]) -> Any:
        """Build once in this process."""
        if key not in self._session.builds:
            self._session.builds[key] = build()
        return self._session.builds[key]

    # -- canisters of a project -----------------------------------------------------------------------------

    def _from_project(
        self, name: str, args: Sequence[Any], candid: str | Path | None, subnet: SubnetName | None
    ) -> Canister:
        """Install a canister of the project and those that it depends on; all exist before the first is built."""
        chain = self._chain(name)
        ids = {other: self._ids.get(other) or self._create(other, subnet) for other in chain[:-1]}
        ids[name] = self._create(name, subnet)
        fresh = [other for other in chain[:-1] if other not in self._ids]
        self._ids |= ids
        for other in fresh:
            self._put(other, ids[other], (), None)
        return self._put(name, ids[name], args, candid)

    def _put(
        self, name: str, canister_id: Principal, args: Sequence[Any], candid: str | Path | None
    ) -> Canister:
        item, build = self._project_build(name, candid, self._ids)
        arg = build.encode(args) if args else _init_argument(item, build)
        return self._client(build, arg, canister_id)

    def _chain(self, name: str) -> list[str]:
        """Return the names of what a canister depends on, itself last."""
        if (self._folder / _DFX).exists() or not (self._folder / _ICP).exists():
            return [canister.name for canister in list_project(self._folder, [name])]
        return [canister.name for canister in list_icp_project(self._folder, [name])]

    def _project_build(
        self, name: str, candid: str | Path | None, ids: dict[str, Principal]
    ) -> tuple[Deployable, Build]:
        """Build a canister of the project; again only where another id of a canister may change it."""
        known = tuple(sorted((other, str(made)) for other, made in ids.items()))
        item: Deployable = self._built(
            ("project", str(self._folder), name, known), lambda: self._load(name, ids)
        )
        given = self._folder / candid if isinstance(candid, str) and candid.endswith(".did") else candid
        service, types = interface_of(item.wasm, given or item.candid or self._session.options.candid)
        return item, Build(wasm=item.wasm, service=service, init_types=types)

    def _load(self, name: str, ids: dict[str, Principal]) -> Deployable:
        if (self._folder / _DFX).exists() or not (self._folder / _ICP).exists():
            canisters = list_project(self._folder, [name])
            canisters[-1].build(build_environment(canisters, ids))
            return canisters[-1].load()
        (canister,) = list_icp_project(self._folder, [name])
        return canister.load({f"CANISTER_ID_{_variable(other)}": str(made) for other, made in ids.items()})

    # -- canisters ------------------------------------------------------------------------------------------

    def _install(self, build: Build, args: Sequence[Any], name: str, subnet: SubnetName | None) -> Canister:
        return self._client(build, build.encode(args), self._create(name, subnet))

    def _create(self, name: str, subnet: SubnetName | None) -> Principal:
        if self._shared and self._session.inside_test:
            raise InputError(
                f"{self._shared} deploys before tests begin: call it in a fixture of that scope, not in a test"
            )
        made = create_controlled(self._session.network, [self._caller.principal], subnet=subnet)
        self._made.append(made)
        names = self._session.shared_names if self._shared else self._session.names
        if name:
            names[made] = name
        return made

    def _client(self, build: Build, arg: bytes, canister_id: Principal) -> Canister:
        network = self._session.network
        self._session.entitle(build.wasm, self._session.names.get(canister_id) or "")
        made = install_new(network, build, arg, canister_id=canister_id, find=self._find)
        return Canister.as_(made, self._caller)

    def remove(self) -> None:
        """Delete the canisters that were made here; nothing on a network that has stopped."""
        network = self._session.network
        if network.failure is not None:
            return
        for canister_id in self._made:
            if network.exists(canister_id):
                network.remove_canister(canister_id)
            self._session.shared_names.pop(canister_id, None)
        self._made.clear()


def _is_path(what: str | Path) -> bool:
    return isinstance(what, Path) or what.endswith((".wasm", ".wasm.gz"))


def _variable(name: str) -> str:
    return name.replace("-", "_").upper()


def _init_argument(item: Deployable, build: Build) -> bytes:
    """Encode the arguments of `init` as the project has them."""
    if item.init_bytes is not None:
        return item.init_bytes
    if item.init_arg is None:
        return build.encode(())
    source = f" ({item.init_source})" if item.init_source else ""
    return encode_arguments(item.init_arg, build.init_types, f"the arguments of {item.name}{source}")
