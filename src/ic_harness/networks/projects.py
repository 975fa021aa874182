"""The canisters of a project with a `dfx.json`: what to install, built as dfx would build it.

Handled are the types `custom` (Wasm, Candid and build commands are named), `rust` (built by cargo into
`target/`, or by dfx) and `motoko` (built by dfx into `.dfx/`); the latter two must have been built before.
`init_arg`, `init_arg_file` and `dependencies` are honoured; other types are no canisters that a file holds.

Relied on, after dfx's sources (`builders/mod.rs`): a build command that is one word and a file of the project
is run, every other goes to `sh -c`; all of them in the project's folder, with the variables of `build_environment`.
"""

from __future__ import annotations

import os
import shlex
import subprocess
import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from ic_harness.errors import InputError
from ic_harness.principal import Principal
from ic_harness.text import brief

from .canister_ids import json_object, read_json

PROJECT_FILE: Final = "dfx.json"
_MAX_CHAIN: Final = 200
_RELEASE: Final = "target/wasm32-unknown-unknown/release"
_HOW_TO_BUILD: Final = {
    "custom": "build it first",
    "rust": "build it first: cargo build --release --target wasm32-unknown-unknown, or dfx build",
    "motoko": "build it first: dfx build",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Deployable:
    """Something that can be installed: its name, its Wasm, and how to encode the arguments of its `init`."""

    name: str
    wasm: bytes
    candid: Path | None = None
    init_arg: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ProjectCanister:
    """A canister of the project in `folder`, as its `dfx.json` has it in `item`.

    `network` is the name under which dfx keeps what it built: `local` or `ic`.
    """

    name: str
    folder: Path
    item: Mapping[str, Any]
    network: str = "local"

    @property
    def kind(self) -> str:
        """The type: `custom`, `rust`, `motoko` or one that cannot be installed."""
        return str(self.item.get("type", "motoko"))

    @property
    def commands(self) -> tuple[str, ...]:
        """The build commands that are to be run here; only custom canisters have any."""
        commands = (self.item.get("build") or ()) if self.kind == "custom" else ()
        if isinstance(commands, str):
            return (commands,)
        return _texts(commands, f"canister {self.name}: `build`")

    @property
    def candid(self) -> Path | None:
        """The file of the interface, if one is named or dfx has made one."""
        named = self.item.get("candid")
        if named is not None:
            return self.folder / str(named)
        made = self.folder / ".dfx" / self.network / "canisters" / self.name
        found = (made / f"{self.name}.did", made / "service.did")
        return next((path for path in found if path.is_file()), None)

    @property
    def variable(self) -> str:
        """The name as it is in the names of build variables."""
        return self.name.replace("-", "_").upper()

    def build(self, environment: Mapping[str, str]) -> None:
        """Run the build commands, what they print on standard error. Raises `InputError` when one fails.

        Its own id and interface have names without its own in them too, as dfx has it.
        """
        own = {
            short: environment[f"{short}_{self.variable}"]
            for short in ("CANISTER_ID", "CANISTER_CANDID_PATH")
            if f"{short}_{self.variable}" in environment
        }
        for command in self.commands:
            try:
                subprocess.run(  # noqa: S603 - the project's own command
                    self._words(command),
                    cwd=self.folder,
                    env={**os.environ, **environment, **own},
                    check=True,
                    stdout=_standard_error(),
                )
            except (OSError, subprocess.CalledProcessError, ValueError) as error:
                raise InputError(
                    f"canister {self.name}: the build command {command!r} failed: {error}"
                ) from error

    def _words(self, command: str) -> list[str]:
        words = shlex.split(command)
        file = self.folder / words[0] if len(words) == 1 else None
        return [str(file.absolute())] if file is not None and file.is_file() else ["sh", "-c", command]

    def load(self) -> Deployable:
        """Read what is to be installed. Raises `InputError` when it is not there, or of a type that cannot be."""
        candidates = [self.folder / path for path in self._wasm_paths()]
        wasm = next((path for path in candidates if path.is_file()), None)
        if wasm is None:
            raise InputError(f"canister {self.name}: there is no {candidates[0]}; {_HOW_TO_BUILD[self.kind]}")
        return Deployable(
            name=self.name, wasm=wasm.read_bytes(), candid=self.candid, init_arg=self._init_arg()
        )

    def _wasm_paths(self) -> list[str]:
        """Where the Wasm may be, in the order in which it is looked for."""
        if self.kind == "custom":
            wasm = self.item.get("wasm")
            if not isinstance(wasm, str) or "://" in wasm:
                raise InputError(
                    f"canister {self.name}: `wasm` must be a file of the project, got {brief(wasm)}"
                )
            return [wasm]
        made = f".dfx/{self.network}/canisters/{self.name}/{self.name}.wasm"
        if self.kind == "rust":
            package = str(self.item.get("package", self.name)).replace("-", "_")
            return [f"{_RELEASE}/{package}.wasm", made, f"{made}.gz"]
        if self.kind == "motoko":
            return [made, f"{made}.gz"]
        raise InputError(
            f"canister {self.name}: type {self.kind!r} cannot be installed; custom, rust and motoko can"
        )

    def _init_arg(self) -> str | None:
        file = self.item.get("init_arg_file")
        if file:
            path = self.folder / str(file)
            try:
                return path.read_text(encoding="utf-8")
            except (OSError, UnicodeDecodeError) as error:
                raise InputError(f"canister {self.name}: cannot read {path}: {error}") from error
        text = self.item.get("init_arg")
        return None if text is None else str(text)


def list_project(folder: Path, names: Iterable[str] = (), *, network: str = "local") -> list[ProjectCanister]:
    """List the canisters `names` (all without any) of `folder/dfx.json`, dependencies first.

    Raises `InputError` when the file is missing or damaged, or a name is unknown.
    """
    canisters = _load(folder / PROJECT_FILE)
    return [
        ProjectCanister(name=name, folder=folder, item=canisters[name], network=network)
        for name in _ordered(canisters, names)
    ]


def read_project(folder: Path, names: Iterable[str] = (), *, build: bool = True) -> list[Deployable]:
    """Read the canisters `names` (all without any) of `folder/dfx.json`, dependencies first.

    `build` runs the build commands of custom canisters in `folder`. Raises `InputError` when the file is
    damaged, a name is unknown, a build fails, or a Wasm is missing.
    """
    canisters = list_project(folder, names)
    if build:
        known = build_environment(canisters, {})
        for canister in canisters:
            canister.build(known)
    return [canister.load() for canister in canisters]


def build_environment(canisters: Sequence[ProjectCanister], ids: Mapping[str, Principal]) -> dict[str, str]:
    """Return the variables that dfx sets for build commands; `ids` are the canisters that exist already.

    `DFX_NETWORK`, and for each canister `CANISTER_ID_NAME` and `CANISTER_CANDID_PATH_NAME`.
    """
    variables = {"DFX_NETWORK": canisters[0].network} if canisters else {}
    for canister in canisters:
        if canister.name in ids:
            variables[f"CANISTER_ID_{canister.variable}"] = str(ids[canister.name])
        if canister.candid is not None:
            variables[f"CANISTER_CANDID_PATH_{canister.variable}"] = str(canister.candid.absolute())
    return variables


def _standard_error() -> Any:
    """Where builds print: not on standard output, which is for results."""
    try:
        return sys.stderr.fileno()
    except (OSError, AttributeError, ValueError):  # standard error has been replaced by something without one
        return subprocess.DEVNULL


def _load(path: Path) -> Mapping[str, Mapping[str, Any]]:
    content = read_json(path)
    if content is None:
        raise InputError(f"cannot read {path}: there is no such file")
    canisters = json_object(content, "canisters", path)
    return {name: json_object(canisters, name, path) for name in canisters}


def _texts(values: object, what: str) -> tuple[str, ...]:
    """Read a list of texts. Raises `InputError` for anything else."""
    if not isinstance(values, list | tuple) or not all(isinstance(value, str) for value in values):
        raise InputError(f"{what} must be a list of texts, not {brief(values)}")
    return tuple(values)


def _ordered(canisters: Mapping[str, Mapping[str, Any]], names: Iterable[str]) -> list[str]:
    """Put every wanted canister after those that it depends on."""
    done: dict[str, None] = {}

    def visit(name: str, trail: tuple[str, ...]) -> None:
        if name in done:
            return
        if name in trail:
            raise InputError(f"dfx.json: canisters depend on each other: {' -> '.join((*trail, name))}")
        if name not in canisters:
            raise InputError(f"dfx.json has no canister {name!r}; it has: {', '.join(canisters) or 'none'}")
        if len(trail) >= _MAX_CHAIN:
            raise InputError(f"dfx.json: more than {_MAX_CHAIN} canisters depend on each other in a chain")
        for needed in _texts(canisters[name].get("dependencies") or (), f"canister {name}: `dependencies`"):
            visit(needed, (*trail, name))
        done[name] = None

    for name in tuple(names) or tuple(canisters):
        visit(name, ())
    return list(done)
