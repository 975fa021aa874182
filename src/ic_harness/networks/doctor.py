"""Examine which networks can be used on this machine, by trying them, and say why others cannot."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final

from ic_harness import __version__
from ic_harness.errors import HarnessError, InputError, NetworkError
from ic_harness.lazy_dataclass import dataclass
from ic_harness.protocol import bls
from ic_harness.text import one_line
from ic_harness.urls import public_url

from .deadline import Deadline
from .kinds import network_names, open_network
from .mainnet import MAINNET
from .network import Network
from .openers import embedded
from .processes import Program, run

VERSION_S: Final = 10.0
"""How long a program may take to print its version, in seconds."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """What was found of one network.

    `usable` is None for a network that was not tried. `version` is the program's own word, None without a
    program. `capabilities` is what the network can do, empty when it could not be used. `required` ones must
    be usable for this package, or the person who asked, to get on.
    """

    name: str
    usable: bool | None
    detail: str
    version: str | None = None
    capabilities: tuple[str, ...] = ()
    required: bool = False


def examine(
    wanted: str | None = None, *, folder: Path | None = None, environ: Mapping[str, str] | None = None
) -> list[Finding]:
    """Try every network that has a name, and the one that `wanted` names or leads to.

    `folder` is where projects of dfx and icp-cli are looked for (the current one). The Internet Computer is
    tried only when it is wanted.
    """
    environ = os.environ if environ is None else environ
    examiners: dict[str, Callable[[], Finding]] = {
        "embedded": _embedded,
        "dfx": lambda: _dfx(folder, environ),
        "icp": lambda: _icp(folder, environ),
        "pocket-ic": lambda: _pocket_ic(environ),
        MAINNET: _mainnet,
    }
    others = [name for name in network_names() if name != wanted]
    found = [examiners[name]() if name in examiners else _plugged(name) for name in others]
    return [*found, _wanted(wanted)] if wanted else found


def _embedded() -> Finding:
    try:
        version = f"ic-harness {__version__}, BLS12-381 by {bls.implementation()}"
    except InputError as error:
        return Finding(name="embedded", usable=False, detail=str(error), required=True)
    return _opened("embedded", embedded, "started", version=version, required=True)


def _mainnet() -> Finding:
    detail = "reached over the Internet, so it is tried only when asked for: --network ic"
    return Finding(name=MAINNET, usable=None, detail=detail)


def _plugged(name: str) -> Finding:
    detail = f"brought by another package, so it is tried only when asked for: --network {one_line(name)}"
    return Finding(name=one_line(name), usable=None, detail=detail)


def _wanted(spec: str) -> Finding:
    return _opened(public_url(spec), lambda: open_network(spec), "answers", required=True)


def _dfx(folder: Path | None, environ: Mapping[str, str]) -> Finding:
    from .dfx_network import PROGRAM, find_place, open_dfx  # lazy: start-up time  # noqa: PLC0415

    project = folder or Path()
    return _local(
        "dfx",
        PROGRAM,
        environ,
        check=lambda: find_place(project, environ),
        reach=lambda: open_dfx(project, environ=environ),
    )


def _icp(folder: Path | None, environ: Mapping[str, str]) -> Finding:
    from .icp_network import PROGRAM, find_network, open_icp  # lazy: start-up time  # noqa: PLC0415

    project = folder or Path()
    return _local(
        "icp",
        PROGRAM,
        environ,
        check=lambda: find_network(project),
        reach=lambda: open_icp(project, environ=environ),
    )


def _local(
    name: str,
    program: Program,
    environ: Mapping[str, str],
    *,
    check: Callable[[], object],
    reach: Callable[[], Network],
) -> Finding:
    """Examine a network that another tool runs: usable when it runs, or when the tool is there to start it.

    `check` raises when the project's files are such that it can neither be reached nor be started.
    """
    version, missing = _version(program, environ)
    get = f"; {missing}" if missing else ""
    try:
        check()
    except HarnessError as error:
        return Finding(name=name, usable=False, detail=f"{error}{get}", version=version)
    running = _opened(name, reach, "runs", version=version)
    if running.usable:
        return running
    if missing:
        return Finding(name=name, usable=False, detail=running.detail + get)
    detail = f"{running.detail}; --network {name}:start starts it and stops it again"
    return Finding(name=name, usable=True, detail=detail, version=version)


def _pocket_ic(environ: Mapping[str, str]) -> Finding:
    from .pocket_ic_network import open_pocket_ic  # lazy: start-up time  # noqa: PLC0415
    from .pocket_ic_server import PROGRAM  # lazy: start-up time  # noqa: PLC0415

    version, missing = _version(PROGRAM, environ)
    if missing is not None:
        return Finding(name="pocket-ic", usable=False, detail=missing)
    return _opened(
        "pocket-ic", lambda: open_pocket_ic(environ=environ), "started and made an instance", version=version
    )


def _opened(
    name: str,
    reach: Callable[[], Network],
    well: str,
    *,
    version: str | None = None,
    required: bool = False,
) -> Finding:
    """Open a network, ask for its root key, and close it."""
    try:
        with reach() as network:
            where = f" at {public_url(network.url)}" if network.url else ""
            detail = f"{well}{where}, root key ends in {_ask(network)[-4:].hex()}"
            capabilities = tuple(sorted(network.capabilities))
    except (HarnessError, OSError, ImportError) as error:
        return Finding(name=name, usable=False, detail=str(error), version=version, required=required)
    return Finding(
        name=name,
        usable=True,
        detail=detail,
        version=version,
        capabilities=capabilities,
        required=required,
    )


def _ask(network: Network) -> bytes:
    """Give the root key of a network that answers; one with a built-in key must answer all the same."""
    network.status()
    return network.root_key


def _version(program: Program, environ: Mapping[str, str]) -> tuple[str | None, str | None]:
    """Tell the version of a program, and why it cannot be told: one of them is None."""
    try:
        path = program.require(environ)
        return f"{run([path, '--version'], environ=environ, deadline=Deadline(VERSION_S))} ({path})", None
    except NetworkError as error:
        return None, str(error)
