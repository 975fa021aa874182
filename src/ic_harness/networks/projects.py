"""The canisters of a project with a `dfx.json`: what to install, built as dfx would build it.

Handled are the types `custom` (Wasm, Candid and build commands are named), `rust` (built by cargo into
`target/`) and `motoko` (built by dfx into `.dfx/`); the latter two must have been built before. `init_arg`,
`init_arg_file` and `dependencies` are honoured; other types are no canisters that a file holds.
"""

from __future__ import annotations

import json
import shlex
import subprocess
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from ic_harness.errors import InputError

_RELEASE: Final = "target/wasm32-unknown-unknown/release"


@dataclass(frozen=True, slots=True, kw_only=True)
class Deployable:
    """Something that can be installed: its name, its Wasm, and how to encode the arguments of its `init`."""

    name: str
    wasm: bytes
    candid: Path | None = None
    init_arg: str | None = None


def read_project(folder: Path, names: Iterable[str] = (), *, build: bool = True) -> list[Deployable]:
    """Read the canisters `names` (all without any) of `folder/dfx.json`, dependencies first.

    `build` runs the build commands of custom canisters in `folder`. Raises `InputError` when the file is
    damaged, a name is unknown, a build fails, or a Wasm is missing.
    """
    canisters = _load(folder / "dfx.json")
    return [_deployable(folder, name, canisters[name], build=build) for name in _ordered(canisters, names)]


def _load(path: Path) -> Mapping[str, Mapping[str, Any]]:
    try:
        canisters = json.loads(path.read_text(encoding="utf-8")).get("canisters", {})
    except OSError as error:
        raise InputError(f"cannot read {path}: {error.strerror}") from error
    except (ValueError, AttributeError) as error:
        raise InputError(f"{path} is no dfx.json: {error}") from error
    if not isinstance(canisters, dict) or not all(isinstance(item, dict) for item in canisters.values()):
        raise InputError(f"{path} is no dfx.json: `canisters` must map names to objects")
    return canisters


def _ordered(canisters: Mapping[str, Mapping[str, Any]], names: Iterable[str]) -> list[str]:
    """Put every wanted canister after those that it depends on."""
    done: list[str] = []

    def visit(name: str, trail: tuple[str, ...]) -> None:
        if name in done:
            return
        if name in trail:
            raise InputError(f"dfx.json: canisters depend on each other: {' -> '.join((*trail, name))}")
        if name not in canisters:
            raise InputError(f"dfx.json has no canister {name!r}; it has: {', '.join(canisters) or 'none'}")
        for needed in canisters[name].get("dependencies", ()):
            visit(needed, (*trail, name))
        done.append(name)

    for name in tuple(names) or tuple(canisters):
        visit(name, ())
    return done


def _deployable(folder: Path, name: str, item: Mapping[str, Any], *, build: bool) -> Deployable:
    kind = item.get("type", "motoko")
    if kind == "custom" and build:
        _build(folder, name, item.get("build", ()))
    wasm = folder / _wasm_path(name, kind, item)
    if not wasm.is_file():
        raise InputError(f"canister {name}: there is no {wasm}; build it first")
    candid = item.get("candid")
    return Deployable(
        name=name,
        wasm=wasm.read_bytes(),
        candid=folder / candid if candid else None,
        init_arg=_init_arg(folder, item),
    )


def _wasm_path(name: str, kind: str, item: Mapping[str, Any]) -> str:
    if kind == "custom":
        wasm = item.get("wasm")
        if not isinstance(wasm, str) or "://" in wasm:
            raise InputError(f"canister {name}: `wasm` must be a file of the project, got {wasm!r}")
        return wasm
    if kind == "rust":
        return f"{_RELEASE}/{str(item.get('package', name)).replace('-', '_')}.wasm"
    if kind == "motoko":
        return f".dfx/local/canisters/{name}/{name}.wasm"
    raise InputError(f"canister {name}: type {kind!r} cannot be installed; custom, rust and motoko can")


def _build(folder: Path, name: str, commands: str | Iterable[str]) -> None:
    for command in [commands] if isinstance(commands, str) else commands:
        try:
            subprocess.run(shlex.split(command), cwd=folder, check=True, stdout=subprocess.DEVNULL)  # noqa: S603
        except (OSError, subprocess.CalledProcessError, ValueError) as error:
            raise InputError(f"canister {name}: the build command {command!r} failed: {error}") from error


def _init_arg(folder: Path, item: Mapping[str, Any]) -> str | None:
    file = item.get("init_arg_file")
    if file:
        return (folder / str(file)).read_text(encoding="utf-8")
    text = item.get("init_arg")
    return None if text is None else str(text)
