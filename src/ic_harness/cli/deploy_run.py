"""Runs a deploy: builds, installs, scripts, and what is said when one of them fails half way."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import field
from pathlib import Path
from typing import TYPE_CHECKING

import click

from ic_harness.errors import HarnessError, InputError, RejectError
from ic_harness.lazy_dataclass import dataclass
from ic_harness.networks import Deployable, InstallMode, encode_arguments, interface_of
from ic_harness.principal import Principal
from ic_harness.text import one_line

from .deploy_progress import Progress, digest_of
from .deploy_sources import Part, Script, Source
from .env_file import check_env_file, write_env_file
from .errors import Failed
from .interfaces import interface_file

if TYPE_CHECKING:
    from .session import Session


@dataclass(frozen=True, slots=True, kw_only=True)
class Wishes:
    """The options of the command: `argument` and `candid` replace those of the project."""

    mode: str
    argument: str | None = None
    candid: Path | None = None
    run_scripts: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Installed:
    """One canister that is in place: `mode` is how, or `remote`, or `done` when an unfinished deploy did it."""

    name: str
    canister: Principal
    mode: str


@dataclass(slots=True)
class Deployment:
    """One run over the canisters of a source on an open network. `done` is what was changed so far."""

    session: Session
    source: Source
    wishes: Wishes
    ids: dict[str, Principal] = field(default_factory=dict)
    done: list[str] = field(default_factory=list)

    def run(self) -> Iterator[Installed]:
        """Yield each canister when it is in place.

        Raises `InputError` when nothing was changed, else `Failed` with what was done; the same command then
        continues after it.
        """
        with self._telling():
            self._find()
            loaded = self._prepared()
            progress = Progress(self.session.connection.state_dir, self.session.network.root_key)
            for part in self.source.parts:
                yield self._put(part, loaded.get(part.name), progress)
            if self.source.env_file is not None:
                write_env_file(self.source.env_file, self.source.variables(self.ids))
            progress.clear()

    @contextmanager
    def _telling(self) -> Iterator[None]:
        try:
            yield
        except (HarnessError, OSError) as error:
            if not self.done:
                raise
            text = str(error).rstrip(".\n")
            in_lines = isinstance(error, RejectError) and "\n" in text
            done = f"done before: {', '.join(self.done)}; the same command continues after that"
            raise Failed(f"{text}{chr(10) if in_lines else '; '}{done}", in_lines=in_lines) from error

    def _find(self) -> None:
        """Find the canisters that exist. Raises `InputError` for a mode that needs one that does not."""
        for part in self.source.parts:
            known = part.remote or self.session.canister(part.name)
            if known is not None:
                self.ids[part.name] = known
            if self.wishes.mode in ("upgrade", "reinstall") and part.remote is None and self._is_empty(part):
                raise InputError(f"no canister {part.name} is installed here: nothing to {self.wishes.mode}")
        if self.source.env_file is not None:
            check_env_file(self.source.env_file, self.source.variables(self.ids))

    def _is_empty(self, part: Part) -> bool:
        known = self.ids.get(part.name)
        return known is None or self.session.network.module_hash(known) is None

    def _prepared(self) -> dict[str, tuple[Deployable, bytes]]:
        """Load all canisters and their arguments before anything is changed, unless builds need their ids."""
        parts = [part for part in self.source.parts if part.remote is None]
        if not any(part.builds for part in parts):
            return {part.name: self._loaded(part) for part in parts}
        for part in parts:
            self._create(part)
        return {}

    def _loaded(self, part: Part) -> tuple[Deployable, bytes]:
        item = part.load(self.ids)
        return item, _init_argument(item, self.wishes)

    def _create(self, part: Part) -> Principal:
        known = self.ids.get(part.name)
        if known is None:
            known = self.ids[part.name] = self.session.create(part.name, part.wanted_id, part.settings)
            self.done.append(f"{part.name} created")
        return known

    def _put(self, part: Part, loaded: tuple[Deployable, bytes] | None, progress: Progress) -> Installed:
        """Install one canister, with the commands around it."""
        if part.remote is not None:
            return Installed(name=part.name, canister=part.remote, mode="remote")
        item, arg = loaded or self._loaded(part)
        canister = self._create(part)
        digest = digest_of(str(canister), self.wishes.mode, item.wasm, arg)
        network = self.session.network
        if (
            progress.has(part.name, digest)
            and network.module_hash(canister) == hashlib.sha256(item.wasm).digest()
        ):
            return Installed(name=part.name, canister=canister, mode="done")
        mode = _mode(self.wishes.mode, empty=self._is_empty(part))
        self._scripts(part, before=True)
        network.install(canister, item.wasm, arg, mode)
        self.done.append(f"{part.name} ({mode})")
        self._scripts(part, before=False)
        if len(self.source.parts) > 1:
            progress.add(part.name, digest)
        return Installed(name=part.name, canister=canister, mode=mode)

    def _scripts(self, part: Part, *, before: bool) -> None:
        for script in part.scripts:
            if script.is_before == before:
                self._script(part, script)
        if not before:
            for note in part.notes:
                click.echo(f"{one_line(part.name)}: {note}", err=True)

    def _script(self, part: Part, script: Script) -> None:
        head = f"{one_line(part.name)}: {script.moment}"
        if not self.wishes.run_scripts:
            click.echo(f"{head} not run without --run-scripts: {one_line(script.command)}", err=True)
            return
        click.echo(f"{head}: {one_line(script.command)}", err=True)
        script.run(self.ids)
        self.done.append(f"{part.name} {script.moment}")


def _init_argument(item: Deployable, wishes: Wishes) -> bytes:
    """Encode the arguments of `init`. Raises `InputError` when they do not fit the interface."""
    if wishes.argument is None and item.init_bytes is not None:
        return item.init_bytes
    path = wishes.candid or item.candid
    if path is not None:
        interface_file(path)  # an error names the damaged file
    types = interface_of(item.wasm, path)[1]
    text = wishes.argument or item.init_arg or "()"
    source = f" ({item.init_source})" if item.init_source and wishes.argument is None else ""
    return encode_arguments(text, types, f"the arguments of {item.name}{source}")


def _mode(text: str, *, empty: bool) -> InstallMode:
    auto: InstallMode = "install" if empty else "upgrade"
    modes: dict[str, InstallMode] = {"install": "install", "reinstall": "reinstall", "upgrade": "upgrade"}
    return modes.get(text, auto)
