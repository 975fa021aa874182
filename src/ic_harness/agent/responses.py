"""Parses responses: HTTP and CBOR become a request status or a typed error. No I/O, no clock.

Interface specification, "Request: Call", "Request: Query", "Request: Read state".
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

from ic_harness.agent.retry import status_error
from ic_harness.agent.transport import Response
from ic_harness.errors import (
    CallTimeoutError,
    CborError,
    CertificateError,
    ProtocolError,
    RejectError,
    TransportError,
)
from ic_harness.protocol import Certificate, RequestId, cbor, leb128_decode
from ic_harness.text import brief, one_line

_SHOWN: Final = 120
_REJECTS: Final = ("rejected", "non_replicated_rejection")


@dataclass(frozen=True, slots=True)
class Pending:
    """The request was accepted or is being processed: poll again."""


@dataclass(frozen=True, slots=True)
class UnknownRequest:
    """The certificate proves that the network does not know the request, or not yet."""


@dataclass(frozen=True, slots=True)
class Reply:
    """The reply, normally Candid-encoded."""

    arg: bytes


def read_map(response: Response) -> dict[str, Any]:
    """Decode the body of a successful answer as a CBOR map.

    Raises `TransportError` when it is something else, such as the HTML page of a proxy.
    """
    try:
        value = cbor.decode(response.body)
    except CborError as problem:
        kind = response.headers.get("content-type", "no content type")
        start = response.body[:_SHOWN].decode(errors="replace").strip()
        raise TransportError(f"the answer is not CBOR ({kind}; {problem}): {start!r}") from None
    if not isinstance(value, dict):
        raise TransportError(f"the answer is a CBOR {type(value).__name__} instead of a map")
    return value


def read_call_answer(response: Response) -> bytes | Pending:
    """Read the answer to a call: the bytes of a certificate, or `Pending`.

    Raises `RejectError` (uncertified) when the network refused it, `HttpStatusError` for other statuses.
    """
    if response.status == 202:
        return Pending()
    if response.status != 200:
        raise status_error(response)
    answer = read_map(response)
    certificate = answer.get("certificate")
    if answer.get("status") == "replied" and isinstance(certificate, bytes):
        return certificate
    raise _reject(answer)


def read_certificate(response: Response) -> Certificate:
    """Read the certificate of a read_state answer, not yet verified.

    Raises a `CallError` or `ProtocolError`.
    """
    if response.status != 200:
        raise status_error(response)
    certificate = read_map(response).get("certificate")
    if not isinstance(certificate, bytes):
        raise TransportError("the answer holds no certificate")
    return Certificate.from_cbor(certificate)


def read_query_answer(response: Response) -> dict[str, Any]:
    """Read the answer to a query, or a status, as a map in which nothing is verified yet."""
    if response.status != 200:
        raise status_error(response)
    return read_map(response)


def query_reply(answer: dict[str, Any]) -> bytes:
    """The reply in a verified query answer. Raises `RejectError`, or `TransportError` when it has neither."""
    match answer:
        case {"status": "replied", "reply": {"arg": bytes(arg)}}:
            return arg
        case {"status": "rejected"}:
            raise _reject(answer)
    # The hash that nodes sign is the same for a text and for the bytes of it: the types must be checked here.
    raise TransportError(f"the answer to a query is neither reply nor reject: {brief(answer)}")


def _reject(answer: dict[str, Any]) -> RejectError | TransportError:
    match answer:
        case {"reject_code": int(code), "reject_message": str(message)} if _may_reject(answer, code):
            error_code = answer.get("error_code")
            return RejectError(code, message, error_code if isinstance(error_code, str) else None)
    keys = ", ".join(sorted(one_line(str(key), 40) for key in answer)[:20])
    return TransportError(f"the answer is neither reply nor reject: its keys are {keys}")


def _may_reject(answer: dict[str, Any], code: int) -> bool:
    """Whether status and code are those of a reject; answers to calls of older replicas have no status."""
    return answer.get("status", "rejected") in _REJECTS and not isinstance(code, bool) and 0 < code < 1 << 64


def verdict(certificate: Certificate, request_id: RequestId) -> Reply | Pending | UnknownRequest:
    """The status of a request in a verified certificate.

    Raises `RejectError` (certified), `CallTimeoutError` when the reply was dropped already, and
    `CertificateError` when the certificate lacks the status or contradicts itself.
    """
    base = (b"request_status", request_id)
    status = certificate.lookup_value((*base, b"status"))
    match status:
        case None:
            return UnknownRequest()
        case b"received" | b"processing":
            return Pending()
        case b"replied":
            reply = certificate.lookup_value((*base, b"reply"))
            if reply is None:
                raise CertificateError("the certificate says replied, but holds no reply")
            return Reply(reply)
        case b"rejected":
            raise _certified_reject(certificate, base)
        case b"done":
            raise CallTimeoutError("the call finished, but its reply is no longer kept by the network")
    raise CertificateError(f"the certificate holds an unknown request status: {status[:20]!r}")


def _certified_reject(certificate: Certificate, base: tuple[bytes, ...]) -> RejectError:
    code = certificate.lookup_value((*base, b"reject_code"))
    message = certificate.lookup_value((*base, b"reject_message"))
    error_code = certificate.lookup_value((*base, b"error_code"))
    if code is None or message is None:
        raise CertificateError("the certificate says rejected, but holds no reject code and message")
    try:
        number = leb128_decode(code)
    except ProtocolError as problem:
        raise CertificateError(f"the reject code in the certificate is not a number: {problem}") from None
    return RejectError(
        number,
        message.decode(errors="replace"),
        error_code.decode(errors="replace") if error_code is not None else None,
        certified=True,
    )
