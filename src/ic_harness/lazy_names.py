"""Public names of a package that load on first use (PEP 562), so that start-up pays only for what a program needs."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from importlib import import_module
from typing import Any


def lazy_names(package: str, names: Mapping[str, str]) -> Callable[[str], Any]:
    """Return the `__getattr__` of `package`: `names` maps a public name to its module, absolute or relative.

    A name is loaded once; then it is an ordinary attribute of the package. No name may be that of a module in the
    package, for the import system sets an attribute of that name itself.
    """

    def load(name: str) -> Any:
        if name not in names:
            raise AttributeError(f"module {package!r} has no attribute {name!r}")
        value = getattr(import_module(names[name], package), name)
        setattr(sys.modules[package], name, value)
        return value

    return load
