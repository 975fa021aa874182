"""The canisters of a project with an `icp.yaml`: how they are built, and the arguments of their `init`.

icp-cli, "Configuration Reference": an entry of `canisters` is an object, or a path (also a glob pattern) of a
`canister.yaml` or of the folder that contains one. `build.steps` are of type `script` (`command` or `commands`, run in
the canister's folder, which write the module to `$ICP_WASM_OUTPUT_PATH`) or `pre-built` (`path` or `url`, `sha256`).
`init_args` is a text, or an object with `value` or `path` and `format` (`candid`, `hex`, `bin`); an environment may
have other ones. `sync.steps` of type `script` run after the installation. A recipe is a template that icp-cli renders:
what `icp build` made of it is in `.icp/cache/artifacts`. Canisters have no dependencies.

After icp-cli's sources (`package.rs`): modules of URLs are in `pkg/wasms/SHA256/module.wasm` of its data folder.
"""

from __future__ import annotations

import hashlib
import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

from ic_harness.errors import InputError
from ic_harness.lazy_dataclass import dataclass
from ic_harness.suggestions import suggest
from ic_harness.text import brief

from .build_output import builds_print_to
from .icp_yaml import LOCAL, PROJECT_FILE, Environment, load_yaml, mapping, read_environment
from .project_paths import checked_name, project_module, project_path, resolved_path
from .projects import Deployable

_ARTIFACTS: Final = ".icp/cache/artifacts"
_CANISTER_FILE: Final = "canister.yaml"
_SHA256: Final = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True, slots=True, kw_only=True)
class IcpCanister:
    """A canister of the project in `project`; its paths are relative to `folder`."""

    name: str
    project: Path
    folder: Path
    item: Mapping[str, Any]
    environment: Environment = LOCAL

    @property
    def runs_commands(self) -> bool:
        """Whether `load` runs commands of the project."""
        return any(self._mapping(step).get("type") == "script" for step in self._steps("build"))

    @property
    def scripts(self) -> tuple[str, ...]:
        """The commands of `sync` that run after the installation. Raises `InputError` for other values."""
        found: list[str] = []
        for step in map(self._mapping, self._steps("sync")):
            if step.get("type") == "script":
                found += self._commands(step)
        return tuple(found)

    @property
    def plugins(self) -> int:
        """How many steps of `sync` are not scripts: only icp-cli runs them."""
        return sum(self._mapping(step).get("type") != "script" for step in self._steps("sync"))

    def run_script(self, command: str, variables: Mapping[str, str]) -> None:
        """Run a command of `sync` in the canister's folder. Raises `InputError` when it fails."""
        self._run(command, {"ICP_CLI_ENVIRONMENT": self.environment.name, **variables})

    def load(self, environment: Mapping[str, str], *, build: bool = True) -> Deployable:
        """Build the module with these variables and return what is to be installed; without `build` run no command.

        Raises `InputError`.
        """
        text, encoded = self._init_args()
        wasm = self._wasm(environment) if build or not self.runs_commands else self._artifact()
        return Deployable(name=self.name, wasm=wasm, init_arg=text, init_bytes=encoded)

    def _wasm(self, environment: Mapping[str, str]) -> bytes:
        steps = self._steps("build")
        if not steps:
            return self._artifact()
        with tempfile.TemporaryDirectory(prefix="ic-harness-build-") as made:
            output = Path(made) / "module.wasm"
            for step in steps:
                self._step(self._mapping(step), output, environment)
            if not output.is_file():
                raise InputError(f"canister {self.name}: no build step wrote $ICP_WASM_OUTPUT_PATH")
            return output.read_bytes()

    def _steps(self, section: str) -> list[Any]:
        steps = self._mapping(self.item.get(section)).get("steps") or []
        if not isinstance(steps, list):
            raise InputError(f"canister {self.name}: `{section}.steps` must be a list, not {brief(steps)}")
        return steps

    def _commands(self, step: Mapping[str, Any]) -> list[str]:
        commands = step.get("commands") or [step.get("command")]
        if not isinstance(commands, list) or not all(isinstance(command, str) for command in commands):
            raise InputError(
                f"canister {self.name}: a script has a `command` or a list of `commands`, not {brief(commands)}"
            )
        return commands

    def _artifact(self) -> bytes:
        artifact = self.project / _ARTIFACTS / self.name
        if not artifact.is_file():
            raise InputError(
                f"canister {self.name}: icp-cli renders recipes and builds, and there is no {artifact}: "
                f"run `icp build {self.name}` first"
            )
        return artifact.read_bytes()

    def _step(self, step: Mapping[str, Any], output: Path, environment: Mapping[str, str]) -> None:
        match step.get("type"):
            case "script":
                variables = {**environment, "ICP_CLI_ENVIRONMENT": self.environment.name}
                for command in self._commands(step):
                    self._run(command, {**variables, "ICP_WASM_OUTPUT_PATH": str(output)})
            case "pre-built":
                output.write_bytes(self._pre_built(step))
            case other:
                raise InputError(f"canister {self.name}: no build step of type {brief(other)}")

    def _run(self, command: str, variables: Mapping[str, str]) -> None:
        try:
            subprocess.run(  # noqa: S603 - the project's own command
                ["sh", "-c", command],  # noqa: S607 - the shell is found on PATH, as icp-cli finds it
                cwd=self.folder,
                env={**os.environ, **variables},
                check=True,
                stdout=builds_print_to(),
            )
        except (OSError, subprocess.CalledProcessError, ValueError) as error:
            raise InputError(f"canister {self.name}: the command {command!r} failed: {error}") from error

    def _pre_built(self, step: Mapping[str, Any]) -> bytes:
        wanted = step.get("sha256")
        path = step.get("path")
        file = self._fetched(wanted) if path is None else self._path(path, "path")
        wasm = project_module(file, f"canister {self.name}")
        if wanted is not None and hashlib.sha256(wasm).hexdigest() != str(wanted).lower():
            raise InputError(f"canister {self.name}: {file} has another SHA-256 than {brief(wanted)}")
        return wasm

    def _fetched(self, digest: object) -> Path:
        """Return the module of a URL that icp-cli fetched before."""
        if not isinstance(digest, str) or not _SHA256.fullmatch(digest):
            raise InputError(
                f"canister {self.name}: a pre-built module is a `path` in the project, or a `url` with its `sha256`"
            )
        found = _icp_data() / "pkg" / "wasms" / digest / "module.wasm"
        if not found.is_file():
            raise InputError(
                f"canister {self.name}: nothing is downloaded here, and there is no {found}: "
                f"run `icp build {self.name}` once"
            )
        return found

    def _path(self, path: object, key: str) -> Path:
        return project_path(self.project, self._relative(path), f"canister {self.name}: `{key}`")

    def _relative(self, path: object) -> object:
        """Return a path of the canister's folder as one of the project's."""
        return str(Path(os.path.relpath(self.folder, self.project)) / path) if isinstance(path, str) else path

    def _init_args(self) -> tuple[str | None, bytes | None]:
        """Return the arguments as Candid text, or encoded; None and None without any."""
        given = self.environment.init_args.get(self.name, self.item.get("init_args"))
        if given is None or isinstance(given, str):
            return given, None
        fields = self._mapping(given)
        form = fields.get("format", "candid")
        content = self._read(fields["path"]) if "path" in fields else str(fields.get("value", "")).encode()
        try:
            if form == "bin":
                return None, content
            if form == "hex":
                return None, bytes.fromhex(content.decode().strip())
            if form == "candid":
                return content.decode(), None
        except ValueError as error:
            raise InputError(f"canister {self.name}: `init_args` are not {form}: {error}") from error
        raise InputError(
            f"canister {self.name}: `init_args` have the format candid, hex or bin, not {brief(form)}"
        )

    def _read(self, path: object) -> bytes:
        found = resolved_path(self.project, self._relative(path), f"canister {self.name}: `init_args`")
        return project_module(found, f"canister {self.name}: `init_args`")

    def _mapping(self, value: Any) -> Mapping[str, Any]:
        return mapping(self.folder, value)


def list_icp_project(
    folder: Path, names: Iterable[str] = (), *, environment: str = "local"
) -> list[IcpCanister]:
    """List the canisters `names` (all of the environment without any) of `folder/icp.yaml`.

    Raises `InputError` when a file is missing or damaged, or a name is unknown.
    """
    found = read_environment(folder, environment)
    known = {canister.name: canister for canister in _canisters(folder)}
    wanted = tuple(names) or found.canisters or tuple(known)
    for name in wanted:
        if name not in known:
            raise InputError(f"icp.yaml has no canister {name!r}; {suggest(name, known)}")
        if found.canisters is not None and name not in found.canisters:
            raise InputError(f"icp.yaml: the environment {environment} has no canister {name!r}")
    return [replace(known[name], environment=found) for name in wanted]


def _canisters(project: Path) -> Iterator[IcpCanister]:
    path = project / PROJECT_FILE
    entries = mapping(path, load_yaml(path)).get("canisters") or []
    if not isinstance(entries, list):
        raise InputError(f"{path}: `canisters` must be a list")
    for entry in entries:
        if not isinstance(entry, str):
            yield _canister(project, project, mapping(path, entry), path)
            continue
        for file in _files(project, entry):
            yield _canister(project, file.parent, mapping(file, load_yaml(file)), file)


def _canister(project: Path, folder: Path, item: Mapping[str, Any], path: Path) -> IcpCanister:
    if "name" not in item:
        raise InputError(f"{path}: a canister needs a `name`")
    name = checked_name(item["name"], path)
    return IcpCanister(name=name, project=project, folder=folder, item=item)


def _icp_data() -> Path:
    """Return the folder in which icp-cli keeps what all projects share."""
    home = os.environ.get("ICP_HOME")
    if home:
        return Path(home)
    if sys.platform == "darwin":
        return Path.home() / "Library" / "Application Support" / "org.dfinity.icp-cli"
    if sys.platform == "win32":
        return Path(os.environ.get("APPDATA", "")) / "icp-cli" / "data"
    return Path(os.environ.get("XDG_DATA_HOME") or Path.home() / ".local" / "share") / "icp-cli"


def _files(project: Path, pattern: str) -> list[Path]:
    """Return the files of canisters that an entry names: a path or a glob pattern, of files or of folders."""
    what = f"{project / PROJECT_FILE}: `canisters`"
    project_path(project, pattern, what)
    try:
        found = sorted(project.glob(pattern)) if any(c in pattern for c in "*?[") else [project / pattern]
    except (ValueError, NotImplementedError) as error:
        raise InputError(f"{what}: {brief(pattern)} is no pattern: {error}") from error
    files = [path / _CANISTER_FILE if path.is_dir() else path for path in found]
    return [file for file in files if file.is_file() or "*" not in pattern]
