"""The canisters of a project with a `dfx.json`: what to install, built as dfx would build it.

Handled are the types `custom` (Wasm, Candid and build commands are named), `rust` (built by cargo into
`target/`, or by dfx), `motoko` (built by dfx into `.dfx/`) and `pull` (fetched by dfx); all but the first must
have been built or fetched before. `init_arg`, `init_arg_file`, `dependencies`, `remote`, `declarations`,
`initialization_values`, `specified_id`, `pre_install`, `post_install` and `output_env_file` are honoured. Type
`assets` cannot be installed.

Relied on, after dfx's sources (`builders/mod.rs`, `canister_info/custom.rs`): a build command that is one word and a
file of the project is run, every other goes to `sh -c`; all of them in the project's folder, with the variables of
`build_environment`. A module or interface whose path is a URL was fetched into `.dfx/NETWORK/canisters/NAME/`: the
module as `download-` and the last segment of the URL.
"""

from __future__ import annotations

import os
import shlex
import subprocess
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

from ic_harness.errors import InputError
from ic_harness.lazy_dataclass import dataclass
from ic_harness.principal import Principal
from ic_harness.suggestions import suggest
from ic_harness.text import brief

from .build_output import builds_print_to
from .canister_ids import json_object, read_json, remote_of
from .initial_settings import initial_settings, specified_id
from .project_paths import checked_name, project_module, project_path, project_text, resolved_path
from .project_scripts import run_script
from .pulled_canisters import PulledCanister, pulled_canister

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
    init_bytes: bytes | None = None
    """The arguments where they are given encoded, not as text."""
    init_source: str = ""
    """Where `init_arg` is from, for errors; empty without one."""


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
        """The type: `custom`, `rust`, `motoko`, `pull` or one that cannot be installed."""
        return str(self.item.get("type", "motoko"))

    @property
    def commands(self) -> tuple[str, ...]:
        """The build commands that are to be run here; only custom canisters have any."""
        commands = (self.item.get("build") or ()) if self.kind == "custom" else ()
        if isinstance(commands, str):
            return (commands,)
        return _texts(commands, f"canister {self.name}: `build`")

    @property
    def remote(self) -> Principal | None:
        """The id under which others deployed the canister on this network; None when it is to be installed.

        A canister of type `pull` is installed by others on the Internet Computer. Raises `InputError`.
        """
        if self.kind == "pull" and self.network != "local":
            return self._pulled().canister_id
        return remote_of(self.folder / PROJECT_FILE, self.name, self.item, self.network)

    @property
    def candid(self) -> Path | None:
        """The file of the interface, if one is named or dfx has made one. Raises `InputError` for a wrong path."""
        if self.kind == "pull":
            return self._pulled().candid
        named = self._optional_text("candid")
        if self.remote is not None:
            named = self._remote_candid() or named
        if named is not None and "://" not in named:
            return resolved_path(self.folder, named, self._what("candid"))
        made = self.folder / ".dfx" / self.network / "canisters" / self.name
        found = (made / f"{self.name}.did", made / "service.did", *self._declared())
        return next((path for path in found if path.is_file()), None)

    def _declared(self) -> list[Path]:
        """Return the interface among the declarations that `dfx generate` writes and projects commit."""
        path = self.folder / PROJECT_FILE
        output = json_object(self.item, "declarations", path).get("output")
        what = self._what("declarations.output")
        folder = self.folder / "src" / "declarations" / self.name
        if output is not None:
            folder = project_path(self.folder, output, what)
        return [folder / f"{self.name}.did", folder / "service.did"]

    def _remote_candid(self) -> str | None:
        found = json_object(self.item, "remote", self.folder / PROJECT_FILE).get("candid")
        if found is not None and not isinstance(found, str):
            raise InputError(f"{self._what('remote.candid')} must be a path, not {brief(found)}")
        return found

    @property
    def settings(self) -> dict[str, Any]:
        """The settings of a new canister, `initialization_values`. Raises `InputError`."""
        values = json_object(self.item, "initialization_values", self.folder / PROJECT_FILE)
        return initial_settings(values, self._what("initialization_values"))

    @property
    def specified_id(self) -> Principal | None:
        """The id that a new canister is to get. Raises `InputError`."""
        return specified_id(self.item.get("specified_id"), self._what("specified_id"))

    def scripts(self, moment: str) -> tuple[str, ...]:
        """Return the commands of `pre_install` or `post_install`. Raises `InputError` for other values."""
        commands = self.item.get(moment) or ()
        return (commands,) if isinstance(commands, str) else _texts(commands, self._what(moment))

    def _what(self, key: str) -> str:
        return f"canister {self.name}: `{key}`"

    def _optional_text(self, key: str) -> str | None:
        value = self.item.get(key)
        if value is not None and not isinstance(value, str):
            raise InputError(f"{self._what(key)} must be a text, not {brief(value)}")
        return value

    def _pulled(self) -> PulledCanister:
        return pulled_canister(self.name, self.folder, self.item.get("id"))

    @property
    def variable(self) -> str:
        """The name as it is in the names of build variables."""
        return self.name.replace("-", "_").upper()

    def build(self, environment: Mapping[str, str]) -> None:
        """Run the build commands, what they print on standard error. Raises `InputError` when one fails."""
        for command in self.commands:
            try:
                subprocess.run(  # noqa: S603 - the project's own command
                    self._words(command),
                    cwd=self.folder,
                    env={**os.environ, **environment, **self._own(environment)},
                    check=True,
                    stdout=builds_print_to(),
                )
            except (OSError, subprocess.CalledProcessError, ValueError) as error:
                raise InputError(
                    f"canister {self.name}: the build command {command!r} failed: {error}"
                ) from error

    def run_script(self, command: str, moment: str, environment: Mapping[str, str]) -> None:
        """Run a command of `scripts` with the variables of builds. Raises `InputError` when it fails."""
        run_script(self.folder, command, {**environment, **self._own(environment)}, self._what(moment))

    def _own(self, environment: Mapping[str, str]) -> dict[str, str]:
        """Return the canister's own id and interface under names without its own, as dfx has it."""
        return {
            short: environment[f"{short}_{self.variable}"]
            for short in ("CANISTER_ID", "CANISTER_CANDID_PATH")
            if f"{short}_{self.variable}" in environment
        }

    def _words(self, command: str) -> list[str]:
        words = shlex.split(command)
        file = self.folder / words[0] if len(words) == 1 else None
        return [str(file.absolute())] if file is not None and file.is_file() else ["sh", "-c", command]

    def load(self) -> Deployable:
        """Read what is to be installed. Raises `InputError` when it is not there, or of a type that cannot be."""
        if self.kind == "pull":
            pulled = self._pulled()
            text, encoded = self._init_arg(), None
            if text is None:
                text, encoded = pulled.init_argument()
            return Deployable(
                name=self.name, wasm=pulled.wasm(), candid=self.candid, init_arg=text, init_bytes=encoded
            )
        candidates = [project_path(self.folder, path, self._what("wasm")) for path in self._wasm_paths()]
        path = next((path for path in candidates if path.is_file()), None)
        if path is None:
            raise InputError(f"canister {self.name}: there is no {candidates[0]}; {self._how_to_build()}")
        wasm = project_module(path, f"canister {self.name}")
        source = str(self.item.get("init_arg_file") or f"`init_arg` in {PROJECT_FILE}")
        return Deployable(
            name=self.name, wasm=wasm, candid=self.candid, init_arg=self._init_arg(), init_source=source
        )

    def _how_to_build(self) -> str:
        if "://" in str(self.item.get("wasm")):
            return f"nothing is downloaded here: run `dfx build {self.name}` once, or put the module there"
        return _HOW_TO_BUILD[self.kind]

    def _wasm_paths(self) -> list[str]:
        """Where the Wasm may be, in the order in which it is looked for."""
        made = f".dfx/{self.network}/canisters/{self.name}/{self.name}.wasm"
        if self.kind == "custom":
            wasm = self.item.get("wasm")
            if not isinstance(wasm, str):
                raise InputError(
                    f"canister {self.name}: `wasm` must be a file of the project, got {brief(wasm)}"
                )
            return [_download(made, wasm), made, f"{made}.gz"] if "://" in wasm else [wasm]
        if self.kind == "rust":
            package = (self._optional_text("package") or self.name).replace("-", "_")
            return [f"{_RELEASE}/{package}.wasm", made, f"{made}.gz"]
        if self.kind == "motoko":
            return [made, f"{made}.gz"]
        raise InputError(
            f"canister {self.name}: type {brief(self.kind)} cannot be installed; custom, rust, motoko and pull can"
        )

    def _init_arg(self) -> str | None:
        file = self.item.get("init_arg_file")
        if file:
            return project_text(self.folder, file, self._what("init_arg_file"))
        return self._optional_text("init_arg")


def _download(made: str, url: str) -> str:
    """Return the path at which dfx keeps the module of a URL, beside the one that it made of it."""
    name = urlsplit(url).path.rpartition("/")[2] or "module.wasm"
    return f"{made.rpartition('/')[0]}/download-{name}"


def read_env_file(folder: Path) -> Path | None:
    """Return the path of the `output_env_file` of `folder/dfx.json`; None without one. Raises `InputError`."""
    path = folder / PROJECT_FILE
    named = (read_json(path) or {}).get("output_env_file")
    return None if named is None else resolved_path(folder, named, f"{path}: `output_env_file`")


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


def _load(path: Path) -> Mapping[str, Mapping[str, Any]]:
    content = read_json(path)
    if content is None:
        raise InputError(f"cannot read {path}: there is no such file")
    canisters = json_object(content, "canisters", path)
    return {checked_name(name, path): json_object(canisters, name, path) for name in canisters}


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
            raise InputError(f"dfx.json has no canister {name!r}; {suggest(name, canisters)}")
        if len(trail) >= _MAX_CHAIN:
            raise InputError(f"dfx.json: more than {_MAX_CHAIN} canisters depend on each other in a chain")
        for needed in _texts(canisters[name].get("dependencies") or (), f"canister {name}: `dependencies`"):
            visit(needed, (*trail, name))
        done[name] = None

    for name in tuple(names) or tuple(canisters):
        visit(name, ())
    return list(done)
