"""The document around a page's content: one HTML file that needs nothing else, in the style of the report.

A content security policy with their digests allows the page its own style and script, and nothing else, so that a text
of the canister that got through the escaping would still be dead.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Sequence
from importlib.resources import files
from typing import Final

from ic_harness.testing.report.html.markup import Markup, join, tag

_STYLES: Final = ("report.css", "measured.css", "flame.css")


def document(
    title: str, *content: object, styles: Sequence[str] = (), script: str = "", pictures: bool = False
) -> str:
    """Return a page with `content` above the footer.

    `styles` are style sheets that follow that of the report, `script` is JavaScript that runs at the end of the page.
    Without it no script may run; without `pictures` no inline picture (`data:`) is shown.
    """
    own = (files(__package__).joinpath(name).read_text(encoding="utf-8") for name in _STYLES)
    style = "\n".join([*own, *styles])
    body = tag(
        "body",
        *content,
        tag("footer", tag("p", "Made by ic-harness. This file needs nothing else and sends nothing.")),
        tag("script", Markup(script)) if script else None,
    )
    head = tag("head", _head(title, style, _policy(style, script, pictures=pictures)))
    return f"<!DOCTYPE html>\n{tag('html', head, body, lang='en')}\n"


def _head(title: str, style: str, policy: str) -> Markup:
    return join(
        tag("meta", charset="utf-8"),
        tag("meta", http_equiv="Content-Security-Policy", content=policy),
        tag("meta", name="viewport", content="width=device-width, initial-scale=1"),
        tag("meta", name="color-scheme", content="light dark"),
        tag("meta", name="referrer", content="no-referrer"),
        tag("title", f"{title} · ic-harness"),
        tag("style", Markup(style)),
    )


def _policy(style: str, script: str, *, pictures: bool) -> str:
    rules = ["default-src 'none'"]
    if pictures:
        rules.append("img-src data:")
    rules.append(f"style-src '{_digest(style)}'")
    if script:
        rules.append(f"script-src '{_digest(script)}'")
    return "; ".join([*rules, "base-uri 'none'", "form-action 'none'"])


def _digest(text: str) -> str:
    return f"sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode('ascii')}"
