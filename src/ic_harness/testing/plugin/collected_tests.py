"""Which tests there are, to tell a test that was deleted from one that was not selected.

A collector reports everything in its file, whatever the command line selects of it. Under pytest-xdist the workers
collect, and send what they saw at their end.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any, Final

import pytest

from ic_harness.testing.gas import name_of_test

KEY: Final = "ic_collected"
"""The key of a worker's collected tests in its `workeroutput`."""


class CollectedTests:
    """The ids of what each file and class has in it, as far as it was collected without an error."""

    def __init__(self, config: pytest.Config) -> None:
        self._config = config
        self.children: dict[str, set[str]] = {}

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        """Note what a file or class has in it."""
        if report.passed:
            self.add(report.nodeid, [node.nodeid for node in report.result or ()])

    def add(self, parent: str, children: Iterable[str]) -> None:
        """Note that `parent` has these children and no others."""
        found = {name_of_test(child) for child in children if "::" in child}
        if found or parent.endswith(".py") or "::" in parent:
            self.children.setdefault(name_of_test(parent), set()).update(found)

    def pytest_sessionfinish(self) -> None:
        """Send what a worker has seen to the controller."""
        output = vars(self._config).get("workeroutput")
        if output is not None:
            output[KEY] = {parent: sorted(children) for parent, children in self.children.items()}

    @pytest.hookimpl(optionalhook=True)
    def pytest_testnodedown(self, node: Any) -> None:
        """Take what a worker has seen."""
        for parent, children in getattr(node, "workeroutput", {}).get(KEY, {}).items():
            self.add(parent, children)

    def is_gone(self, name: str, root: Path) -> bool:
        """Whether there is no test of this name any more (see `name_of_test`); False where nothing is known."""
        file, _, rest = name.partition("::")
        if file not in self.children and not (root / file).exists():
            return True
        base, bracket, parameters = rest.partition("[")
        *classes, function = base.split("::")
        parent = file
        for part in (*classes, f"{function}{bracket}{parameters}"):
            known = self.children.get(parent)
            if known is None:
                return False
            parent = f"{parent}::{part}"
            if parent not in known:
                return True
        return False
