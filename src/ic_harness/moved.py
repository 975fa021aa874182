"""Former names of modules, which keep working for one release with a `DeprecationWarning`.

Packages that were part of `ic_harness` say in the entry-point group `ic_harness.moved` where they are now: the name of
an entry point is the former name below `ic_harness`, its value the new one. The old name and the new one are the same
module, so that a class imported by either is the same class.
"""

from __future__ import annotations

import sys
import warnings
from collections.abc import Sequence
from functools import cache
from importlib.machinery import ModuleSpec, SourceFileLoader
from types import CodeType, ModuleType
from typing import Final

FORMER: Final = frozenset({"backend", "bulk", "conformance", "pytest_plugin", "uploads"})
"""Former rooms of this package. Only imports of these are looked up."""
GROUP: Final = "ic_harness.moved"
"""The entry-point group that says where they are."""


class MovedModules:
    """A finder for `sys.meta_path` (Python's import protocol, PEP 451) that resolves former names."""

    def find_spec(
        self, fullname: str, path: Sequence[str] | None = None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """Return a spec that loads the module under its new name; None for every name that was not moved."""
        del path, target
        package, _, rest = fullname.partition(".")
        if package != __package__ or rest.partition(".")[0] not in FORMER:
            return None
        name = _new_name(rest)
        return _spec(fullname, name) if name is not None else None


class _Loader:
    """Puts the module of the new name into `sys.modules` under the old one."""

    def __init__(self, name: str) -> None:
        self._name = name

    def create_module(self, spec: ModuleSpec) -> None:
        """Let the import system make an empty module, which `exec_module` replaces."""

    def exec_module(self, module: ModuleType) -> None:
        """Import the new name. Raises what that import raises."""
        import importlib  # lazy: former names only  # noqa: PLC0415

        warnings.warn(
            f"{module.__name__} is now {self._name}; the former name goes with the next release",
            DeprecationWarning,
            stacklevel=2,
        )
        sys.modules[module.__name__] = importlib.import_module(self._name)

    def get_code(self, fullname: str) -> CodeType | None:
        """Return the code of the module of the new name, for `python -m` with the old one."""
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


def _new_name(rest: str) -> str | None:
    """The new name of `ic_harness.<rest>`: by the longest former name that `rest` begins with."""
    targets = _targets()
    parts = rest.split(".")
    for length in range(len(parts), 0, -1):
        target = targets.get(".".join(parts[:length]))
        if target is not None:
            return ".".join([target, *parts[length:]])
    return None


@cache
def _targets() -> dict[str, str]:
    from importlib.metadata import entry_points  # lazy: former names only  # noqa: PLC0415

    return {point.name: point.value for point in entry_points(group=GROUP)}
