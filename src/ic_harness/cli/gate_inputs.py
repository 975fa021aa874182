"""Reads and opens the inputs of the gate: builds, networks, accepted faults."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path

from ic_harness.bundled import default_canister
from ic_harness.candid import Service, encode, parse_values
from ic_harness.errors import CandidError, InputError
from ic_harness.networks import Network, embedded, fetch_interface, network_names, read_project
from ic_harness.principal import Principal
from ic_harness.testing.gate import Build, GateRequest, accept_ids, read_acceptances
from ic_harness.text import readable

from .config import CONFIG_FILE
from .forks import LoadedFork, load_baseline
from .gate_options import Asked
from .gate_suite import chosen_suite
from .identities import load_identity
from .interfaces import interface_file
from .session import Session, open_session


@contextmanager
def opened(asked: Asked) -> Iterator[tuple[GateRequest, Network]]:
    """Read everything that was named, and open the network to judge on; closes it at the end.

    Raises `InputError` for what cannot be read or contradicts itself, and what an unreachable network raises.
    """
    _check(asked)
    with _ground(asked) as (network, canister):
        fork = load_baseline(asked, network)
        subject = _running(asked, network, canister) if canister is not None else _build(asked)
        suite = chosen_suite(asked, subject, network, canister)
        acceptances = (
            *read_acceptances(asked.accepted, f"{CONFIG_FILE}: gate.accepted", suite.catalogue),
            *accept_ids(
                (id_ for part in asked.accept for id_ in part.replace(",", " ").split()), suite.catalogue
            ),
        )
        now = datetime.now(UTC)
        yield (
            GateRequest(
                subject=subject,
                canister=canister,
                controller=load_identity(asked.connection.identity) if asked.connection.identity else None,
                baseline=_baseline(asked, subject, fork) if asked.baseline else None,
                acceptances=acceptances,
                suite=suite,
                budget=asked.budget,
                today=now.date(),
                started=now.isoformat(timespec="seconds"),
                # A network that goes on remembers the callers of earlier runs.
                salt=b"" if network.url is None and canister is None else secrets.token_bytes(16),
            ),
            network,
        )


def _check(asked: Asked) -> None:
    if asked.canister_id and asked.wasm:
        raise InputError(
            "--wasm judges a build, --canister-id a running canister: give one of them (to compare a build with "
            "a running canister: --baseline NETWORK:ID)"
        )
    if asked.baseline_candid and not asked.baseline:
        raise InputError("--baseline-candid is the interface of a --baseline, and there is none")


@contextmanager
def _ground(asked: Asked) -> Iterator[tuple[Network, Principal | None]]:
    """Open the network: an embedded one of its own for a build; a running canister needs the state folder."""
    if asked.connection.network == "embedded" and asked.canister_id is None:
        with embedded() as network:
            yield network, None
    else:
        with open_session(asked.connection) as session:
            yield session.network, session.target(asked.canister_id) if asked.canister_id else None


def _build(asked: Asked) -> Build:
    interface = interface_file(asked.candid) if asked.candid else None
    if asked.wasm is not None:
        build = Build(
            name=readable(asked.wasm.name),
            wasm=_bytes(asked.wasm),
            interface=interface,
            place=str(asked.wasm),
        )
        return _with_argument(build, asked.argument, asked.upgrade_argument)
    if not Path("dfx.json").exists():
        return _bundled(interface)
    (*others, found) = read_project(Path(), build=False)
    if others:
        names = ", ".join(item.name for item in (*others, found))
        raise InputError(f"dfx.json has several canisters ({names}): name the Wasm of one by --wasm")
    if interface is None and found.candid is not None:
        interface = interface_file(found.candid)
    build = Build(name=found.name, wasm=found.wasm, interface=interface)
    return _with_argument(build, asked.argument or found.init_arg, asked.upgrade_argument)


def _bundled(interface: Service | None) -> Build:
    bundled = default_canister()
    if bundled is None:
        raise InputError(
            "there is nothing to judge: give --wasm FILE, --canister-id ID, or a dfx.json in this folder"
        )
    return Build(name=bundled.title, wasm=bundled.wasm(), interface=interface, place=bundled.place)


def _with_argument(build: Build, text: str | None, upgrade: str | None = None) -> Build:
    if text is not None:
        build = replace(build, argument=_encoded(build, text, "--argument"))
    return (
        build
        if upgrade is None
        else replace(build, upgrade_argument=_encoded(build, upgrade, "--upgrade-argument"))
    )


def _encoded(build: Build, text: str, option: str) -> bytes:
    """Encode arguments by the types of `init`, which are those of `post_upgrade` too."""
    try:
        types = build.init_types
        if len(parse_values(text)) > len(types):
            raise InputError(
                f"{option} {text} needs types, and neither the .did nor the module has them: give --candid with a "
                f"service constructor"
            )
        return encode(parse_values(text, types), types)
    except CandidError as error:
        raise InputError(f"{option} {text} does not fit the init of {build.name}: {error}") from error


def _bytes(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise InputError(f"cannot read {path}: {error.strerror}") from error


def _running(asked: Asked, network: Network, canister: Principal) -> Build:
    if network.module_hash(canister) is None:
        raise InputError(f"there is no canister {canister} with code on {network.name}")
    interface = interface_file(asked.candid) if asked.candid else None
    return Build(name=str(canister), interface=interface, place=f"{network.url or network.name}:{canister}")


def _baseline(asked: Asked, subject: Build, fork: LoadedFork | None) -> Build:
    """Return the baseline: a fork, a Wasm file, or what a running canister publishes."""
    assert asked.baseline is not None, "bug: called only when a baseline was named"
    interface = interface_file(asked.baseline_candid) if asked.baseline_candid else None
    if fork is not None:
        return Build(
            name=readable(asked.baseline),
            wasm=fork.wasm,
            canister=fork.canister,
            interface=interface,
            argument=subject.argument,
            upgrade_argument=subject.upgrade_argument,
        )
    network, _, canister = asked.baseline.rpartition(":")
    path = Path(asked.baseline)
    if path.exists() or not (network in network_names() or "://" in network):
        return Build(
            name=readable(path.name),
            wasm=_bytes(path),
            interface=interface,
            argument=subject.argument,
            upgrade_argument=subject.upgrade_argument,
        )
    with open_session(replace(asked.connection, network=network)) as session:
        return _deployed(session, canister, interface, subject, asked.baseline)


def _deployed(session: Session, text: str, interface: Service | None, subject: Build, name: str) -> Build:
    """Return a running canister as a build; its Wasm is known only when it is the build under judgement."""
    canister = session.target(text)
    installed = session.network.module_hash(canister)
    if installed is None:
        raise InputError(f"--baseline {name}: there is no canister with code")
    same = subject.wasm is not None and sha256(subject.wasm).digest() == installed
    return Build(
        name=name,
        wasm=subject.wasm if same else None,
        interface=interface or _published(session.network, canister),
        argument=subject.argument,
        upgrade_argument=subject.upgrade_argument,
    )


def _published(network: Network, canister: Principal) -> Service | None:
    try:
        return fetch_interface(network.agent(), canister)
    except InputError:  # it publishes none; the gate says what that means
        return None
