"""Detects the generation of a backend without changing anything on it.

The interface is read first: from the certified metadata `candid:service`, or else by the query with which older
canisters publish it. Where neither exists, queries probe which methods exist and how long a chunk may be. No update
call is made.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import Any, Final

from ic_harness.agent import Flow
from ic_harness.candid import TEXT, Service, Type, decode, encode, parse
from ic_harness.errors import CandidError, HttpStatusError, RejectError, UnknownBackendError
from ic_harness.principal import Principal

from .effects import Call, ReadMetadata
from .generations import (
    GENERATIONS,
    Generation,
    GenerationSpec,
    ProbeQuery,
    current_interface,
    interface,
)
from .profile import RESUMABLE_METHOD, Profile, Source

_METADATA: Final = "candid:service"
_INTERFACE_QUERY: Final = "__get_candid_interface_tmp_hack"
_NO_METHOD: Final = ("IC0536", "IC0302")
"""Error codes of "canister has no such method", the second one of older replicas."""
_TOO_OLD: Final = "it is of generation Z, which is no longer supported: upgrade it to generation A or later"
_CREATE_ARGUMENTS_OF_Z: Final = 3
_RESUMABLE_QUERY: Final = ProbeQuery(method=RESUMABLE_METHOD, values=[0], types=("nat64",))


def detect_generation(canister: Principal) -> Flow[Profile]:
    """Detect the generation. Raises `UnknownBackendError` for another kind of canister, or generation Z."""
    text, source = yield from _published_interface()
    if text is not None:
        return _profile(text, source, canister)
    return (yield from probe(canister))


def _published_interface() -> Flow[tuple[str | None, Source]]:
    """The interface that the canister publishes, and where."""
    try:
        section = yield from ReadMetadata(_METADATA)
    except HttpStatusError as error:
        if not 400 <= error.status < 500:
            raise
        section = None  # private: only controllers may read it
    if section is not None:
        return section.decode(errors="replace"), _METADATA
    reply = yield from _query_if_present(ProbeQuery(method=_INTERFACE_QUERY, values=(), types=()))
    values = _decoded(reply, [TEXT])
    return (values[0] if values else None), _INTERFACE_QUERY


def _profile(text: str, source: Source, canister: Principal) -> Profile:
    try:
        generation, methods = read_interface(text)
    except CandidError as error:
        raise UnknownBackendError(
            f"{canister} publishes an interface that cannot be read: {error}"
        ) from error
    except UnknownBackendError as error:
        raise UnknownBackendError(f"{canister} cannot be used as a capsule backend: {error}") from error
    return Profile(generation=generation, methods=methods, source=source)


@lru_cache(maxsize=32)
def read_interface(text: str) -> tuple[Generation, frozenset[str]]:
    """Return the generation and the methods of an interface. Raises `CandidError`, `UnknownBackendError`."""
    service = parse(text)
    missing = [name for name in ("uploads_begin", "uploads_finish") if name not in service.methods]
    if missing:
        raise UnknownBackendError(f"its interface has no {' and no '.join(missing)}")
    return from_interface(service), frozenset(service.methods)


def from_interface(service: Service) -> Generation:
    """Return the newest generation whose marks an interface has. Raises `UnknownBackendError`."""
    create = service.methods.get("memories_create")
    arguments = len(service.methods["uploads_begin"].arg_types)
    if arguments == 4 and create is not None and len(create.arg_types) == _CREATE_ARGUMENTS_OF_Z:
        raise UnknownBackendError(_TOO_OLD)
    for generation in reversed(list(GENERATIONS)):
        if GENERATIONS[generation].marks.match(service):
            return generation
    raise UnknownBackendError(f"its uploads_begin takes {arguments} arguments, unlike any known generation's")


def probe(canister: Principal) -> Flow[Profile]:
    """Detect the generation of a backend that publishes no interface. Raises `UnknownBackendError`."""
    upload_config = ProbeQuery(method="upload_config", values=(), types=())
    reply = yield from _query_if_present(upload_config)
    config = _decoded(reply, current_interface().methods["upload_config"].return_types)
    if config is None:
        raise UnknownBackendError(
            f"{canister} is no capsule backend: it publishes no interface, and has no upload_config"
        )
    spec = yield from _probe_generations(config[0]["chunk_size"])
    methods = frozenset(interface(spec.generation).methods)
    if spec.takes_current_types and (yield from _query_if_present(_RESUMABLE_QUERY)) is not None:
        methods |= frozenset(current_interface().methods)
    return Profile(generation=spec.generation, methods=methods, source="probe")


def _probe_generations(chunk_size: int) -> Flow[GenerationSpec]:
    """The first generation, oldest first, whose probe succeeds; otherwise the one without a probe."""
    (remaining,) = (
        spec for spec in GENERATIONS.values() if spec.probe_chunk_size is None and spec.probe_query is None
    )
    for spec in GENERATIONS.values():
        if spec.probe_chunk_size == chunk_size:
            return spec
        if spec.probe_query is not None and (yield from _query_if_present(spec.probe_query)) is not None:
            return spec
    return remaining


def _query_if_present(query: ProbeQuery) -> Flow[bytes | None]:
    """Make a query that changes nothing; None when there is no such method."""
    text = f"service : {{ probe : ({', '.join(query.types)}) -> () }}"
    arguments = parse(text).methods["probe"].arg_types
    try:
        reply = yield from Call("query", query.method, encode(query.values, arguments))
    except RejectError as error:
        if error.error_code in _NO_METHOD or "no query method" in error.reject_message:
            return None
        raise
    return reply


def _decoded(reply: bytes | None, types: Sequence[Type]) -> Sequence[Any] | None:
    try:
        return None if reply is None else decode(reply, types)
    except CandidError:
        return None
