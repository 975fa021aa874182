"""The local network of dfx.

Relied on, after dfx's documentation ("dfx start", "networks.json") and dfx-core (`network/provider.rs`,
`local_server_descriptor.rs`, `canister_id_store.rs`):

- A project is the nearest folder upwards with a `dfx.json`. If that defines `networks.local`, the network is
  the project's own, with its data in `.dfx/network/local`; otherwise it is shared by all projects of the user,
  defined in `~/.config/dfx/networks.json`, with its data in `~/.local/share/dfx/network/local`.
- `bind` is where it listens (default 127.0.0.1:8000 of a project, 127.0.0.1:4943 shared), but the port in the
  file `webserver-port` of the data folder is the one of the network that was started last.
- `providers` instead of `bind` is the address of a network that dfx does not run.
- `dfx start --clean --background` returns when the network is ready, `dfx stop` ends it.
- Ids of canisters are in `.dfx/local/canister_ids.json`; of a shared network that was started anew since, they
  are void: then `network-id` there differs from the one in the data folder. Ids that last are in
  `canister_ids.json` and under `remote` in `dfx.json`.
"""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

from ic_harness.errors import InputError, NetworkError
from ic_harness.lazy_dataclass import dataclass
from ic_harness.principal import Principal
from ic_harness.protocol import Identity
from ic_harness.text import brief

from .canister_ids import dfx_id, find_above, json_object, read_json, remote_id
from .deadline import START_S, STOP_S, Deadline
from .named_network import NamedNetwork, reach, start_network
from .processes import Program, run

PROGRAM: Final = Program(
    names=("dfx",),
    install='Install dfx: sh -ci "$(curl -fsSL https://internetcomputer.org/install.sh)"',
)
NETWORK: Final = "local"
PROJECT_BIND: Final = "127.0.0.1:8000"
SHARED_BIND: Final = "127.0.0.1:4943"
PROJECT_FILE: Final = "dfx.json"
_HOST: Final = re.compile(r"[\w.:-]+", re.ASCII)
_ANY_HOST: Final = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104 - dfx may listen on all, we ask one


@dataclass(frozen=True, slots=True, kw_only=True)
class DfxPlace:
    """Where the local network of dfx is, seen from a folder.

    `project` is the folder of the `dfx.json`, None without one; `data` is what dfx keeps of the network;
    `shared` is whether other projects use it too; `source` is the file with the address.
    """

    project: Path | None
    data: Path
    shared: bool
    url: str
    source: str

    def canister_id(self, name: str) -> Principal | None:
        """Find a canister of the project by name. Raises `InputError` when a file is damaged."""
        if self.project is None:
            return None
        found = remote_id(self.project / PROJECT_FILE, name, NETWORK)
        if found is None and not self._void():
            found = dfx_id(self.project / ".dfx" / NETWORK / "canister_ids.json", name, NETWORK)
        return found or dfx_id(self.project / "canister_ids.json", name, NETWORK)

    def _void(self) -> bool:
        """Whether the project's ids are of a network that has been started anew since."""
        if not self.shared or self.project is None:
            return False
        theirs, ours = self.data / "network-id", self.project / ".dfx" / NETWORK / "network-id"
        return theirs.is_file() and (not ours.is_file() or ours.read_bytes() != theirs.read_bytes())


def find_place(folder: Path, environ: Mapping[str, str]) -> DfxPlace:
    """Find the local network for a folder. Raises `InputError` for damaged files, `NetworkError` for a bad port."""
    project = find_above(folder, PROJECT_FILE)
    if project is not None:
        path = project / PROJECT_FILE
        defined = _definition(path, json_object(read_json(path) or {}, "networks", path))
        if defined is not None:
            data = project / ".dfx" / "network" / NETWORK
            return _place(project, data, path, defined, shared=False)
    path = _home(environ, "DFX_CONFIG_ROOT") / ".config" / "dfx" / "networks.json"
    defined = _definition(path, read_json(path) or {})
    return _place(project, _shared_data(environ), path, defined or {}, shared=True)


def _place(
    project: Path | None, data: Path, path: Path, defined: Mapping[str, Any], *, shared: bool
) -> DfxPlace:
    source, url = str(path), _provider(path, defined)
    if url is None:
        url, source = _address(path, defined, data, SHARED_BIND if shared else PROJECT_BIND)
    return DfxPlace(project=project, data=data, shared=shared, url=url, source=source)


def _definition(path: Path, networks: Mapping[str, Any]) -> Mapping[str, Any] | None:
    return json_object(networks, NETWORK, path) if NETWORK in networks else None


def _provider(path: Path, defined: Mapping[str, Any]) -> str | None:
    providers = defined.get("providers")
    if providers is None:
        return None
    if not isinstance(providers, list) or not providers or not isinstance(providers[0], str):
        raise InputError(f"{path}: `providers` of the network {NETWORK} must be a list of URLs")
    return providers[0]


def _address(path: Path, defined: Mapping[str, Any], data: Path, default: str) -> tuple[str, str]:
    """Tell where the network listens, and which file says so."""
    bind = defined.get("bind", default)
    try:
        parts = urlsplit(f"//{bind}")
        host, port = parts.hostname or "", parts.port
    except ValueError:
        host, port = "", None
    if port is None or not _HOST.fullmatch(host):  # port 0 takes any; then only the file has the number
        raise InputError(
            f"{path}: `bind` of the network {NETWORK} must look like {default}, not {brief(bind)}"
        )
    running = data / "webserver-port"
    started = _port(running)
    host = _ANY_HOST.get(host, host)
    shown = f"[{host}]" if ":" in host else host
    source = str(path) if "bind" in defined else "dfx's default"
    return f"http://{shown}:{started or port}", str(running) if started else source


def _port(path: Path) -> int | None:
    try:
        text = path.read_text(encoding="utf-8", errors="replace").strip()
    except OSError:
        return None
    if not text:
        return None
    if not (text.isascii() and text.isdigit() and 0 < int(text) < 65536):
        raise NetworkError(f"{path} holds {text[:40]!r}, no port: delete the file and start dfx anew")
    return int(text)


def _home(environ: Mapping[str, str], variable: str) -> Path:
    return Path(environ.get(variable) or environ.get("HOME") or "~").expanduser()


def _shared_data(environ: Mapping[str, str]) -> Path:
    if sys.platform == "darwin":
        base = _home(environ, "HOME") / "Library" / "Application Support" / "org.dfinity.dfx"
    else:
        base = Path(environ.get("XDG_DATA_HOME") or _home(environ, "HOME") / ".local" / "share") / "dfx"
    return base / "network" / NETWORK


def open_dfx(
    folder: Path | None = None,
    *,
    start: bool = False,
    deployer: Identity | None = None,
    environ: Mapping[str, str] | None = None,
    deadline: Deadline | None = None,
) -> NamedNetwork:
    """Reach the local network of dfx for the project in `folder` (the current one).

    With `start` it is started when it does not run, clean and in the background, and stopped again when the
    network is closed; one that runs already is used and left running. Raises `InputError` for a damaged file,
    `NetworkError` when the network does not run or dfx cannot start it.
    """
    folder, environ = folder or Path(), os.environ if environ is None else environ
    place = find_place(folder, environ)
    network = NamedNetwork("dfx", place.url, deployer, lookup=place.canister_id)
    try:
        return reach(
            network, f"start it by `dfx start --clean --background` (the address is from {place.source})"
        )
    except NetworkError:
        if not start:
            raise
    return _started(place, folder, environ, deployer, deadline or Deadline(START_S))


def _started(
    place: DfxPlace, folder: Path, environ: Mapping[str, str], deployer: Identity | None, deadline: Deadline
) -> NamedNetwork:
    program, cwd = PROGRAM.require(environ), place.project or folder

    def dfx(*words: str, until: Deadline) -> None:
        run([program, *words], cwd=cwd, environ=environ, deadline=until)

    def find() -> NamedNetwork:
        now = find_place(folder, environ)  # it may have taken another port than the one that ran before
        return NamedNetwork("dfx", now.url, deployer, lookup=now.canister_id)

    return start_network(
        lambda: dfx("start", "--clean", "--background", until=deadline),
        find,
        lambda: dfx("stop", until=Deadline(STOP_S)),
        "dfx start",
    )
