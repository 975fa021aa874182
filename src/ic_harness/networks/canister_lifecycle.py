"""What a controller does to a canister: install, upgrade, start, stop, settings, cycles, logs, snapshots, memory.

Theory of operation. `Lifecycle` is the whole set of operations, as an identity that the network checks. `Canister`
inherits it and adds the methods of the Candid interface as attributes, which come first: a canister with a method
`status` keeps it, and `lifecycle(canister).status()` is always the operation. So no method of this class may read a
public name of `self`: for a `Canister` it may be a method of the interface. All data is in private attributes.

Clients of one canister for different callers share one `Installed`: what was installed last, and its interface.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Final, TypeAlias

from ic_harness.agent import Agent, CanisterStatus, InstallMode, Management
from ic_harness.candid import Service, Type, decode, encode
from ic_harness.displays import Display, Displayed
from ic_harness.errors import HarnessError, InputError, RejectError
from ic_harness.lazy_dataclass import dataclass
from ic_harness.principal import Principal
from ic_harness.protocol import Identity

from .capabilities import Capability
from .interfaces import fetch_interface, find_method, interface_of
from .network import EMPTY_ARGUMENT, Network
from .values import with_fields
from .wasm_metadata import INTERFACE, is_motoko

_QUERIES: Final = frozenset({"query", "composite_query"})
Source: TypeAlias = str | Path | bytes
"""A module: its bytes, a path to a Wasm file, or a name that a `Finder` knows."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Build:
    """A module that can be installed: `wasm` (plain or gzip), its interface, and the types of its `init`."""

    wasm: bytes
    service: Service | None = None
    init_types: tuple[Type, ...] = ()

    def encode(self, values: Sequence[Any]) -> bytes:
        """Encode arguments of `init`. Raises `InputError` when their types are not known, `CandidError`."""
        if values and not self.init_types:
            raise InputError(
                "arguments of init need types, and the module does not contain them: pass the .did file"
            )
        return encode(tuple(values), self.init_types)


Finder: TypeAlias = Callable[[Source, "str | Path | None"], Build]
"""Finds a module, with the interface that was given for it or None."""


def find_build(source: Source, interface: str | Path | None = None) -> Build:
    """Read a module, given as bytes or as a path; without `interface`, a `.did` beside the file is taken.

    Raises `InputError` when a file cannot be read, `CandidError` for an interface that is none.
    """
    if isinstance(source, bytes):
        wasm, beside = source, None
    else:
        wasm, beside = read_wasm(Path(source)), interface_beside(Path(source))
    service, types = interface_of(wasm, interface)
    if service is None and beside is not None:
        service, types = interface_of(wasm, beside)
    return Build(wasm=wasm, service=service, init_types=types)


def read_wasm(path: Path) -> bytes:
    """Read a Wasm file, plain or gzip. Raises `InputError` that names it when it cannot be read."""
    try:
        return path.read_bytes()
    except OSError as error:
        raise InputError(f"cannot read {path}: {error.strerror}") from error


def interface_beside(wasm: Path) -> Path | None:
    """Return the `.did` file beside a Wasm file: `counter.did` for `counter.wasm` and `counter.wasm.gz`."""
    did = wasm.with_name(f"{wasm.name.removesuffix('.gz').removesuffix('.wasm')}.did")
    return did if did.is_file() else None


@dataclass(slots=True, kw_only=True)
class Installed:
    """What the clients of one canister know: its interface, what was installed last, and how modules are found."""

    service: Service | None = None
    build: Build | None = None
    arg: bytes = EMPTY_ARGUMENT
    find: Finder = find_build
    given: bool = False
    """Whether `service` was given by the user: it then stays when a module without an interface is installed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CanisterSnapshot:
    """A snapshot of one canister: its id, when it was taken (ns since 1970), and its size in bytes."""

    id: bytes
    taken_at_ns: int
    size: int
    build: Build | None = None
    """What was installed when it was taken, where that is known."""

    def __repr__(self) -> str:
        return f"CanisterSnapshot({self.id.hex()}, {self.size} bytes)"


class Lifecycle(Displayed):
    """A canister as its controllers see it; every call is made as the caller `identity`.

    All methods raise `RejectError` where the network refuses, for instance because the caller is no controller, and
    the other errors of `Agent.update`.
    """

    def __init__(
        self,
        network: Network,
        canister_id: Principal,
        *,
        identity: Identity,
        installed: Installed | None = None,
    ) -> None:
        self._network = network
        self._id = canister_id
        self._identity = identity
        self._installed = installed or Installed()

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self._id} on {self._network.name})"

    def _display(self) -> Display:
        from .network_displays import canister_display  # lazy: notebooks and terminals only  # noqa: PLC0415

        return canister_display(
            type(self).__name__,
            self._id,
            self._network.name,
            self._identity.principal,
            service=self._interface,
            module_hash=functools.partial(self._network.module_hash, self._id),
        )

    # -- the client -----------------------------------------------------------------------------------------

    @property
    def network(self) -> Network:
        """The network."""
        return self._network

    @property
    def canister_id(self) -> Principal:
        """The canister's principal."""
        return self._id

    @property
    def identity(self) -> Identity:
        """The caller."""
        return self._identity

    @property
    def agent(self) -> Agent:
        """The client that calls as `identity`."""
        return self._agent

    @functools.cached_property
    def _agent(self) -> Agent:
        return self._network.agent(self._identity)

    @property
    def service(self) -> Service:
        """The interface: as given, or as the canister publishes it. Raises `InputError` without one."""
        return self._interface()

    def _interface(self) -> Service:
        if self._installed.service is None:
            self._installed.service = fetch_interface(self._agent, self._id)
        return self._installed.service

    def has_method(self, name: str) -> bool | None:
        """Whether the interface has a method `name`; None while no interface is known. Sends nothing."""
        return None if self._installed.service is None else name in self._installed.service.methods

    def finds_method(self, name: str) -> bool:
        """Whether the interface has a method `name`; reads what the canister publishes if none is known."""
        try:
            return name in Lifecycle._interface(self).methods
        except InputError:  # there is no interface
            return False

    def with_caller(self, identity: Identity) -> Lifecycle:
        """Return the same operations as another caller."""
        return Lifecycle(self._network, self._id, identity=identity, installed=self._installed)

    def call(self, method: str, *args: Any, update: bool = False) -> Any:
        """Call `method` and return what it returns: None, the value, or a tuple of several.

        Query methods are asked without a certificate unless `update`. Raises `InputError` for an unknown
        method, `CandidError` for arguments that do not fit, and the `CallError` family without a reply.
        """
        known = find_method(self._interface(), method)
        send = self._agent.query if known.mode in _QUERIES and not update else self._agent.update
        argument = encode(args, known.arg_types)
        try:
            reply = send(self._id, method, argument)
        except RejectError as error:
            error.log = recent_log(self._network, self._id)
            error.trap = self._network.find_trap(error.reject_message)
            raise
        return plain_result(decode(reply, known.return_types))

    # -- code -----------------------------------------------------------------------------------------------

    def upgrade(
        self,
        wasm: Source | None = None,
        *init: Any,
        candid: str | Path | None = None,
        skip_pre_upgrade: bool | None = None,
    ) -> None:
        """Upgrade to `wasm` (bytes, or a path); None is the module that was installed last.

        `init` are the arguments of its `post_upgrade`. Without any, a Motoko actor class is passed those of its
        last installation, which the language requires; every other module is passed none. `candid` is the new
        interface, by path or text; without one the module's own, else the interface so far. `skip_pre_upgrade`
        upgrades a canister whose `pre_upgrade` traps. Raises `InputError` when the module is not known.
        """
        build = self._build(wasm, candid)
        arg = build.encode(init) if init else self._argument_again(build.wasm)
        self._install(build, arg, "upgrade", skip_pre_upgrade=skip_pre_upgrade)

    def _argument_again(self, wasm: bytes) -> bytes:
        return self._installed.arg if is_motoko(wasm) else EMPTY_ARGUMENT

    @property
    def upgrade_argument(self) -> bytes:
        """The encoded argument that `upgrade` without arguments passes to the module that was installed last."""
        build = self._installed.build
        return EMPTY_ARGUMENT if build is None else self._argument_again(build.wasm)

    def reinstall(self, wasm: Source | None = None, *init: Any, candid: str | Path | None = None) -> None:
        """Install `wasm` anew and drop all state; None is the module that was installed last.

        `init` are the arguments of its `init`; without any, those of the last installation. Raises `InputError`
        when the module is not known.
        """
        build = self._build(wasm, candid)
        self._install(build, build.encode(init) if init else self._installed.arg, "reinstall")

    def install(self, wasm: Source | None = None, *init: Any, candid: str | Path | None = None) -> None:
        """Install `wasm` into an empty canister; arguments as for `reinstall`."""
        build = self._build(wasm, candid)
        self._install(build, build.encode(init) if init else self._installed.arg, "install")

    def _build(self, wasm: Source | None, candid: str | Path | None) -> Build:
        if wasm is not None:
            return self._installed.find(wasm, candid)
        if self._installed.build is None:
            raise InputError(f"the module of canister {self._id} is not known here: pass the Wasm")
        return self._installed.build

    def _install(
        self, build: Build, arg: bytes, mode: InstallMode, *, skip_pre_upgrade: bool | None = None
    ) -> None:
        self._network.install(
            self._id, build.wasm, arg, mode, sender=self._identity, skip_pre_upgrade=skip_pre_upgrade
        )
        known = self._installed
        known.build, known.arg = build, arg
        if build.service is not None or not known.given:
            known.service = build.service

    def uninstall(self) -> None:
        """Remove code and state; controllers, settings and cycles stay."""
        self._management.uninstall_code(self._id)

    def start(self) -> None:
        """Let the canister accept calls again."""
        self._management.start_canister(self._id)

    def stop(self) -> None:
        """Stop the canister: open calls end, new ones are rejected. Returns when it has stopped."""
        self._management.stop_canister(self._id)

    def delete(self) -> None:
        """Delete a stopped canister for good."""
        self._management.delete_canister(self._id)

    @property
    def _management(self) -> Management:
        return Management(self._agent)

    # -- status and settings --------------------------------------------------------------------------------

    def status(self) -> CanisterStatus:
        """Return status, settings, module hash, memory and cycles, with the names of the management canister."""
        return self._management.canister_status(self._id)

    @property
    def cycles(self) -> int:
        """The balance in cycles, as the status has it."""
        return self._management.canister_status(self._id)["cycles"]

    def add_cycles(self, amount: int) -> None:
        """Add `amount` cycles to the balance; local networks only."""
        self._management.provisional_top_up_canister(self._id, amount)

    def settings(self, **changes: Any) -> Mapping[str, Any]:
        """Return all settings as they are, then change those that are named.

        Names are those of the management canister, such as `controllers` (principals or identities),
        `freezing_threshold` (seconds), `wasm_memory_limit` (bytes). Raises `InputError` for an unknown one.
        """
        before = self._management.canister_status(self._id)["settings"]
        if changes.get("controllers") is not None:
            changes["controllers"] = [_principal(who) for who in changes["controllers"]]
        if changes:
            self._management.update_settings(self._id, changes)
        return before

    def logs(self) -> list[str]:
        """Return what the canister printed, and why it trapped, oldest first, as the caller may read it."""
        records = self._management.fetch_canister_logs(self._id)
        return [bytes(record["content"]).decode(errors="replace") for record in records]

    def metadata(self, name: str) -> bytes | None:
        """Read the metadata section `name`, certified; None when it is proven absent."""
        return self._agent.read_metadata(self._id, name)

    @property
    def candid(self) -> str | None:
        """The interface that the canister publishes, as text, certified; None when it publishes none."""
        text = self._agent.read_metadata(self._id, INTERFACE)
        return None if text is None else text.decode(errors="replace")

    # -- state ----------------------------------------------------------------------------------------------

    def snapshot(self) -> CanisterSnapshot:
        """Take a snapshot of code and memory; a canister has at most ten."""
        record = self._management.take_canister_snapshot(self._id)
        return _snapshot(record, self._installed.build)

    def snapshots(self) -> list[CanisterSnapshot]:
        """Return the snapshots of the canister, oldest first."""
        return [_snapshot(record) for record in self._management.list_canister_snapshots(self._id)]

    def load(self, snapshot: CanisterSnapshot | bytes) -> None:
        """Go back to a snapshot of this canister, or to the one with this id: code, memory and certified data."""
        known = snapshot if isinstance(snapshot, CanisterSnapshot) else None
        self._management.load_canister_snapshot(self._id, known.id if known else bytes(snapshot))  # type: ignore[arg-type]
        build = known.build if known else None
        installed = self._installed
        installed.build = build
        if build is not None and build.service is not None:
            installed.service = build.service

    def delete_snapshot(self, snapshot: CanisterSnapshot | bytes) -> None:
        """Delete a snapshot."""
        identifier = _snapshot_id(snapshot)
        self._management.delete_canister_snapshot(self._id, identifier)

    def download_snapshot(self, folder: str | Path, snapshot: CanisterSnapshot | bytes | None = None) -> None:
        """Write a snapshot into a new folder; without `snapshot` one is taken for it and deleted afterwards.

        Interrupted, it continues from `<folder>.part`. Raises `InputError` for a folder that exists.
        """
        from .snapshot_files import download_snapshot  # lazy: start-up time  # noqa: PLC0415

        identifier = None if snapshot is None else _snapshot_id(snapshot)
        download_snapshot(self._management, self._id, Path(folder), snapshot=identifier)

    def upload_snapshot(
        self, folder: str | Path, *, replace: CanisterSnapshot | bytes | None = None
    ) -> bytes:
        """Make a snapshot of what `download_snapshot` wrote, here or on another network; returns its id, for `load`.

        Interrupted, it continues. Raises `InputError` for a folder that is damaged.
        """
        from .snapshot_files import upload_snapshot  # lazy: start-up time  # noqa: PLC0415

        return upload_snapshot(
            self._management,
            self._id,
            Path(folder),
            network_key=self._network.root_key,
            replace=None if replace is None else _snapshot_id(replace),
        )

    @property
    def stable_memory(self) -> bytes:
        """The stable memory, all of it; assign bytes to replace it. Needs `Capability.STABLE`.

        What is assigned is padded with zeros to whole Wasm pages (64 KiB). Main memory stays as it is.
        """
        return self._network.stable_memory(self._id)

    @stable_memory.setter
    def stable_memory(self, content: bytes) -> None:
        self._network.set_stable_memory(self._id, content)


def plain_result(values: Sequence[Any]) -> Any:
    """Return the results of a method as Python code wants them: None, the value, or a tuple of several."""
    if len(values) < 2:
        return with_fields(values[0]) if values else None
    return with_fields(tuple(values))


def recent_log(network: Network, canister: Principal) -> tuple[str, ...]:
    """Return what a canister printed lately, for the error of a call; empty where that would take another call."""
    if Capability.LOG_STREAM not in network.capabilities:
        return ()
    try:
        return tuple(network.logs(canister))
    except HarnessError:  # the canister was deleted by its call: the error of the call is the one to raise
        return ()


def _principal(who: Any) -> Principal:
    """Return the principal of an identity, or what `Principal.of` takes."""
    found = getattr(who, "principal", who)
    return found if isinstance(found, Principal) else Principal.of(found)


def _snapshot_id(snapshot: CanisterSnapshot | bytes) -> bytes:
    return snapshot.id if isinstance(snapshot, CanisterSnapshot) else bytes(snapshot)


def _snapshot(record: Mapping[str, Any], build: Build | None = None) -> CanisterSnapshot:
    return CanisterSnapshot(
        id=bytes(record["id"]),
        taken_at_ns=int(record["taken_at_timestamp"]),
        size=int(record["total_size"]),
        build=build,
    )
