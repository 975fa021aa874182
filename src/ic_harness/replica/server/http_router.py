"""Which part of the replica a request over HTTP is for: the interface, the admin routes, or a web page."""

from __future__ import annotations

from ic_harness.replica.gateway import Gateway
from ic_harness.replica.http.http_messages import HttpRequest, HttpResponse
from ic_harness.replica.replica import Replica
from ic_harness.replica.server import admin


class HttpRouter:
    """The one door of a served replica."""

    def __init__(self, replica: Replica) -> None:
        self.replica = replica
        self._admin = admin.Admin(replica)
        self._gateway = Gateway(replica)

    def handle(self, request: HttpRequest) -> HttpResponse:
        """Answer any request. Raises `TransportError` where an ordered fault loses it."""
        if request.path.startswith("/api/"):
            return self.replica.handle(request)
        if request.path.startswith(admin.PREFIX):
            return self._admin.handle(request)
        return self._gateway.handle(request)
