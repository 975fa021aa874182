"""HTML that cannot be injected into: a text becomes markup here or nowhere.

`tag("p", "a < b", class_="note")` returns `<p class="note">a &lt; b</p>`. Every child that is not `Markup` is a
text, cleaned and escaped; every attribute value likewise. No other module of this room joins strings to HTML.
"""

from __future__ import annotations

import html
import sys
from collections.abc import Iterable
from typing import Final

from ic_harness.text import clean

Attribute = str | int | float | bool | None

_VOID: Final = {"img", "input", "meta", "hr", "br", "link", "wbr"}


class Markup(str):
    """A text that is HTML already."""

    __slots__ = ()


def tag(name: str, /, *children: object, **attributes: Attribute) -> Markup:
    """Write an element. `class_` and `for_` are `class` and `for`, other underscores become hyphens.

    An attribute that is None or False is left out, one that is True is written without a value; a child that is None
    is left out, and an iterable child is replaced by its items.
    """
    head = f"{name}{''.join(_attribute(key, value) for key, value in attributes.items())}"
    if name in _VOID:
        return Markup(f"<{head}>")
    return Markup(f"<{head}>{join(*children)}</{name}>")


def join(*children: object) -> Markup:
    """Put markup and texts one after the other."""
    return Markup("".join(_child(child) for child in children))


def _child(child: object) -> str:
    if child is None:
        return ""
    if isinstance(child, Markup):
        return child
    if isinstance(child, Iterable) and not isinstance(child, str):
        return "".join(_child(item) for item in child)
    return html.escape(clean(str(child)), quote=False)


def _attribute(key: str, value: Attribute) -> str:
    if value is None or value is False:
        return ""
    name = key.rstrip("_").replace("_", "-")
    if value is True:
        return f" {name}"
    # Never cut: the address of an image is its data.
    text = f"{value:.6g}" if isinstance(value, float) else clean(str(value), max_line=sys.maxsize)
    return f' {name}="{html.escape(text)}"'
