"""The assets of an uploaded photo, as read back from the canister."""

from __future__ import annotations

import base64
from typing import Final

from ic_harness.testing.report.html.icons import icon
from ic_harness.testing.report.html.markup import Markup, tag
from ic_harness.testing.report.words import number
from ic_harness.testing.results import Picture
from ic_harness.units import human_bytes

_SHOWN: Final = {"image/jpeg", "image/png", "image/webp", "image/gif", "image/avif"}
"""Pixels only: an SVG from a canister is a document, not a picture."""


def pictures(assets: tuple[Picture, ...]) -> Markup | None:
    """The gallery; None without pictures."""
    return tag("div", [_figure(asset) for asset in assets], class_="gallery") if assets else None


def _figure(asset: Picture) -> Markup:
    caption = tag(
        "figcaption",
        tag("h3", asset.asset),
        tag("p", f"{number(asset.width)} × {number(asset.height)} pixels"),  # noqa: RUF001 - times
        tag("p", f"{human_bytes(asset.size)}, {asset.mime}", class_="quiet"),
        tag("p", "shown larger than it is", class_="quiet") if _tiny(asset) else None,
    )
    return tag("figure", tag("div", _image(asset), class_="frame"), caption)


def _image(asset: Picture) -> Markup:
    if asset.mime not in _SHOWN or not asset.data:
        return tag("p", icon("skipped"), f" No picture to show for {asset.mime or 'an unknown type'}.")
    source = f"data:{asset.mime};base64,{base64.b64encode(asset.data).decode('ascii')}"
    return tag(
        "img",
        src=source,
        alt=f"The {asset.asset} as read back from the canister",
        width=asset.width or None,
        height=asset.height or None,
        class_="tiny" if _tiny(asset) else None,
    )


def _tiny(asset: Picture) -> bool:
    """A placeholder is made to be drawn large and blurred."""
    return 0 < asset.width < 100
