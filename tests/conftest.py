"""Plugins of the whole suite: pytest's own harness, and this package's plugin when it is not installed."""

from __future__ import annotations

from importlib.metadata import entry_points

INSTALLED = any(found.name == "ic_harness" for found in entry_points(group="pytest11"))

# Installed plugins load by themselves; a source tree on PYTHONPATH needs to be told.
pytest_plugins = ["pytester", *([] if INSTALLED else ["ic_harness.pytest_plugin"])]
