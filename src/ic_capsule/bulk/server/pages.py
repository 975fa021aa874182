"""The page as the server writes it: complete as a table without scripts; scripts then make it live."""

from __future__ import annotations

import html
from pathlib import Path
from string import Template
from typing import Any, Final

from starlette.requests import Request
from starlette.responses import HTMLResponse, Response

from ic_harness.errors import InputError

from .feed import Feed

_FOLDER: Final = Path(__file__).with_name("page")
_PAGE_ROWS: Final = 100
_UNITS: Final = ("B", "kB", "MB", "GB")
FILES: Final = {
    "page.css": "text/css; charset=utf-8",
    "app.js": "text/javascript; charset=utf-8",
    "list.js": "text/javascript; charset=utf-8",
    "gallery.js": "text/javascript; charset=utf-8",
    "uploads.js": "text/javascript; charset=utf-8",
    "net.js": "text/javascript; charset=utf-8",
    "icon.svg": "image/svg+xml",
}


def asset(request: Request) -> Response:
    """A file of the page."""
    name = str(request.path_params["name"])
    if name not in FILES:
        raise InputError(f"the page has no file {name!r}")
    return Response(
        (_FOLDER / name).read_bytes(), media_type=FILES[name], headers={"Cache-Control": "no-cache"}
    )


def render(feed: Feed, page: int) -> HTMLResponse:
    """The page with the rows of page `page` (from 1) of the list, failures first."""
    progress = feed.progress()["stats"]
    listed = feed.rows((page - 1) * _PAGE_ROWS, _PAGE_ROWS)
    template = Template((_FOLDER / "index.html").read_text(encoding="utf-8"))
    pages = max(1, -(-int(listed["total"]) // _PAGE_ROWS))
    return HTMLResponse(
        template.substitute(
            uploaded=progress["uploaded"],
            processed=progress["processed"],
            embedded=progress["embedded"],
            total=progress["total"],
            images=progress["images"],
            most=max(1, progress["total"]),
            most_images=max(1, progress["images"]),
            failed=progress["failed"],
            failures="" if progress["failed"] else " hidden",
            rows="\n".join(_row(row) for row in listed["rows"]),
            empty="" if not listed["rows"] else " hidden",
            pager=_pager(page, pages),
        ),
        headers={"Cache-Control": "no-store"},
    )


def _row(row: dict[str, Any]) -> str:
    error = f'<p class="error">{_text(row["error"])}</p>' if row["error"] else ""
    action = ""
    if row["status"] == "failed":
        action = f'<form method="post" action="/files/{row["id"]}/retry"><button>Retry</button></form>'
    size = size_text(row["size"])
    return (
        f'<tr><th scope="row">{_text(row["name"])}{error}</th><td>{size}</td>'
        f'<td><span class="state {row["status"]}">{_text(row["words"])}</span></td><td>{action}</td></tr>'
    )


def _pager(page: int, pages: int) -> str:
    if pages == 1:
        return ""
    links = []
    if page > 1:
        links.append(f'<a rel="prev" href="/?page={page - 1}">Previous page</a>')
    links.append(f"<span>Page {page} of {pages}</span>")
    if page < pages:
        links.append(f'<a rel="next" href="/?page={page + 1}">Next page</a>')
    return " ".join(links)


def size_text(size: int) -> str:
    """A number of bytes as people read it."""
    value, unit = float(size), 0
    while value >= 1000 and unit < len(_UNITS) - 1:
        value, unit = value / 1000, unit + 1
    return f"{value:.0f} {_UNITS[unit]}" if unit == 0 or value >= 100 else f"{value:.1f} {_UNITS[unit]}"


def _text(text: str) -> str:
    return html.escape(text)
