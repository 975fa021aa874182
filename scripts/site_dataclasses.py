"""Griffe extension of the site: shows classes of `ic_harness.lazy_dataclass` as data classes, with their signatures."""

from __future__ import annotations

from typing import Any

import griffe

OURS = "ic_harness.lazy_dataclass.dataclass"
STANDARD = "dataclasses.dataclass"


class LazyDataclasses(griffe.Extension):
    """Resolves our decorator to the standard one, which griffe knows."""

    def on_alias_instance(self, *, alias: griffe.Alias, **_: Any) -> None:
        """Replace the target of an import of our decorator."""
        if alias.target_path == OURS:
            alias.target_path = STANDARD
