"""The HTTP gateway: pages of canisters at `http://<canister-id>.localhost:PORT/` or with `?canisterId=`.

HTTP gateway protocol. A page is asked for by the query `http_request`; the canister may ask for the same as
an update, and may stream a long body through callbacks. Every page says in `x-ic-harness-certified` whether
it is what the canister certified; unlike the public gateways this one shows it anyway, for it is a test tool.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from functools import lru_cache
from typing import Any, Final
from urllib.parse import parse_qs, urlencode

from ic_harness import candid
from ic_harness.errors import CandidError, PrincipalError, RejectError, ReplicaError
from ic_harness.principal import Principal
from ic_harness.replica.gateway.page import Page, PageRequest, as_page
from ic_harness.replica.gateway.verification import verify
from ic_harness.replica.http.http_messages import (
    NO_BODY,
    HttpProblem,
    HttpRequest,
    HttpResponse,
    error_response,
)
from ic_harness.replica.replica import Replica
from ic_harness.text import one_line
from ic_harness.units import MIB

CERTIFIED: Final = "x-ic-harness-certified"
"""The header with the result of the check: v1, v2, or why it failed."""

MAX_BODY: Final = 256 * MIB
"""A streamed body longer than this is cut off with an error."""

MAX_PARTS: Final = 2_000
"""Most callbacks for one body: a canister could stream empty parts for ever."""

# The interface of canisters whose own Candid is not known; the token is that of the common asset canister.
_USUAL: Final = """
type header = record { text; text };
type request = record { method : text; url : text; headers : vec header; body : blob;
                        certificate_version : opt nat16 };
type token = record { key : text; content_encoding : text; index : nat; sha256 : opt blob };
type more = record { body : blob; token : opt token };
type strategy = variant { Callback : record { callback : func (token) -> (opt more) query; token : token } };
type page = record { status_code : nat16; headers : vec header; body : blob; upgrade : opt bool;
                     streaming_strategy : opt strategy };
service : { http_request : (request) -> (page) query; http_request_update : (request) -> (page) }
"""
_OURS: Final = {
    "connection", "content-length", "transfer-encoding", "keep-alive", "host", "upgrade", "te", "trailer",
    "proxy-connection", CERTIFIED,
}  # fmt: skip
"""Headers that concern the connection, or are this gateway's own word: a canister's are left out."""


class Gateway:
    """Serves pages of the canisters of one replica."""

    def __init__(self, replica: Replica) -> None:
        self.replica = replica

    def handle(self, request: HttpRequest) -> HttpResponse:
        """Answer a request for a page."""
        try:
            canister = _canister(request)
            asked = _page_request(request)
            page = self._page(canister, asked)
        except HttpProblem as refusal:
            return error_response(refusal.status, refusal.text)
        except RejectError as rejected:
            return error_response(503, str(rejected))
        except (CandidError, ReplicaError) as trouble:
            return error_response(502, f"the canister's answer cannot be used: {trouble}")
        return self._response(canister, asked, page)

    # --- asking the canister --------------------------------------------------------------------------------

    def _page(self, canister: Principal, request: PageRequest) -> Page:
        service = self._service(canister)
        record = {
            "method": request.method,
            "url": request.url,
            "headers": list(request.headers),
            "body": request.body,
            "certificate_version": 2,
        }
        answer = self._ask(service, canister, "http_request", record)
        if answer.get("upgrade"):
            answer = self._ask(service, canister, "http_request_update", record)
        page = as_page(answer)
        rest = self._rest(service, canister, answer.get("streaming_strategy"))
        return replace(page, body=page.body + rest) if rest else page

    def _ask(
        self, service: candid.Service, canister: Principal, name: str, record: dict[str, Any]
    ) -> dict[str, Any]:
        method = service.methods.get(name)
        if method is None:
            raise HttpProblem(404, f"canister {canister} serves no pages: it has no {name}")
        arg = candid.encode((_fitting(record, method),)[: len(method.arg_types)], method.arg_types)
        caller = Principal.anonymous()
        call = self.replica.execute_query if method.mode == "query" else self.replica.execute_update
        answers = candid.decode(call(caller, canister, name, arg), method.return_types)
        if len(answers) != 1 or not isinstance(answers[0], dict):
            raise HttpProblem(502, f"the canister's answer cannot be used: its {name} returns no record")
        return answers[0]

    def _rest(self, service: candid.Service, canister: Principal, strategy: Any) -> bytes:
        """The rest of a streamed body, callback by callback."""
        match strategy:
            case {"Callback": {"callback": candid.FuncRef() as callback, "token": token}}:
                pass
            case _:
                return b""
        if callback.principal != canister:
            raise HttpProblem(502, "the streaming callback belongs to another canister")
        function = _callback_types(service)
        parts: list[bytes] = []
        size = 0
        for _ in range(MAX_PARTS):
            if token is None:
                return b"".join(parts)
            arg = candid.encode((token,), function.arg_types)
            reply = self.replica.execute_query(Principal.anonymous(), canister, callback.method, arg)
            body, token = _part(candid.decode(reply, function.return_types))
            size += len(body)
            if size > MAX_BODY:
                raise HttpProblem(502, f"the canister streams more than {MAX_BODY} bytes")
            parts.append(body)
        raise HttpProblem(502, f"the canister streams more than {MAX_PARTS} parts")

    def _service(self, canister: Principal) -> candid.Service:
        """The canister's own interface where its module tells it, else the usual one."""
        record = self.replica.node_of(canister).state.canisters.get(canister.raw)
        if record is None:
            raise HttpProblem(404, f"404 - canister not found: {canister} does not exist")
        if record.installed:
            sections = self.replica.node_of(canister).instances.module(record).custom_sections
            section = sections.get("candid:service")
            if section is not None:
                return _own_service(section.content)
        return _usual_service()

    # --- answering the browser ------------------------------------------------------------------------------

    def _response(self, canister: Principal, request: PageRequest, page: Page) -> HttpResponse:
        verdict = verify(
            request,
            page,
            canister,
            root_key=self.replica.root_key,
            now_ns=self.replica.node.query_time_ns(),
        )
        headers = [(name.lower(), value) for name, value in page.headers if name.lower() not in _OURS]
        counts = Counter(name for name, _ in headers)
        reason = one_line(str(verdict)).encode("ascii", "replace").decode()
        return HttpResponse(
            status=page.status,
            headers={**{name: value for name, value in headers if counts[name] == 1}, CERTIFIED: reason},
            body=b"" if page.status in NO_BODY else page.body,
            repeated=tuple((name, value) for name, value in headers if counts[name] > 1),
        )


def _canister(request: HttpRequest) -> Principal:
    host = request.headers.get("host", "").partition(":")[0]
    named = parse_qs(request.query).get("canisterId")
    first, _, rest = host.partition(".")
    text = named[0] if named else first if rest in {"localhost", "raw.localhost"} else ""
    try:
        return Principal.from_text(text)
    except PrincipalError:
        raise HttpProblem(
            404 if not text else 400,
            f"No page here. Canisters serve theirs at http://<canister-id>.localhost{_port(request)}/ or with "
            f"?canisterId=<canister-id>; {text[:100]!r} is no canister id",
        ) from None


def _port(request: HttpRequest) -> str:
    _, colon, port = request.headers.get("host", "").rpartition(":")
    return f":{port}" if colon and port.isdigit() else ""


def _page_request(request: HttpRequest) -> PageRequest:
    query = parse_qs(request.query, keep_blank_values=True)
    named = query.pop("canisterId", None)
    text = urlencode(query, doseq=True) if named else request.query
    return PageRequest(
        method=request.method,
        url=f"{request.path}?{text}" if text else request.path,
        headers=tuple(request.headers.items()),
        body=request.body,
    )


@lru_cache(maxsize=64)
def _own_service(text: bytes) -> candid.Service:
    try:
        service = candid.parse(text.decode(errors="replace"))
    except CandidError:
        return _usual_service()
    return service if "http_request" in service.methods else _usual_service()


@lru_cache(maxsize=1)
def _usual_service() -> candid.Service:
    return candid.parse(_USUAL)


def _part(values: tuple[Any, ...]) -> tuple[bytes, Any]:
    """The bytes of a streaming callback's answer and the token of the next one. Raises `HttpProblem` 502."""
    match values:
        case (None,):
            return b"", None
        case ({"body": bytes(body), "token": token},):
            return body, token
    raise HttpProblem(
        502, "the canister's answer cannot be used: its streaming callback returns no part of a body"
    )


def _callback_types(service: candid.Service) -> candid.Func:
    """The type of the streaming callback in a canister's own interface."""
    page = service.methods["http_request"].return_types[0]
    callback = _field(_field(_field(page, "streaming_strategy"), "Callback"), "callback")
    if not isinstance(callback, candid.Func):
        raise CandidError("the interface's streaming callback is no function")
    return callback


def _field(kind: candid.Type, name: str) -> candid.Type:
    known = candid.resolve(kind)
    fields = known.fields if isinstance(known, candid.Record | candid.Variant) else ()
    for field in fields:
        if field.name == name:
            found = candid.resolve(field.type)
            return candid.resolve(found.inner) if isinstance(found, candid.Opt) else found
    raise CandidError(f"the interface's http_request has no {name}")


def _fitting(record: dict[str, Any], method: candid.Method) -> dict[str, Any]:
    """The fields of the record that the canister's own type knows."""
    kind = candid.resolve(method.arg_types[0]) if method.arg_types else None
    known = {field.name for field in kind.fields} if isinstance(kind, candid.Record) else set()
    return {name: value for name, value in record.items() if name in known}
