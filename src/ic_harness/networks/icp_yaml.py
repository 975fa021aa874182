"""What a project of icp-cli says of networks and environments: two sections of its `icp.yaml`.

icp-cli, "Configuration Reference": an entry is an object, or the path of a YAML file that holds one. `mode`
is `managed` (icp-cli runs it) or `connected` (others run it, at `url` or `api-url`, with `root-key` `mainnet`,
`fetch` or 266 hexadecimal digits). Without an entry `local` is managed and `ic` is mainnet. An environment has a
`network`, `canisters` (all without it) and `init_args` by canister; `local` and `ic` exist without an entry.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import field
from pathlib import Path
from typing import Any, Final

from ic_harness.errors import InputError
from ic_harness.lazy_dataclass import dataclass
from ic_harness.protocol import MAINNET_ROOT_KEY
from ic_harness.text import brief, read_text

from .project_paths import resolved_path

PROJECT_FILE: Final = "icp.yaml"
_KEY_BYTES: Final = 133
_IMPLICIT: Final = ("local", "ic")
"""Environments that every project has."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Defined:
    """A network of `icp.yaml`: `url` is None when icp-cli runs it itself, `root_key` None when it is asked for."""

    url: str | None = None
    root_key: bytes | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Environment:
    """An environment of `icp.yaml`: `canisters` is None for all; `init_args` replace those of a canister."""

    name: str
    canisters: tuple[str, ...] | None = None
    init_args: Mapping[str, Any] = field(default_factory=dict)


LOCAL: Final = Environment(name="local")
"""The environment of local networks where the project defines none."""


def read_environment(project: Path, name: str) -> Environment:
    """Read the environment `name` of the `icp.yaml` in `project`.

    Raises `InputError` when the file is damaged, or has no environment of that name.
    """
    path = project / PROJECT_FILE
    known: list[str] = []
    for where, entry in _entries(project, "environments"):
        if entry.get("name") == name:
            return _environment(where, name, entry)
        known.append(str(entry.get("name")))
    if name not in _IMPLICIT:
        there = ", ".join(dict.fromkeys((*_IMPLICIT, *known)))
        raise InputError(f"{path} has no environment {name!r}; it has: {there}")
    return Environment(name=name)


def _environment(where: Path, name: str, entry: Mapping[str, Any]) -> Environment:
    canisters = entry.get("canisters")
    if canisters is not None and not (
        isinstance(canisters, list) and all(isinstance(item, str) for item in canisters)
    ):
        raise InputError(f"{where}: `canisters` of the environment {name} must be a list of names")
    arguments = entry.get("init_args")
    if arguments is not None and not isinstance(arguments, dict):
        raise InputError(f"{where}: `init_args` of the environment {name} must be a mapping by canister")
    return Environment(
        name=name,
        canisters=None if canisters is None else tuple(canisters),
        init_args=arguments or {},
    )


def _entries(project: Path, section: str) -> Iterator[tuple[Path, Mapping[str, Any]]]:
    """Yield the entries of a section with the file that holds each: objects, or paths of files with one."""
    path = project / PROJECT_FILE
    entries = mapping(path, load_yaml(path)).get(section) or []
    if not isinstance(entries, list):
        raise InputError(f"{path}: `{section}` must be a list")
    for entry in entries:
        if isinstance(entry, str):
            where = resolved_path(project, entry, f"{path}: `{section}`")
            yield where, mapping(where, load_yaml(where))
        else:
            yield path, mapping(path, entry)


def read_network(project: Path, name: str) -> Defined:
    """Read what the `icp.yaml` in `project` says of the network `name`. Raises `InputError` when damaged."""
    for where, network in _entries(project, "networks"):
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


def load_yaml(path: Path) -> Any:
    """Read a YAML file as plain values. Raises `InputError` when it cannot be read, or is no YAML."""
    import yaml  # lazy: start-up time  # noqa: PLC0415

    try:
        return yaml.safe_load(read_text(path))
    except OSError as error:
        raise InputError(f"cannot read {path}: {error.strerror}") from error
    except (yaml.YAMLError, ValueError, RecursionError) as error:  # also dates and numbers that are none
        raise InputError(f"{path} is no YAML: {' '.join(str(error).split())}") from error


def mapping(path: Path, value: Any) -> Mapping[str, Any]:
    """Return `value` of the file `path` as a mapping; None is empty. Raises `InputError` for anything else."""
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise InputError(f"{path} is damaged: it must hold a mapping")
    return value
