"""`/_/topology` and `/_/dashboard` of an instance."""

from __future__ import annotations

import html
import json
from typing import Any, Final

from ic_harness.pocket_ic.instance import Instance
from ic_harness.principal import Principal
from ic_harness.replica import HttpRequest, HttpResponse

JSON: Final = {"content-type": "application/json"}
_HTML: Final = {"content-type": "text/html; charset=utf-8"}


def json_response(value: Any, status: int = 200) -> HttpResponse:
    """An answer in JSON."""
    return HttpResponse(status=status, headers=JSON, body=json.dumps(value).encode())


def about_instance(instance: Instance, request: HttpRequest) -> HttpResponse:
    """Answer a request below `/_/`."""
    if request.method not in {"GET", "HEAD"}:
        return json_response({"message": "This path is read by GET"}, 405)
    match request.path.rstrip("/"):
        case "/_/topology":
            return json_response(instance.topology())
        case "/_/dashboard":
            return HttpResponse(status=200, headers=_HTML, body=_dashboard(instance).encode())
    return json_response({"message": f"Nothing is served at {request.path[:200]}"}, 404)


def _dashboard(instance: Instance) -> str:
    rows = "".join(_row(instance, canister_id) for canister_id in instance.replica.canister_ids())
    return (
        "<!DOCTYPE html><html><head><title>PocketIC Dashboard</title></head><body><h1>PocketIC Dashboard</h1>"
        f"<table><tr><th>Canister</th><th>Status</th><th>Cycles</th><th>Module</th></tr>{rows}</table></body></html>"
    )


def _row(instance: Instance, canister_id: Principal) -> str:
    canister = instance.replica.canister(canister_id)
    cells = (
        str(canister_id),
        canister.status.name.lower(),
        f"{canister.cycles:,}",
        canister.module_hash.hex(),
    )
    return f"<tr>{''.join(f'<td>{html.escape(cell)}</td>' for cell in cells)}</tr>"
