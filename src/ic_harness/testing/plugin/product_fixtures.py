"""Fixtures of products, loaded only where a test names one.

A package names its fixtures in the entry-point group `ic_harness.fixtures`, each with the module that defines it:

    [project.entry-points."ic_harness.fixtures"]
    backend = "ic_capsule.plugin:backend"

That module becomes a plugin as soon as a test module, a `conftest.py` or a plugin of the project under test has the
name of one of its fixtures in its text. Tests of other canisters import nothing of the product.
"""

from __future__ import annotations

import re
from functools import cache
from importlib.metadata import entry_points
from pathlib import Path
from typing import Final

import pytest

GROUP: Final = "ic_harness.fixtures"
"""The entry-point group."""


class ProductFixtures:
    """Loads the plugins of products; one object for each pytest session."""

    def __init__(self, config: pytest.Config) -> None:
        self._config = config

    @pytest.hookimpl(tryfirst=True)
    def pytest_pycollect_makemodule(self, module_path: Path) -> None:
        """Load what a test module names, before its tests look for their fixtures."""
        self._load_for(module_path)

    def pytest_plugin_registered(self, plugin: object) -> None:
        """Load what a `conftest.py`, or a plugin that belongs to the project under test, names."""
        file = getattr(plugin, "__file__", None)
        if isinstance(file, str) and self._belongs_to_project(Path(file)):
            self._load_for(Path(file))

    def _belongs_to_project(self, path: Path) -> bool:
        if path.name == "conftest.py":
            return True
        return path.is_relative_to(self._config.rootpath) and "site-packages" not in path.parts

    def _load_for(self, path: Path) -> None:
        for module in sorted(_modules_named_in(path)):
            if not self._config.pluginmanager.has_plugin(module):
                self._config.pluginmanager.import_plugin(module)


def _modules_named_in(path: Path) -> set[str]:
    homes = _homes()
    if not homes:
        return set()
    try:
        text = path.read_text(encoding="utf-8", errors="replace")
    except OSError:  # pytest reports it
        return set()
    return {homes[word] for word in set(re.findall(r"\w+", text)) & set(homes)}


@cache
def _homes() -> dict[str, str]:
    """The module of each fixture by the fixture's name."""
    return {point.name: point.module for point in entry_points(group=GROUP)}
