"""The kinds of network as a table: what `--network` and `open_network` take.

Other packages add kinds through the entry-point group `ic_harness.networks`:

    [project.entry-points."ic_harness.networks"]
    testbed = "my_package:TESTBED"

The object is a `NetworkKind`; it is imported when its network is opened.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Final

from ic_harness.errors import InputError
from ic_harness.lazy_dataclass import dataclass
from ic_harness.protocol import Identity
from ic_harness.suggestions import suggest
from ic_harness.urls import public_url

from .mainnet import MAINNET
from .network import Network
from .openers import connect, dfx, embedded, ic, icp, pocket_ic

if TYPE_CHECKING:
    from importlib.metadata import EntryPoint

GROUP: Final = "ic_harness.networks"
"""The entry-point group."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenOptions:
    """What a network is opened with. Kinds ignore what they have no use for.

    `start` asks to start the network when it does not run, and to stop it when it is closed. `state_dir` keeps the
    state. `deployer` makes and controls canisters. `cost_schedule` is `normal` or `free`, for embedded networks.
    """

    start: bool = False
    state_dir: Path | None = None
    deployer: Identity | None = None
    cost_schedule: str = "normal"


@dataclass(frozen=True, slots=True, kw_only=True)
class NetworkKind:
    """One kind of network. With `startable`, `NAME:start` starts it when it does not run.

    `open` raises `NetworkError` when the network does not run or cannot be started.
    """

    name: str
    open: Callable[[OpenOptions], Network]
    startable: bool = False


def _pocket_ic(options: OpenOptions) -> Network:
    kept = None if options.state_dir is None else options.state_dir / "pocket-ic"
    return pocket_ic(state_dir=kept, deployer=options.deployer)


def _embedded(options: OpenOptions) -> Network:
    return embedded(options.state_dir, deployer=options.deployer, cost_schedule=options.cost_schedule)


KINDS: Final = (
    NetworkKind(name="embedded", open=_embedded),
    NetworkKind(
        name="dfx", open=lambda options: dfx(start=options.start, deployer=options.deployer), startable=True
    ),
    NetworkKind(
        name="icp", open=lambda options: icp(start=options.start, deployer=options.deployer), startable=True
    ),
    NetworkKind(name="pocket-ic", open=_pocket_ic),
    NetworkKind(name=MAINNET, open=lambda options: ic(deployer=options.deployer)),
)
"""The kinds of this package, in the order in which help and `doctor` list them."""

NAMES: Final = tuple(kind.name for kind in KINDS)
"""The names of the networks of this package; every other network is given by its URL or plugged in."""

STARTED: Final = tuple(f"{kind.name}:start" for kind in KINDS if kind.startable)
"""Names of networks that are started when they do not run, and then stopped at the end."""

SPECS: Final = f"{', '.join(NAMES)}, {', '.join(STARTED)} (started when they do not run), or a URL"
"""Everything that `open_network` takes without plug-ins, for a help text."""


def network_names() -> list[str]:
    """Return the name of every network, with those of other packages, which are not loaded for it."""
    return [*NAMES, *_points()]


def find_kind(name: str) -> NetworkKind | None:
    """Return the kind of network called `name`; None when there is none.

    Raises `InputError` for an entry point that cannot be loaded.
    """
    for kind in KINDS:
        if kind.name == name:
            return kind
    point = _points().get(name)
    if point is None:
        return None
    from ic_harness.entry_points import load_entry_point  # lazy: start-up time  # noqa: PLC0415

    return load_entry_point(point, "network", NetworkKind)


def open_network(
    spec: str,
    state_dir: Path | None = None,
    *,
    deployer: Identity | None = None,
    cost_schedule: str = "normal",
) -> Network:
    """Open the network that `spec` names: one of `network_names()` or `STARTED`, or a URL.

    `state_dir` keeps the state of an embedded network or of PocketIC (None: in memory only); other networks
    ignore it. `deployer` makes and controls canisters. `cost_schedule` `free` lets an embedded network charge nothing;
    other networks ignore it. Raises `InputError` when there is no such network,
    `NetworkError` when it does not run or cannot be started, `StateError` when the state folder is damaged
    or in use.
    """
    if "://" in spec:
        return connect(spec, deployer=deployer)
    name, colon, action = spec.partition(":")
    kind = find_kind(name)
    start = kind is not None and kind.startable and action == "start"
    if kind is None or (colon and not start):
        known = [*network_names(), *STARTED]
        raise InputError(f"no network {public_url(spec)!r}; {suggest(spec, known)}; or give a URL")
    return kind.open(
        OpenOptions(start=start, state_dir=state_dir, deployer=deployer, cost_schedule=cost_schedule)
    )


@cache
def _points() -> dict[str, EntryPoint]:
    """The entry points of other packages, which cannot replace a network of this one."""
    from importlib.metadata import entry_points  # lazy: 20 ms, and most networks are ours  # noqa: PLC0415

    return {point.name: point for point in entry_points(group=GROUP) if point.name not in NAMES}
