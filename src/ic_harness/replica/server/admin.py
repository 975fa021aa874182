"""What only a test network can do, over HTTP for programs that are not Python: JSON below `/_/`.

    GET  /_/status                        round, time, root key, canisters, fees, whether rounds are held
    GET  /_/topology                      subnets and default_effective_canister_id, in PocketIC's form
    POST /_/time        {"set_ns": …} or {"advance_ns": …}
    POST /_/tick        {"rounds": 1}
    POST /_/hold, /_/release
    POST /_/snapshots                     {"snapshot": number}
    POST /_/restore     {"snapshot": …}   POST /_/forget {"snapshot": …}
    GET  /_/state_hash
    GET  /_/figures?since=0, /_/lines?since=0        {"next": …, "entries": […]}
    GET  /_/canisters/<id>
    POST /_/faults      {"kind": …, "endpoint": …, "method": …, "after": …, "times": …, "seconds": …}
    POST /_/faults/clear
    POST /_/latency     {"preset": "mainnet"} or figures
    POST /_/restart

Only clients on this machine are served, and no web page: a request that a browser makes in the name of a
page carries an Origin, or a Host that is not this machine. What a request says wrongly is answered 400 with one
sentence (`admin_fields`), what cannot be done now 409.
"""

from __future__ import annotations

import ipaddress
import json
import re
from collections.abc import Callable
from dataclasses import asdict, replace
from typing import Any, Final
from urllib.parse import parse_qs

from ic_harness.errors import HarnessError, InputError
from ic_harness.principal import Principal
from ic_harness.replica.http.http_messages import HttpProblem, HttpRequest, HttpResponse, error_response
from ic_harness.replica.replica import Replica
from ic_harness.replica.rounds.metrics import ExecutionMetrics
from ic_harness.replica.server.admin_fields import Fields, json_object
from ic_harness.replica.server.topology import topology
from ic_harness.replica.state.clock import MAX_TIME
from ic_harness.replica.state.latency_profile import PRESETS, Latency
from ic_harness.replica.testing.faults import Fault, FaultKind
from ic_harness.replica.testing.latency import LatencyModel
from ic_harness.replica.testing.network_snapshots import NetworkSnapshot

PREFIX: Final = "/_/"
_JSON: Final = {"content-type": "application/json"}
_ENDPOINTS: Final = ("call", "query", "read_state", "status")
_MAX_ROUNDS: Final = 10_000
_MAX_DIGITS: Final = 18
_MANY: Final = 1_000_000_000


class Admin:
    """Answers admin requests of one replica; remembers the snapshots that were taken through it."""

    def __init__(self, replica: Replica) -> None:
        self.replica = replica
        self._snapshots: dict[int, NetworkSnapshot] = {}
        self._taken = 0

    def handle(self, request: HttpRequest) -> HttpResponse:
        """Answer a request; bad input is 400, an impossible wish 409."""
        try:
            check_local(request)
            return _json(self._route(request))
        except HttpProblem as refusal:
            return error_response(refusal.status, refusal.text)
        except InputError as refusal:
            return error_response(400, str(refusal))
        except HarnessError as refusal:
            return error_response(409, f"{type(refusal).__name__}: {refusal}")

    def _route(self, request: HttpRequest) -> Any:
        path = request.path.removeprefix(PREFIX).rstrip("/")
        if request.method == "GET":
            match = re.fullmatch(r"canisters/([a-z0-9-]+)", path)
            if match:
                return self._canister(match[1])
            reader = _READERS.get(path)
            if reader is not None:
                return reader(self, _since(request))
        elif request.method == "POST":
            action = _ACTIONS.get(path)
            if action is not None:
                return action(self, Fields(json_object(request.body))) or {}
        raise HttpProblem(404, f"Nothing is served at {request.method} {request.path[:200]}")

    # --- reading --------------------------------------------------------------------------------------------

    def status(self, _since: int) -> dict[str, Any]:
        """What the network is and how far it has come."""
        state = self.replica.node.state
        return {
            "root_key": self.replica.root_key.hex(),
            "round": state.round,
            "time_ns": state.time_ns,
            "held": self.replica.is_held,
            "nodes": self.replica.node.subnet.nodes,
            "cost_schedule": str(self.replica.node.subnet.cost_schedule),
            "canisters": [
                str(Principal(canister_id))
                for node in self.replica.nodes.all
                for canister_id in sorted(node.state.canisters)
            ],
        }

    def topology(self, _since: int) -> dict[str, Any]:
        """Return the subnets with their canister ranges."""
        return topology(self.replica.nodes.registry)

    def state_hash(self, _since: int) -> dict[str, Any]:
        """The hash of the state."""
        return {"state_hash": self.replica.state_hash().hex()}

    def figures(self, since: int) -> dict[str, Any]:
        """What messages cost."""
        following, entries = self.replica.figures(since)
        return {
            "next": following,
            "entries": [_metrics(entry) for entry in entries],
        }

    def lines(self, since: int) -> dict[str, Any]:
        """What canisters printed."""
        following, entries = self.replica.lines(since)
        return {
            "next": following,
            "entries": [
                {"canister": str(entry.canister), "time_ns": entry.time_ns, "text": entry.text}
                for entry in entries
            ],
        }

    def _canister(self, text: str) -> dict[str, Any]:
        canister = self.replica.canister(text)
        return {
            "status": canister.status.name.lower(),
            "version": canister.version,
            "cycles": canister.cycles,
            "module_hash": canister.module_hash.hex() or None,
            "controllers": [str(Principal(raw)) for raw in canister.settings.controllers],
            "open_calls": len(canister.contexts),
            "logs": [record.content.decode(errors="replace") for record in canister.logs],
        }

    # --- acting ---------------------------------------------------------------------------------------------

    def time(self, fields: Fields) -> dict[str, Any]:
        """Set or advance the time."""
        if "set_ns" in fields:
            value = fields.integer("set_ns", 0, MAX_TIME)
            fields.done()
            self.replica.set_time(value)
        else:
            value = fields.integer("advance_ns", 0, MAX_TIME)
            fields.done()
            self.replica.advance_time(value)
        return {"time_ns": self.replica.clock.now_ns()}

    def tick(self, fields: Fields) -> dict[str, Any]:
        """Run rounds."""
        rounds = fields.integer("rounds", 0, _MAX_ROUNDS, 1)
        fields.done()
        self.replica.tick(rounds)
        return {"round": self.replica.node.state.round}

    def hold(self, fields: Fields) -> None:
        """Hold rounds."""
        fields.done()
        self.replica.hold()

    def release(self, fields: Fields) -> None:
        """Let rounds run again."""
        fields.done()
        self.replica.release()

    def take_snapshot(self, fields: Fields) -> dict[str, Any]:
        """Take a snapshot of the network."""
        fields.done()
        self._taken += 1
        self._snapshots[self._taken] = self.replica.snapshot()
        return {"snapshot": self._taken}

    def restore(self, fields: Fields) -> None:
        """Go back to a snapshot."""
        self.replica.restore(self._snapshots[self._snapshot_of(fields)])

    def forget(self, fields: Fields) -> None:
        """Forget a snapshot."""
        self._snapshots.pop(self._snapshot_of(fields)).close()

    def _snapshot_of(self, fields: Fields) -> int:
        number = fields.integer("snapshot", 1, max(1, self._taken))
        fields.done()
        if number not in self._snapshots:
            raise HttpProblem(400, f"There is no snapshot {number}, or it was forgotten")
        return number

    def order_fault(self, fields: Fields) -> None:
        """Order a fault."""
        default = Fault(kind=FaultKind(fields.choice("kind", [*FaultKind])))
        anywhere = fields.is_null("endpoint")
        fault = replace(
            default,
            endpoint=None
            if anywhere
            else (fields.choice("endpoint", _ENDPOINTS) if "endpoint" in fields else default.endpoint),
            method=fields.text("method"),
            after=fields.integer("after", 0, _MANY, default.after),
            times=fields.integer("times", 1, _MANY, default.times),
            seconds=fields.seconds("seconds"),
        )
        fields.done()
        self.replica.faults.order(fault)

    def clear_faults(self, fields: Fields) -> None:
        """Take back all faults."""
        fields.done()
        self.replica.faults.clear()

    def latency(self, fields: Fields) -> None:
        """Set the latency model."""
        if "preset" in fields:
            model = PRESETS[fields.choice("preset", PRESETS)]
        else:
            model = Latency(
                one_way_s=fields.seconds("one_way_s"),
                block_interval_s=fields.seconds("block_interval_s"),
                block_bytes=fields.integer("block_bytes", 1, 1 << 40, Latency().block_bytes),
                finality_s=fields.seconds("finality_s"),
            )
        fields.done()
        self.replica.latency = LatencyModel(model) if model is not None else None

    def restart(self, fields: Fields) -> None:
        """Restart the replica."""
        fields.done()
        self.replica.restart()


_READERS: Final[dict[str, Callable[[Admin, int], Any]]] = {
    "status": Admin.status,
    "topology": Admin.topology,
    "state_hash": Admin.state_hash,
    "figures": Admin.figures,
    "lines": Admin.lines,
}
_ACTIONS: Final[dict[str, Callable[[Admin, Fields], Any]]] = {
    "time": Admin.time,
    "tick": Admin.tick,
    "hold": Admin.hold,
    "release": Admin.release,
    "snapshots": Admin.take_snapshot,
    "restore": Admin.restore,
    "forget": Admin.forget,
    "faults": Admin.order_fault,
    "faults/clear": Admin.clear_faults,
    "latency": Admin.latency,
    "restart": Admin.restart,
}


def check_local(request: HttpRequest) -> None:
    """Serve this machine's programs only, not the pages of its browsers. Raises `HttpProblem` 403."""
    host = re.sub(r":\d+$", "", request.headers.get("host", "localhost"))
    if "origin" in request.headers or not _is_local(host):
        raise HttpProblem(403, "The admin interface is not for web pages")
    if request.client is not None and not _is_local(request.client):
        raise HttpProblem(403, "The admin interface is for programs on the same machine")


def _is_local(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False


def _since(request: HttpRequest) -> int:
    text = parse_qs(request.query).get("since", ["0"])[0]
    if not text.isascii() or not text.isdigit() or len(text) > _MAX_DIGITS:
        raise HttpProblem(400, f"`since` must be a whole number of at most {_MAX_DIGITS} digits")
    return int(text)


def _metrics(entry: ExecutionMetrics) -> dict[str, Any]:
    fields = asdict(entry)
    del fields["canister_id"]
    return {"canister": str(entry.canister), **fields}


def _json(value: Any) -> HttpResponse:
    return HttpResponse(status=200, headers=_JSON, body=json.dumps(value).encode())
