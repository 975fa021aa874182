"""Who may use the page: callers with the token, or without one those on this machine; and no other site's scripts.

Without a token the server answers only under loopback names: a site whose name is made to lead to 127.0.0.1 (DNS
rebinding) names itself in the `Host` header. What changes something must come from the page itself: browsers name
the origin of such requests.
"""

from __future__ import annotations

import hashlib
import hmac
from typing import Final
from urllib.parse import urlsplit

from starlette.datastructures import MutableHeaders
from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

COOKIE: Final = "ic_bulk"
LOCAL: Final = "local"
_LOOPBACK: Final = frozenset({"localhost", "127.0.0.1", "::1"})
_HEADERS: Final = {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self';"
        " form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
}


class Access:
    """Middleware: refuses callers that may not, and adds the headers that keep a page to itself."""

    def __init__(self, app: ASGIApp, token: str | None) -> None:
        self._app = app
        self._token = token

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request, or refuse it."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        async def with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in _HEADERS.items():
                    headers.setdefault(name, value)
            await send(message)

        request = Request(scope)
        answer = self._refusal(request)
        await (self._app if answer is None else answer)(scope, receive, with_headers)

    def _refusal(self, request: Request) -> Response | None:
        host = request.headers.get("host", "")
        if self._token is None:
            if _name(host) not in _LOOPBACK:
                return _refused(421, f"this server answers on loopback names only, not on {host[:100]!r}")
        elif not self._knows_token(request):
            return self._login(request)
        if request.method not in {"GET", "HEAD"} and not _same_origin(request, host):
            return _refused(403, "the request comes from another site")
        return None

    def _knows_token(self, request: Request) -> bool:
        scheme, _, bearer = request.headers.get("authorization", "").partition(" ")
        if scheme.lower() == "bearer" and self._equals(bearer):
            return True
        return self._equals(request.cookies.get(COOKIE, ""))

    def _login(self, request: Request) -> Response:
        if request.method == "GET" and self._equals(request.query_params.get("token", "")):
            known = RedirectResponse(request.url.path, status_code=303)
            known.set_cookie(COOKIE, self._token or "", httponly=True, samesite="strict", max_age=30 * 86_400)
            return known
        answer = _refused(
            401, "a token is needed: open the address that `bulk serve` printed, or send it as Bearer"
        )
        answer.headers["WWW-Authenticate"] = "Bearer"
        return answer

    def _equals(self, told: str) -> bool:
        return hmac.compare_digest(told.encode(), (self._token or "").encode())


def user_of(request: Request) -> str:
    """Under which name a caller's uploads are counted: by what it proved to know, never by what it says."""
    proof = request.cookies.get(COOKIE) or request.headers.get("authorization", "")
    if not proof:
        return LOCAL
    client = request.client.host if request.client else ""
    return hashlib.sha256(f"{proof} {client}".encode()).hexdigest()[:16]


def _name(host: str) -> str:
    try:
        return (urlsplit(f"//{host}").hostname or "") if host.isprintable() else ""
    except ValueError:
        return ""


def _same_origin(request: Request, host: str) -> bool:
    origin, site = request.headers.get("origin"), request.headers.get("sec-fetch-site")
    if site is not None and site not in {"same-origin", "none"}:
        return False
    return origin is None or urlsplit(origin).netloc == host


def _refused(status: int, text: str) -> JSONResponse:
    return JSONResponse({"error": text}, status_code=status)
