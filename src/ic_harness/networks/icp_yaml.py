"""What a project of icp-cli says of a network: the section `networks` of its `icp.yaml`.

icp-cli, "Configuration Reference": an entry is an object, or the path of a YAML file that holds one. `mode`
is `managed` (icp-cli runs it) or `connected` (others run it, at `url` or `api-url`, with `root-key` `mainnet`,
`fetch` or 266 hexadecimal digits). Without an entry `local` is managed and `ic` is mainnet.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from ic_harness.errors import InputError
from ic_harness.protocol import MAINNET_ROOT_KEY
from ic_harness.text import brief

PROJECT_FILE: Final = "icp.yaml"
_KEY_BYTES: Final = 133


@dataclass(frozen=True, slots=True, kw_only=True)
class Defined:
    """A network of `icp.yaml`: `url` is None when icp-cli runs it itself, `root_key` None when it is asked for."""

    url: str | None = None
    root_key: bytes | None = None


def read_network(project: Path, name: str) -> Defined:
    """Read what the `icp.yaml` in `project` says of the network `name`. Raises `InputError` when damaged."""
    path = project / PROJECT_FILE
    entries = _mapping(path, _load(path)).get("networks") or []
    if not isinstance(entries, list):
        raise InputError(f"{path}: `networks` must be a list")
    for entry in entries:
        where = project / entry if isinstance(entry, str) else path
        network = _mapping(where, _load(where) if isinstance(entry, str) else entry)
        if network.get("name") == name:
            return _defined(where, network)
    return Defined()


def root_key(path: Path, text: object) -> bytes | None:
    """Read a root key as icp-cli writes it; None for `fetch`. Raises `InputError` for anything else."""
    if text in (None, "fetch"):
        return None
    if text == "mainnet":
        return MAINNET_ROOT_KEY
    try:
        key = bytes.fromhex(str(text))
    except ValueError:
        key = b""
    if len(key) != _KEY_BYTES:
        raise InputError(f"{path}: the root key must be `mainnet`, `fetch` or 266 hexadecimal digits")
    return key


def _defined(path: Path, network: Mapping[str, Any]) -> Defined:
    mode = network.get("mode")
    if mode == "managed":
        return Defined()
    if mode != "connected":
        raise InputError(f"{path}: the mode of a network must be managed or connected, not {brief(mode)}")
    url = network.get("api-url") or network.get("url")
    if not isinstance(url, str):
        raise InputError(f"{path}: a connected network needs a `url`")
    return Defined(url=url, root_key=root_key(path, network.get("root-key")))


def _load(path: Path) -> Any:
    import yaml  # lazy: start-up time  # noqa: PLC0415

    try:
        return yaml.safe_load(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise InputError(f"cannot read {path}: {error.strerror}") from error
    except (yaml.YAMLError, ValueError, RecursionError) as error:  # also dates and numbers that are none
        raise InputError(f"{path} is no YAML: {' '.join(str(error).split())}") from error


def _mapping(path: Path, value: Any) -> Mapping[str, Any]:
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise InputError(f"{path} is damaged: it must hold a mapping")
    return value
