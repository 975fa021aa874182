"""The read_state endpoints: which paths of the state tree a sender may see.

Interface specification, "Request: read state". Rules are a table of path shapes; any other
path is 404, so that no request can reveal a whole subtree of data of other users.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final

from ic_harness.lazy_dataclass import dataclass
from ic_harness.protocol import VerifiedSender
from ic_harness.replica.http.authentication import authenticate
from ic_harness.replica.http.http_messages import HttpProblem, HttpResponse, cbor_response
from ic_harness.replica.rounds.node import Node

Path = Sequence[bytes]

_REQUEST_FIELDS: Final = {b"status", b"reply", b"reject_code", b"reject_message", b"error_code"}
_CANISTER_FIELDS: Final = {
    b"controllers",
    b"module_hash",
    b"canister_creation_timestamp",
    b"last_install_timestamp",
}


@dataclass(frozen=True, slots=True)
class Reader:
    """The sender and the endpoint: exactly one of `canister` and `subnet` is set."""

    node: Node
    sender: VerifiedSender
    canister: bytes | None = None
    subnet: bytes | None = None


def read_canister_state(node: Node, effective_id: bytes, body: bytes) -> HttpResponse:
    """Serve `/api/{v2,v3}/canister/<effective_id>/read_state`. Raises `HttpProblem`."""
    envelope, sender = authenticate(node, body, "read_state")
    return _read(Reader(node, sender, canister=effective_id), envelope.content["paths"])


def read_subnet_state(node: Node, subnet_id: bytes, body: bytes) -> HttpResponse:
    """Serve `/api/{v2,v3}/subnet/<subnet_id>/read_state`. Raises `HttpProblem`."""
    envelope, sender = authenticate(node, body, "read_state")
    if subnet_id != node.subnet.id:
        raise HttpProblem(400, "The subnet in the URL is not served here")
    return _read(Reader(node, sender, subnet=subnet_id), envelope.content["paths"])


def _read(reader: Reader, paths: list[Path]) -> HttpResponse:
    certified = reader.node.fresh()
    requests = {path[1] for path in paths if len(path) > 1 and path[0] == b"request_status"}
    if len(requests) > 1:
        raise HttpProblem(400, "Can only request a single request ID per read_state request.")
    for path in paths:
        check_path(reader, path)
    return cbor_response({"certificate": certified.certificate(paths)})


def check_path(reader: Reader, path: Path) -> None:
    """Check that a reader may see a path. Raises `HttpProblem` 400, 403 or 404."""
    rule = _RULES.get(path[0]) if path else None
    if rule is None or not rule(reader, path[1:]):
        raise HttpProblem(404, "Invalid path requested.")


def _time(_reader: Reader, rest: Path) -> bool:
    return not rest


def _subnet(reader: Reader, rest: Path) -> bool:
    match list(rest):
        case [] | [_]:
            return True
        case [_, b"public_key" | b"type" | b"node" | b"canister_ranges"]:
            return True
        case [_, b"node", _] | [_, b"node", _, b"public_key"]:
            return True
        case [subnet, b"metrics"]:
            return subnet == reader.subnet
    return False


def _ranges(reader: Reader, rest: Path) -> bool:
    return len(rest) == 1 and rest[0] == reader.subnet


def _api_boundary_nodes(_reader: Reader, rest: Path) -> bool:
    return len(rest) <= 2


def _request(reader: Reader, rest: Path) -> bool:
    if not rest or len(rest) > 2 or (len(rest) == 2 and rest[1] not in _REQUEST_FIELDS):
        return False
    request_id = rest[0]
    if len(request_id) != 32:
        raise HttpProblem(400, f"Request IDs must be 32 bytes in length, got {len(request_id)}")
    record = reader.node.state.requests.get(request_id)
    if record is None:
        return True
    if record.sender != reader.sender.principal.raw:
        raise HttpProblem(403, "The user tries to access Request ID not signed by the caller.")
    if not reader.sender.may_reach(record.canister):
        raise HttpProblem(
            403,
            "The user tries to access request IDs for canisters not belonging to sender delegation targets.",
        )
    if record.effective_id not in {reader.canister, reader.subnet}:
        raise HttpProblem(
            400, "The request was made with another effective canister id than the one in the URL"
        )
    return True


def _canister(reader: Reader, rest: Path) -> bool:
    match list(rest):
        case [canister, field] if field in _CANISTER_FIELDS:
            _check_own(reader, canister)
            return True
        case [canister, b"metadata", name]:
            _check_own(reader, canister)
            _check_metadata(reader, canister, name)
            return True
    return False


def _check_own(reader: Reader, canister: bytes) -> None:
    if canister != reader.canister:
        raise HttpProblem(400, "The canister in the path does not match the effective canister id")


def _check_metadata(reader: Reader, canister_id: bytes, name: bytes) -> None:
    try:
        text = name.decode()
    except UnicodeDecodeError:
        raise HttpProblem(400, "Could not parse the custom section name: it is not UTF-8") from None
    canister = reader.node.state.canisters.get(canister_id)
    if canister is None or not canister.installed:
        return
    section = reader.node.instances.module(canister).custom_sections.get(text)
    if section is None or section.public or reader.sender.principal.raw in canister.settings.controllers:
        return
    raise HttpProblem(
        403, f"Custom section {text:.100} can only be requested by the controllers of the canister."
    )


_RULES: Final[dict[bytes, Callable[[Reader, Path], bool]]] = {
    b"time": _time,
    b"subnet": _subnet,
    b"canister_ranges": _ranges,
    b"api_boundary_nodes": _api_boundary_nodes,
    b"request_status": _request,
    b"canister": _canister,
}
