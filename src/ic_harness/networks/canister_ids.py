"""Files in which dfx and icp-cli keep the ids of the canisters of a project.

    canister_ids.json                    dfx   {"backend": {"ic": "aaaaa-…", "local": …}}
    .dfx/local/canister_ids.json         dfx   the same, for networks that do not last
    .icp/data/mappings/ENV.ids.json      icp   {"backend": "aaaaa-…"}
    .icp/cache/mappings/ENV.ids.json     icp   the same, for networks that icp-cli runs itself
    dfx.json                             dfx   {"canisters": {"backend": {"remote": {"id": {"ic": "aaaaa-…"}}}}}

Sources: dfx-core (`canister_id_store.rs`) and the documentation of icp-cli ("Project Model", "Canister IDs").
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from ic_harness.errors import InputError, PrincipalError
from ic_harness.principal import Principal
from ic_harness.text import parse_json, read_text

ANY_NETWORK: Final = "__default"
"""The network name under which dfx looks when it finds no entry for the network itself."""


def find_above(folder: Path, name: str) -> Path | None:
    """Find the folder that holds a file called `name`: this one or the nearest above it."""
    start = folder.absolute()
    return next((place for place in (start, *start.parents) if (place / name).is_file()), None)


def read_json(path: Path) -> Mapping[str, Any] | None:
    """Read a JSON object; None when there is no such file. Raises `InputError` when it is damaged."""
    try:
        value = parse_json(read_text(path))
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as error:
        raise InputError(f"cannot read {path}: {error.strerror}") from error
    except ValueError as error:
        raise InputError(f"{path} is no JSON: {error}") from error
    if not isinstance(value, dict):
        raise InputError(f"{path} is damaged: it must hold a JSON object")
    return value


def json_object(value: Mapping[str, Any], key: str, path: Path) -> Mapping[str, Any]:
    """Read the object under a key of `path`, empty when there is none. Raises `InputError` for anything else."""
    found = value.get(key)
    if found is None:
        return {}
    if not isinstance(found, dict):
        raise InputError(f"{path} is damaged: `{key}` must be a JSON object")
    return found


def remote_id(path: Path, name: str, network: str) -> Principal | None:
    """Find the id that the `dfx.json` at `path` names under `remote` for a canister that others deployed."""
    canister = json_object(json_object(read_json(path) or {}, "canisters", path), name, path)
    return remote_of(path, name, canister, network)


def remote_of(path: Path, name: str, canister: Mapping[str, Any], network: str) -> Principal | None:
    """Find the id under `remote` in the entry `canister` of the `dfx.json` at `path`."""
    ids = json_object(json_object(canister, "remote", path), "id", path)
    return _principal(path, name, ids.get(network))


def dfx_id(path: Path, name: str, network: str) -> Principal | None:
    """Find a canister of a network in a file of dfx. Raises `InputError` when it is damaged."""
    entry = (read_json(path) or {}).get(name)
    if entry is None:
        return None
    if not isinstance(entry, dict):
        raise InputError(f"{path} is damaged: {name} must map networks to canister ids")
    return _principal(path, name, entry.get(network) or entry.get(ANY_NETWORK))


def icp_id(path: Path, name: str) -> Principal | None:
    """Find a canister in a file of icp-cli. Raises `InputError` when it is damaged."""
    return _principal(path, name, (read_json(path) or {}).get(name))


def _principal(path: Path, name: str, value: object) -> Principal | None:
    if value is None:
        return None
    try:
        return Principal.from_text(str(value))
    except PrincipalError as error:
        raise InputError(f"{path} is damaged: the id of {name} is no principal: {error}") from error
