"""Finding out of which generation a backend is, without changing anything on it.

First by its interface: the certified metadata `candid:service`, else the query by which older canisters tell it. Where
there is neither, by signs: which queries exist, and how long a chunk may be. Nothing here is an update.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import Any, Final

from ic_capsule.reference import reference_did
from ic_harness.agent import Flow
from ic_harness.candid import TEXT, Service, Type, Variant, decode, encode, parse, resolve
from ic_harness.errors import CandidError, HttpStatusError, RejectError, UnknownBackendError
from ic_harness.principal import Principal

from .effects import Call, ReadMetadata
from .generations import GENERATIONS, PROMISE, Generation, Profile, Source, interface

_METADATA: Final = "candid:service"
_TOLD: Final = "__get_candid_interface_tmp_hack"
_NO_METHOD: Final = ("IC0536", "IC0302")
"""Error codes of "canister has no such method", the second one of older replicas."""
_TOO_OLD: Final = "it is of generation Z, which is no longer spoken: upgrade it to generation A or later"


def recognize(canister: Principal) -> Flow[Profile]:
    """Find out the generation. Raises `UnknownBackendError` for what is no backend, or of generation Z."""
    text, source = yield from _told()
    if text is not None:
        return _profile(text, source, canister)
    return (yield from _by_signs(canister))


def _told() -> Flow[tuple[str | None, Source]]:
    """The interface that the canister tells, and how."""
    try:
        section = yield from ReadMetadata(_METADATA)
    except HttpStatusError as error:
        if not 400 <= error.status < 500:
            raise
        section = None  # private: only controllers may read it
    if section is not None:
        return section.decode(errors="replace"), "candid:service"
    values = _decoded((yield from _probe(_TOLD, ())), [TEXT])
    return (values[0] if values else None), "__get_candid_interface_tmp_hack"


def _profile(text: str, source: Source, canister: Principal) -> Profile:
    try:
        generation, methods = read_interface(text)
    except CandidError as error:
        raise UnknownBackendError(f"{canister} tells an interface that cannot be read: {error}") from error
    except UnknownBackendError as error:
        raise UnknownBackendError(f"{canister} cannot be used as a capsule backend: {error}") from error
    return Profile(generation=generation, methods=methods, source=source)


@lru_cache(maxsize=32)
def read_interface(text: str) -> tuple[Generation, frozenset[str]]:
    """The generation whose marks an interface has, and its methods. Raises `CandidError`, `UnknownBackendError`."""
    service = parse(text)
    missing = [name for name in ("uploads_begin", "uploads_finish") if name not in service.methods]
    if missing:
        raise UnknownBackendError(f"its interface has no {' and no '.join(missing)}")
    return _by_marks(service), frozenset(service.methods)


def _by_marks(service: Service) -> Generation:
    begins_with = len(service.methods["uploads_begin"].arg_types)
    if begins_with == 3:
        return Generation.H if "memories_add_asset" in service.methods else Generation.C
    create = service.methods.get("memories_create")
    if begins_with != 4 or create is None:
        raise UnknownBackendError(
            f"its uploads_begin takes {begins_with} arguments, as no known generation's"
        )
    if len(create.arg_types) == 3:
        raise UnknownBackendError(_TOO_OLD)
    return Generation.A if _gives_text(service.methods["uploads_finish"].return_types) else Generation.B


def _gives_text(results: Sequence[Type]) -> bool:
    result = resolve(results[0])
    fine = [f.type for f in result.fields if f.key == "Ok"] if isinstance(result, Variant) else []
    return bool(fine) and resolve(fine[0]) == TEXT


def _by_signs(canister: Principal) -> Flow[Profile]:
    newest = interface(Generation.H).methods
    reply = yield from _probe("upload_config", ())
    config = _decoded(reply, newest["upload_config"].return_types)
    if config is None:
        raise UnknownBackendError(
            f"{canister} is no capsule backend: it tells no interface, and has no upload_config"
        )
    generation = yield from _generation_by_signs(config[0]["chunk_size"])
    methods = frozenset(interface(generation).methods)
    if generation == Generation.H and (yield from _probe(PROMISE, [0], "nat64")) is not None:
        methods |= frozenset(parse(reference_did()).methods)
    return Profile(generation=generation, methods=methods, source="signs")


def _generation_by_signs(chunk_size: int) -> Flow[Generation]:
    if chunk_size == GENERATIONS[Generation.A].chunk_size:
        return Generation.A
    if (yield from _probe("memories_read_with_assets", [""], "text")) is not None:
        return Generation.B
    by_capsule = ["", None, None]
    if (
        yield from _probe("memories_list_by_capsule", by_capsule, "text", "opt text", "opt nat32")
    ) is not None:
        return Generation.H
    return Generation.C


def _probe(method: str, values: Sequence[Any], *types: str) -> Flow[bytes | None]:
    """Ask a query that changes nothing; None when there is no such method."""
    arguments = parse(f"service : {{ probe : ({', '.join(types)}) -> () }}").methods["probe"].arg_types
    try:
        reply = yield from Call("query", method, encode(values, arguments))
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
