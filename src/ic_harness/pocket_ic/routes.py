"""The routes of the server as tables, and the function that answers any request.

Paths and statuses follow PocketIC's server. Every operation is answered when it is done: the statuses 202 and 409, with
which clients would ask again, are never needed. Bodies of errors are `{"message": …}`.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any, Final

from ic_harness.errors import HarnessError, RejectError
from ic_harness.pocket_ic import fields
from ic_harness.pocket_ic.api_error import ApiError
from ic_harness.pocket_ic.dashboard import about_instance, json_response
from ic_harness.pocket_ic.instance import Instance
from ic_harness.pocket_ic.instances import Instances
from ic_harness.replica import HttpRequest, HttpResponse

LOG: Final = logging.getLogger("ic_harness.pocket_ic")
MAX_DIGITS: Final = 18
Operation = Callable[[Instance, Any], Any]

OPERATIONS: Final[dict[tuple[str, str], Operation]] = {
    ("GET", "read/topology"): Instance.topology,
    ("GET", "read/get_time"): Instance.get_time,
    ("GET", "read/get_canister_http"): Instance.pending_outcalls,
    ("POST", "read/get_cycles"): Instance.get_cycles,
    ("POST", "read/get_stable_memory"): Instance.get_stable_memory,
    ("POST", "read/get_controllers"): Instance.get_controllers,
    ("POST", "read/get_subnet"): Instance.get_subnet,
    ("POST", "read/pub_key"): Instance.pub_key,
    ("POST", "read/query"): Instance.query,
    ("POST", "read/ingress_status"): Instance.call_status,
    ("POST", "update/submit_ingress_message"): Instance.submit,
    ("POST", "update/await_ingress_message"): Instance.await_call,
    ("POST", "update/set_time"): Instance.set_time,
    ("POST", "update/set_certified_time"): Instance.set_certified_time,
    ("POST", "update/tick"): Instance.tick,
    ("POST", "update/add_cycles"): Instance.add_cycles,
    ("POST", "update/set_stable_memory"): Instance.set_stable_memory,
    ("POST", "update/mock_canister_http"): Instance.mock_outcall,
    ("GET", "auto_progress"): Instance.is_live,
    ("POST", "auto_progress"): Instance.auto_progress,
    ("POST", "stop_progress"): Instance.stop_progress,
}
"""Operations of an instance, below `/instances/<number>/`: they run one at a time."""
NOT_MODELLED: Final = {
    "update/mock_flexible_canister_http",
    "update/delete_subnet",
    "update/canister_snapshot_download",
    "update/canister_snapshot_upload",
}
"""Operations of PocketIC's server that are refused by name."""
_AT_ONCE: Final = {"read/topology"}
_INSTANCE: Final = re.compile(r"/instances/([^/]*)(?:/(.*))?")


class Router:
    """Answers all requests to a server."""

    def __init__(self, instances: Instances) -> None:
        self._instances = instances
        self._table: tuple[tuple[str, tuple[str, ...], Callable[..., HttpResponse]], ...] = (
            ("GET", ("status",), lambda _: HttpResponse(status=200)),
            ("GET", ("instances",), self._list_instances),
            ("POST", ("instances",), self._create),
            ("GET", ("http_gateway",), self._list_gateways),
            ("POST", ("http_gateway",), self._create_gateway),
            ("POST", ("http_gateway", "*", "stop"), self._stop_gateway),
            ("POST", ("blobstore",), self._put_blob),
            ("GET", ("blobstore", "*"), self._get_blob),
            ("GET", ("read_graph", "*", "*"), _no_operation),
            ("DELETE", ("prune_graph", "*", "*"), _no_operation),
        )

    def handle(self, request: HttpRequest) -> HttpResponse:
        """Answer a request; whatever comes in, an answer goes out."""
        try:
            return self._route(replace(request, path=request.path.rstrip("/") or "/"))
        except ApiError as refusal:
            return json_response({"message": str(refusal)}, refusal.status)
        except RejectError as rejected:
            return json_response({"message": str(rejected)}, 400)
        except HarnessError as failure:
            return json_response({"message": str(failure)}, 500)
        except Exception as failure:  # reported; the other clients of the server go on
            LOG.exception("a request failed: %s %s", request.method, request.path[:200])
            return json_response(
                {"message": f"The server failed, which is a bug of ic-harness: {failure!r}"}, 500
            )

    def _route(self, request: HttpRequest) -> HttpResponse:
        if request.method == "OPTIONS":
            return HttpResponse(status=204)
        instance = _INSTANCE.fullmatch(request.path)
        if instance is not None:
            return self._instance(request, _number(instance[1]), instance[2] or "")
        return self._server(request)

    # --- the server -------------------------------------------------------------------------------------------

    def _server(self, request: HttpRequest) -> HttpResponse:
        parts = request.path.split("/")[1:]
        method = "GET" if request.method == "HEAD" else request.method
        for wanted, path, answer in self._table:
            if wanted == method and len(path) == len(parts):
                arguments = [part for part, name in zip(parts, path, strict=True) if name == "*"]
                if all(name in {"*", part} for part, name in zip(parts, path, strict=True)):
                    return answer(request, *arguments)
        raise ApiError(f"Nothing is served at {request.method} {request.path[:200]}", 404)

    def _list_instances(self, _: HttpRequest) -> HttpResponse:
        return json_response(self._instances.names())

    def _list_gateways(self, _: HttpRequest) -> HttpResponse:
        return json_response(self._instances.gateways.to_json())

    def _stop_gateway(self, _: HttpRequest, number: str) -> HttpResponse:
        self._instances.gateways.stop(_number(number))
        return json_response(None)

    def _put_blob(self, request: HttpRequest) -> HttpResponse:
        key = self._instances.blobs.put(request.body, request.headers.get("content-encoding"))
        return HttpResponse(status=200, headers={"content-type": "text/plain"}, body=key.encode())

    def _create(self, request: HttpRequest) -> HttpResponse:
        try:
            created = self._instances.create(fields.parse_body(request.body))
        except ApiError as refusal:
            return json_response({"Error": {"message": str(refusal)}}, refusal.status)
        return json_response({"Created": created}, 201)

    def _create_gateway(self, request: HttpRequest) -> HttpResponse:
        try:
            config = fields.record(fields.parse_body(request.body))
            number = _forwarded(config)
            instance = self._instances.find(number)
            gateway, port = self._instances.gateways.start(number, instance, config)
        except ApiError as refusal:
            return json_response({"Error": {"message": str(refusal)}}, refusal.status)
        return json_response({"Created": {"instance_id": gateway, "port": port}}, 201)

    def _get_blob(self, _: HttpRequest, key: str) -> HttpResponse:
        try:
            raw = bytes.fromhex(key)
        except ValueError:
            raise ApiError("Bad blob id: it is not hexadecimal") from None
        blob = self._instances.blobs.get(raw)
        if blob is None:
            raise ApiError("The blob store has no such blob", 404)
        encoding = {"content-encoding": "gzip"} if blob.gzipped else {}
        headers = {"content-type": "application/octet-stream", **encoding}
        return HttpResponse(status=200, headers=headers, body=blob.content)

    # --- one instance -----------------------------------------------------------------------------------------

    def _instance(self, request: HttpRequest, number: int, rest: str) -> HttpResponse:
        if request.method == "DELETE" and not rest:
            self._instances.delete(number)
            return HttpResponse(status=200)
        instance = self._instances.find(number)
        if rest.startswith("api/"):
            return instance.handle_api(replace(request, path=f"/{rest}"))
        if rest.startswith("_/"):
            return about_instance(instance, replace(request, path=f"/{rest}"))
        operation = OPERATIONS.get((request.method, rest))
        if operation is None:
            raise _unknown(request.method, rest)
        body = fields.parse_body(request.body)
        if rest in _AT_ONCE:
            return json_response(operation(instance, body))
        with instance.turn:
            self._instances.find(number)  # it may have been deleted while this request waited
            return json_response(operation(instance, body))


def _no_operation(_: HttpRequest, label: str, operation: str) -> HttpResponse:
    raise ApiError(
        f"Operation {label[:40]}/{operation[:40]} is not under way: operations are answered when they are done",
        404,
    )


def _forwarded(config: Mapping[str, Any]) -> int:
    """The number of the instance that a gateway is asked for."""
    target = fields.record(config.get("forward_to"), "`forward_to`")
    if "PocketIcInstance" not in target:
        raise ApiError('Gateways of this server forward to its own instances only: {"PocketIcInstance": n}')
    return fields.natural(target, "PocketIcInstance")


def _unknown(method: str, rest: str) -> ApiError:
    if rest in NOT_MODELLED:
        return ApiError(f"{rest} is not modelled by this server")
    if any(path == rest for _, path in OPERATIONS):
        return ApiError(f"{rest} is not served by {method[:20]}", 405)
    return ApiError(f"Nothing is served at /instances/<n>/{rest[:200]}", 404)


def _number(text: str) -> int:
    if not text.isascii() or not text.isdigit() or len(text) > MAX_DIGITS:
        raise ApiError(f"{text[:40]!r} is no number of an instance or gateway", 404)
    return int(text)
