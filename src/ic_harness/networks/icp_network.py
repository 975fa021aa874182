"""The local network of icp-cli.

Relied on, after icp-cli's documentation ("Configuration Reference", "Project Model", "Environments and
Networks", `icp network --help`):

- A project is the nearest folder upwards with an `icp.yaml`; see `icp_yaml` for what it says of networks.
- `icp network start NAME --background` returns when the network is ready, `icp network stop NAME` ends it.
- While a managed network runs, `.icp/cache/networks/NAME/descriptor.json` tells `gateway.port` and
  `root-key`. That file is described in icp-cli's sources only (`network/directory.rs`); where it is missing,
  `icp network status NAME --json` is asked, which is documented: `api_url` (before 0.2 `port`), `root_key`.
- The ids of canisters are in `.icp/cache/mappings/ENVIRONMENT.ids.json` for managed networks and in
  `.icp/data/mappings/` for others; the environment `local` is on the network `local`.

A network that is not running in this project is not looked for at its port: another project's may be there.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Any, Final

from ic_harness.errors import InputError, NetworkError
from ic_harness.lazy_dataclass import dataclass
from ic_harness.protocol import Identity
from ic_harness.text import brief, parse_json

from .canister_ids import find_above, icp_id, read_json
from .deadline import START_S, STOP_S, Deadline
from .icp_yaml import PROJECT_FILE, Defined, read_network, root_key
from .named_network import NamedNetwork, reach, start_network
from .processes import Program, run

PROGRAM: Final = Program(
    names=("icp",),
    install="Install icp-cli: brew install dfinity/tap/icp-cli, or see https://cli.internetcomputer.org",
)
NETWORK: Final = "local"
_ADVICE: Final = "start it by `icp network start --background`"


@dataclass(frozen=True, slots=True, kw_only=True)
class IcpPlace:
    """Where a network of icp-cli is: its address, its root key if told, and what says so.

    `store` is the folder of `.icp` that holds the ids of canisters there.
    """

    url: str
    root_key: bytes | None
    source: str
    store: str = "cache"


def find_project(folder: Path) -> Path:
    """Find the folder of the `icp.yaml`. Raises `InputError` when there is none."""
    project = find_above(folder, PROJECT_FILE)
    if project is None:
        raise InputError(
            f"there is no {PROJECT_FILE} in {folder.absolute()} or above: icp-cli needs a project"
        )
    return project


def find_network(folder: Path) -> Defined:
    """Read what the project of a folder says of its local network. Raises `InputError` when there is none."""
    return read_network(find_project(folder), NETWORK)


def find_place(project: Path, environ: Mapping[str, str], deadline: Deadline) -> IcpPlace | None:
    """Find the local network of a project; None when it does not run.

    Raises `InputError` for a damaged `icp.yaml`, `NetworkError` for a damaged descriptor.
    """
    defined = read_network(project, NETWORK)
    if defined.url is not None:
        source = str(project / PROJECT_FILE)
        return IcpPlace(url=defined.url, root_key=defined.root_key, source=source, store="data")
    path = project / ".icp" / "cache" / "networks" / NETWORK / "descriptor.json"
    try:
        descriptor = read_json(path)
        if descriptor is not None:
            return _described(path, descriptor)
    except InputError as error:
        raise NetworkError(f"{error}; {_ADVICE}") from error
    return _asked(project, environ, deadline)


def _described(path: Path, descriptor: Mapping[str, Any]) -> IcpPlace:
    gateway = descriptor.get("gateway")
    port = gateway.get("port") if isinstance(gateway, dict) else None
    if not isinstance(port, int) or not 0 < port < 65536:
        raise InputError(f"{path} is damaged: gateway.port is {brief(port)}")
    key = root_key(path, descriptor.get("root-key"))
    return IcpPlace(url=f"http://localhost:{port}", root_key=key, source=str(path))


def _asked(project: Path, environ: Mapping[str, str], deadline: Deadline) -> IcpPlace | None:
    """Ask icp-cli itself; it fails when the network does not run."""
    program = PROGRAM.find(environ)
    if program is None:
        return None
    command: list[str | Path] = [program, "network", "status", NETWORK, "--json"]
    try:
        printed = run(command, cwd=project, environ=environ, deadline=deadline)
        status = parse_json(printed[printed.index("{") : printed.rindex("}") + 1])  # warnings may surround it
        url = status.get("api_url") or f"http://localhost:{int(status['port'])}"
    except NetworkError:
        return None
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise NetworkError(
            f"`icp network status --json` printed something else than expected: {error}"
        ) from error
    return IcpPlace(url=url, root_key=root_key(program, status.get("root_key")), source="icp network status")


def open_icp(
    folder: Path | None = None,
    *,
    start: bool = False,
    deployer: Identity | None = None,
    environ: Mapping[str, str] | None = None,
    deadline: Deadline | None = None,
) -> NamedNetwork:
    """Reach the local network of icp-cli for the project in `folder` (the current one).

    With `start` it is started in the background when it does not run, and stopped again when the network is
    closed; one that runs already is used and left running. Raises `InputError` without a project or for a
    damaged file, `NetworkError` when the network does not run or icp-cli cannot start it.
    """
    environ = os.environ if environ is None else environ
    deadline = deadline or Deadline(START_S)
    project = find_project(folder or Path())
    try:
        return _running(project, environ, deployer, deadline)
    except NetworkError:
        if not start:
            raise
    program = PROGRAM.require(environ)

    def icp(*words: str, until: Deadline) -> None:
        run([program, "network", *words], cwd=project, environ=environ, deadline=until)

    return start_network(
        lambda: icp("start", NETWORK, "--background", until=deadline),
        lambda: _running(project, environ, deployer, deadline),
        lambda: icp("stop", NETWORK, until=Deadline(STOP_S)),
        "icp network start",
    )


def _running(
    project: Path, environ: Mapping[str, str], deployer: Identity | None, deadline: Deadline
) -> NamedNetwork:
    place = find_place(project, environ, deadline)
    if place is None:
        raise NetworkError(f"the network {NETWORK} of {project} does not run: {_ADVICE}")
    path = project / ".icp" / place.store / "mappings" / f"{NETWORK}.ids.json"
    network = NamedNetwork("icp", place.url, deployer, root_key=place.root_key, lookup=partial(icp_id, path))
    return reach(network, f"{_ADVICE} (the address is from {place.source})")
