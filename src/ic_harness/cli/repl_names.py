"""The variables of `ic-harness repl`: the network, the caller, and canisters by their names as Python identifiers."""

from __future__ import annotations

import keyword
import re
from collections.abc import Iterable
from pathlib import Path
from typing import Any, Final

from ic_harness.candid import Service
from ic_harness.errors import InputError
from ic_harness.networks import (
    MAINNET,
    Canister,
    interface_of,
    list_icp_project,
    list_project,
    read_interface,
)
from ic_harness.principal import Principal
from ic_harness.text import one_line

from .canister_registry import names as registered_names
from .session import Session

_MAX_METHODS: Final = 6
"""Methods of a canister that the banner names."""


def project_network(session: Session) -> str:
    """Return the name under which projects keep what belongs to the network: `local` or `ic`."""
    return MAINNET if session.connection.network == MAINNET else "local"


def service_of(wasm: Path, candid: Path | None) -> Service | None:
    """Return the interface of a module: of `candid`, of the module, or of the `.did` beside it; None without one."""
    beside = wasm.with_name(f"{wasm.name.removesuffix('.gz').removesuffix('.wasm')}.did")
    found = interface_of(wasm.read_bytes(), candid)[0]
    return read_interface(beside) if found is None and beside.is_file() else found


def identifier(name: str, taken: Iterable[str] = ()) -> str:
    """Return a name as a Python identifier of ASCII letters that is no keyword and not `taken`."""
    found = re.sub(r"\W", "_", name, flags=re.ASCII) or "_"
    if found[0].isdigit():
        found = f"_{found}"
    if keyword.iskeyword(found) or keyword.issoftkeyword(found):
        found = f"{found}_"
    known, made, number = set(taken), found, 2
    while made in known:
        made, number = f"{found}_{number}", number + 1
    return made


class Bindings:
    """The variables of a session. Canisters that are known but not deployed here are in `missing`."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self.variables: dict[str, Any] = {"network": session.network, "identity": session.identity}
        self._canisters: dict[str, str] = {}
        self.missing: list[str] = []

    def add(self, name: str, canister: Principal, service: Service | None = None) -> None:
        """Add a canister; the same name replaces an earlier one."""
        variable = self._canisters.get(name) or identifier(name, self.variables)
        self._canisters[name] = variable
        session = self._session
        self.variables[variable] = Canister(
            session.network, canister, identity=session.identity, service=service
        )
        if name in self.missing:
            self.missing.remove(name)

    def add_project(self) -> None:
        """Add the canisters of the project in this folder, and those that were deployed by name from here.

        Raises `InputError` for a damaged project, `StateError` for a damaged registry.
        """
        project = project_canisters(project_network(self._session))
        for name in dict.fromkeys([*project, *registered_names(self._session.connection.state_dir)]):
            found = self._session.canister(name)
            if found is not None:
                self.add(name, found, project.get(name))
            elif name in project:
                self.missing.append(name)

    def add_text(self, text: str) -> None:
        """Add a canister given as `ID`, `NAME` or `NAME=ID`. Raises `InputError` when there is none."""
        name, given, target = text.rpartition("=")
        found = self._session.target(target)
        if not given and target == str(found):
            name = "canister"
        self.add(name or target, found)

    def banner(self) -> str:
        """Return the lines that name the variables."""
        rows = [
            ("network", f"the network {self._session.network.name}"),
            ("identity", f"the caller, {self._session.identity.principal}"),
        ]
        for name, variable in self._canisters.items():
            rows.append((variable, self._described(name, variable)))
        width = max(len(variable) for variable, _ in rows)
        lines = [f"  {variable:<{width}}  {one_line(text, 160)}" for variable, text in rows]
        if self.missing:
            lines.append(
                f"  not deployed: {one_line(', '.join(self.missing), 160)} (ic-harness repl --deploy)"
            )
        return "\n".join(["ic-harness: variables of this prompt", *lines])

    def _described(self, name: str, variable: str) -> str:
        canister = self.variables[variable]
        called = "" if name == variable else f"{name}, "
        known = object.__getattribute__(canister, "_installed").service
        methods = list(known.methods) if known is not None else []
        more = ", …" if len(methods) > _MAX_METHODS else ""
        shown = f": {', '.join(methods[:_MAX_METHODS])}{more}" if methods else ""
        return f"canister {called}{object.__getattribute__(canister, '_id')}{shown}"


def project_canisters(network: str) -> dict[str, Service | None]:
    """Return the names of the canisters of the project in this folder, with interfaces that it has as files."""
    if Path("dfx.json").exists():
        found = list_project(Path(), (), network=network)
        return {each.name: _interface(each.candid) for each in found if each.kind != "assets" or each.remote}
    if Path("icp.yaml").exists():
        return {each.name: None for each in list_icp_project(Path(), (), environment=network)}
    return {}


def _interface(path: Path | None) -> Service | None:
    """Read the interface of a project; None for a file that is not there yet, or cannot be read."""
    if path is None or not path.is_file():
        return None
    try:
        return read_interface(path)
    except (InputError, ValueError):  # the canister itself may publish one; a call says what is wrong
        return None
