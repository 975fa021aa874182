"""What only a test network can do, over HTTP for programs that are not Python: JSON below `/_/`.

    GET  /_/status                        round, time, root key, canisters, whether rounds are held
    POST /_/time        {"set_ns": …} or {"advance_ns": …}
    POST /_/tick        {"rounds": 1}
    POST /_/hold, /_/release
    POST /_/snapshots                     {"snapshot": number}
    POST /_/restore     {"snapshot": …}   POST /_/forget {"snapshot": …}
    GET  /_/state_hash
    GET  /_/figures?since=0, /_/lines?since=0        {"next": …, "entries": […]}
    GET  /_/canisters/<id>
    POST /_/faults      {"harm": …, "endpoint": …, "method": …, "after": …, "times": …, "seconds": …}
    POST /_/faults/clear
    POST /_/latency     {"preset": "mainnet"} or figures
    POST /_/restart

Only clients on this machine are served, and no web page: a request that a browser makes in the name of a
page carries an Origin, or a Host that is not this machine.
"""

from __future__ import annotations

import ipaddress
import json
import re
from collections.abc import Callable, Mapping
from dataclasses import asdict
from typing import Any, Final
from urllib.parse import parse_qs

from ic_harness.errors import HarnessError
from ic_harness.principal import Principal
from ic_harness.replica.faults import Fault, Harm
from ic_harness.replica.latency import PRESETS, Latency, LatencyModel
from ic_harness.replica.replica import Replica
from ic_harness.replica.snapshots import NetworkSnapshot
from ic_harness.replica.wire import HttpProblem, HttpRequest, HttpResponse, problem

PREFIX: Final = "/_/"
_JSON: Final = {"content-type": "application/json"}


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
            return problem(refusal.status, refusal.text)
        except (HarnessError, KeyError, TypeError, ValueError) as refusal:
            status = 409 if isinstance(refusal, HarnessError) else 400
            return problem(status, f"{type(refusal).__name__}: {refusal}")

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
                return action(self, _body(request)) or {}
        raise HttpProblem(404, f"Nothing is served at {request.method} {request.path[:200]}")

    # --- reading --------------------------------------------------------------------------------------------

    def status(self, _since: int) -> dict[str, Any]:
        """What the network is and how far it has come."""
        world = self.replica.node.world
        return {
            "root_key": self.replica.root_key.hex(),
            "round": world.round,
            "time_ns": world.time_ns,
            "held": self.replica.is_held,
            "canisters": [str(Principal(canister_id)) for canister_id in sorted(world.canisters)],
        }

    def state_hash(self, _since: int) -> dict[str, Any]:
        """The hash of the state."""
        return {"state_hash": self.replica.state_hash().hex()}

    def figures(self, since: int) -> dict[str, Any]:
        """What messages cost."""
        following, entries = self.replica.figures(since)
        return {
            "next": following,
            "entries": [asdict(entry) | {"canister": str(entry.canister)} for entry in entries],
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

    def time(self, body: Mapping[str, Any]) -> dict[str, Any]:
        """Set or advance the time."""
        if "set_ns" in body:
            self.replica.set_time(int(body["set_ns"]))
        else:
            self.replica.advance_time(int(body["advance_ns"]))
        return {"time_ns": self.replica.clock.now_ns()}

    def tick(self, body: Mapping[str, Any]) -> dict[str, Any]:
        """Run rounds."""
        self.replica.tick(int(body.get("rounds", 1)))
        return {"round": self.replica.node.world.round}

    def hold(self, _body: Mapping[str, Any]) -> None:
        """Hold rounds."""
        self.replica.hold()

    def release(self, _body: Mapping[str, Any]) -> None:
        """Let rounds run again."""
        self.replica.release()

    def take_snapshot(self, _body: Mapping[str, Any]) -> dict[str, Any]:
        """Take a snapshot of the network."""
        self._taken += 1
        self._snapshots[self._taken] = self.replica.snapshot()
        return {"snapshot": self._taken}

    def restore(self, body: Mapping[str, Any]) -> None:
        """Go back to a snapshot."""
        self.replica.restore(self._snapshots[int(body["snapshot"])])

    def forget(self, body: Mapping[str, Any]) -> None:
        """Forget a snapshot."""
        self._snapshots.pop(int(body["snapshot"])).close()

    def order_fault(self, body: Mapping[str, Any]) -> None:
        """Order a fault."""
        self.replica.faults.order(Fault(**{**body, "harm": Harm(body["harm"])}))

    def clear_faults(self, _body: Mapping[str, Any]) -> None:
        """Take back all faults."""
        self.replica.faults.clear()

    def latency(self, body: Mapping[str, Any]) -> None:
        """Set the latency model."""
        model = PRESETS[body["preset"]] if "preset" in body else Latency(**body)
        self.replica.latency = LatencyModel(model) if model is not None else None

    def restart(self, _body: Mapping[str, Any]) -> None:
        """Restart the replica."""
        self.replica.restart()


_READERS: Final[dict[str, Callable[[Admin, int], Any]]] = {
    "status": Admin.status,
    "state_hash": Admin.state_hash,
    "figures": Admin.figures,
    "lines": Admin.lines,
}
_ACTIONS: Final[dict[str, Callable[[Admin, Mapping[str, Any]], Any]]] = {
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
    return int(parse_qs(request.query).get("since", ["0"])[0])


def _body(request: HttpRequest) -> Mapping[str, Any]:
    value = json.loads(request.body) if request.body else {}
    if not isinstance(value, dict):
        raise HttpProblem(400, "The body must be a JSON object")
    return value


def _json(value: Any) -> HttpResponse:
    return HttpResponse(status=200, headers=_JSON, body=json.dumps(value).encode())
