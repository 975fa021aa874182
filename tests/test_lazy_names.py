"""Names of a package that load on first use."""

from __future__ import annotations

import importlib
import pkgutil

import pytest

import ic_harness.agent
import ic_harness.networks
from ic_harness.lazy_names import lazy_names

PACKAGES = (ic_harness.agent, ic_harness.networks)


@pytest.mark.parametrize("package", PACKAGES, ids=lambda package: package.__name__)
def test_every_public_name_loads(package):
    """What `__all__` promises is there, and a module of the same name does not hide it."""
    modules = {module.name for module in pkgutil.iter_modules(package.__path__)}
    assert modules & set(package.__all__) == set()
    for name in package.__all__:
        assert getattr(package, name) is not None, name


@pytest.mark.parametrize("package", PACKAGES, ids=lambda package: package.__name__)
def test_an_unknown_name_is_an_attribute_error(package):
    """As for any module; `hasattr` and `from package import module` rely on it."""
    with pytest.raises(AttributeError, match=f"{package.__name__!r} has no attribute 'frobnicate'"):
        package.frobnicate  # noqa: B018


def test_a_name_is_loaded_once(monkeypatch):
    """After the first use it is an ordinary attribute of the package."""
    name = "Deadline"
    load = lazy_names("ic_harness.networks", {name: ".deadline"})
    package = importlib.import_module("ic_harness.networks")
    assert load(name) is package.Deadline
    monkeypatch.delattr(package, name)
