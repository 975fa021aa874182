"""Tests with Hypothesis: the network is put back after every example, not only after the test.

Hypothesis refuses fixtures of function scope, because they are made once for all examples. That is no harm for the
fixtures of ic-harness: the network restores what an example changed. So tests that use no others need not allow it.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, Final

import pytest

_SETTINGS: Final = "_hypothesis_internal_use_settings"
"""Where Hypothesis keeps the settings of a test, for its own plugin of pytest."""
_PACKAGES: Final = ("ic_harness.", "ic_capsule.", "_pytest.python")
"""Modules of fixtures that a restored network restores, and of parameters, which are fixtures to pytest."""


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtest_call(item: pytest.Item) -> Iterator[Any]:
    """Run a test; one of Hypothesis puts the network back after each of its examples."""
    handle = getattr(getattr(item, "obj", None), "hypothesis", None)
    network = getattr(item, "funcargs", {}).get("ic_network")
    if handle is None or network is None or not hasattr(handle, "inner_test"):
        return (yield)
    inner = handle.inner_test
    handle.inner_test = _restoring(inner, network)
    try:
        with _fixtures_allowed(item):
            return (yield)
    finally:
        handle.inner_test = inner


def _restoring(inner: Callable[..., Any], network: Any) -> Callable[..., Any]:
    @functools.wraps(inner)
    def example(*args: Any, **kwargs: Any) -> Any:
        with network.anchored():
            return inner(*args, **kwargs)

    return example


@contextmanager
def _fixtures_allowed(item: pytest.Item) -> Iterator[None]:
    """Let Hypothesis accept fixtures of function scope where all of them are put back with the network."""
    obj = getattr(item, "obj", None)
    function = getattr(obj, "__func__", obj)
    before = getattr(function, _SETTINGS, None)
    if before is None or not _only_ours(item):
        yield
        return
    from hypothesis import HealthCheck, settings  # lazy: only where it is used  # noqa: PLC0415

    allowed = [*before.suppress_health_check, HealthCheck.function_scoped_fixture]
    setattr(function, _SETTINGS, settings(before, suppress_health_check=allowed))
    try:
        yield
    finally:
        setattr(function, _SETTINGS, before)


def _only_ours(item: pytest.Item) -> bool:
    """Whether all fixtures of function scope that the test names are of ic-harness."""
    info = getattr(item, "_fixtureinfo", None)
    if info is None:
        return False
    for name in info.argnames:
        definitions = info.name2fixturedefs.get(name, ())
        for definition in definitions[-1:]:
            module = getattr(definition.func, "__module__", "") or ""
            if definition.scope == "function" and not module.startswith(_PACKAGES):
                return False
    return True
