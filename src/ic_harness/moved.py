"""Former names of modules, which keep working for one release with a `DeprecationWarning`.

Packages that were part of `ic_harness` declare their new place in the entry-point group `ic_harness.moved`: the name of
an entry point is the former name below `ic_harness`, its value the new one. Modules that were renamed inside
`ic_harness` are in the table `RENAMED`, which needs no entry points. The former and the new name load the same module,
so a class imported by either name is the same class.
"""

from __future__ import annotations

import sys
import warnings
from collections.abc import Mapping, Sequence
from functools import cache
from importlib.machinery import ModuleSpec, SourceFileLoader
from types import CodeType, MappingProxyType, ModuleType
from typing import Final

FORMER: Final = frozenset({"backend", "bulk", "conformance", "pytest_plugin", "uploads"})
"""Former packages below `ic_harness`. Entry points are read only when one of these is imported."""
GROUP: Final = "ic_harness.moved"
"""The entry-point group with their new names."""
RENAMED: Final[Mapping[str, str]] = MappingProxyType(
    {
        "ic_harness.icrc.scene": "ic_harness.icrc.context",
        "ic_harness.testing.expectations": "ic_harness.testing.assertions",
        "ic_harness.testing.running": "ic_harness.testing.runner",
    }
)
"""Modules with a new name inside `ic_harness`, by their former full name."""


class MovedModules:
    """A finder for `sys.meta_path` (Python's import protocol, PEP 451) that resolves former names."""

    def find_spec(
        self, fullname: str, path: Sequence[str] | None = None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """Return a spec that loads the module under its new name; None for every name that was not moved."""
        del path, target
        name = _new_name(fullname)
        return _spec(fullname, name) if name is not None else None


class _Loader:
    """Puts the module with the new name into `sys.modules` under the former name."""

    def __init__(self, name: str) -> None:
        self._name = name

    def create_module(self, spec: ModuleSpec) -> None:
        """Return None: the import system makes an empty module, which `exec_module` replaces."""

    def exec_module(self, module: ModuleType) -> None:
        """Import the module by its new name. Raises what that import raises."""
        import importlib  # lazy: former names only  # noqa: PLC0415

        warnings.warn(
            f"{module.__name__} is now {self._name}; the former name will be removed in the next release",
            DeprecationWarning,
            stacklevel=2,
        )
        sys.modules[module.__name__] = importlib.import_module(self._name)

    def get_code(self, fullname: str) -> CodeType | None:
        """Return the code of the module with the new name, for `python -m` with the former one."""
        from importlib.util import find_spec  # lazy: former names only  # noqa: PLC0415

        del fullname
        found = find_spec(self._name)
        loader = found.loader if found is not None else None
        return loader.get_code(self._name) if isinstance(loader, SourceFileLoader) else None


def _spec(fullname: str, name: str) -> ModuleSpec | None:
    from importlib.util import find_spec  # lazy: former names only  # noqa: PLC0415

    found = find_spec(name)
    if found is None:
        return None
    spec = ModuleSpec(fullname, _Loader(name), origin=found.origin)  # type: ignore[arg-type]  # a duck of Loader
    spec.submodule_search_locations = found.submodule_search_locations
    return spec


def _new_name(fullname: str) -> str | None:
    """Return the new full name of a module; None for every name that was not moved."""
    package, _, rest = fullname.partition(".")
    if package != __package__:
        return None
    moved = _by_longest_prefix(rest, _targets()) if rest.partition(".")[0] in FORMER else None
    return _by_longest_prefix(moved or fullname, RENAMED) or moved


def _by_longest_prefix(name: str, table: Mapping[str, str]) -> str | None:
    """Replace the longest prefix of a dotted name that `table` has; None when it has none."""
    parts = name.split(".")
    for length in range(len(parts), 0, -1):
        target = table.get(".".join(parts[:length]))
        if target is not None:
            return ".".join([target, *parts[length:]])
    return None


@cache
def _targets() -> dict[str, str]:
    from importlib.metadata import entry_points  # lazy: former names only  # noqa: PLC0415

    return {point.name: point.value for point in entry_points(group=GROUP)}
