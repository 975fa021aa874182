"""Compiled modules are taken from the cache when the engine can run them, and compiled otherwise."""

from __future__ import annotations

from importlib.metadata import version

import pytest
import wasmtime

from ic_harness.code_cache import CodeCache
from ic_harness.compiled_modules import load_compiled, load_or_compile, load_own_module, wasmtime_version
from ic_harness.errors import InputError


@pytest.fixture
def engine():
    """An engine with the settings that it has by default."""
    return wasmtime.Engine()


@pytest.fixture
def cache(tmp_path):
    """An empty cache."""
    return CodeCache(tmp_path)


class Compilation:
    """Compiles an empty module, and counts how often."""

    def __init__(self, engine: wasmtime.Engine) -> None:
        self.count = 0
        self._engine = engine

    def __call__(self) -> wasmtime.Module:
        self.count += 1
        return wasmtime.Module(self._engine, "(module)")


def test_a_module_is_compiled_once(engine, cache):
    """What is stored under a key is loaded by the next caller; another key has its own code."""
    compilation = Compilation(engine)
    for _ in range(2):
        load_or_compile(engine, "a", cache, compilation)
    assert compilation.count == 1
    assert load_compiled(engine, "a", cache) is not None
    assert load_compiled(engine, "b", cache) is None
    load_or_compile(engine, "b", cache, compilation)
    assert compilation.count == 2


def test_without_a_folder_nothing_is_kept(engine):
    """A cache that keeps nothing compiles for every caller."""
    compilation = Compilation(engine)
    for _ in range(2):
        load_or_compile(engine, "a", CodeCache(None), compilation)
    assert compilation.count == 2


def test_code_of_other_settings_is_replaced(engine, cache):
    """Code that this engine cannot run is compiled anew, and stored in place of the other."""
    config = wasmtime.Config()
    config.consume_fuel = True
    other = wasmtime.Engine(config)
    load_or_compile(other, "a", cache, Compilation(other))
    compilation = Compilation(engine)
    assert load_compiled(engine, "a", cache) is None
    load_or_compile(engine, "a", cache, compilation)
    assert compilation.count == 1
    assert load_compiled(engine, "a", cache) is not None


def test_code_that_is_none_is_replaced(engine, cache):
    """Other bytes under the key are not run."""
    cache.store("a", b"no code")
    load_or_compile(engine, "a", cache, Compilation(engine))
    assert load_compiled(engine, "a", cache) is not None


def test_errors_of_the_compilation_are_passed_on(engine, cache, tmp_path):
    """A module that cannot be compiled leaves nothing in the cache."""

    def fails() -> wasmtime.Module:
        raise InputError("not today")

    with pytest.raises(InputError, match="not today"):
        load_or_compile(engine, "a", cache, fails)
    assert list(tmp_path.iterdir()) == []


def test_own_modules_are_kept_by_settings(engine, cache, tmp_path):
    """Each name and version of the engine's settings has compiled code of its own."""
    for settings in ("1", "1", "2"):
        load_own_module(engine, "metering", cache, settings=settings)
    names = sorted(path.name for path in tmp_path.iterdir())
    assert [name.rpartition("-")[2] for name in names] == ["1", "2"]
    assert {name.partition("-")[0] for name in names} == {"metering"}
    with pytest.raises(InputError, match=r"no none\.wasm\.gz"):
        load_own_module(engine, "none", cache, settings="1")


def test_the_version_of_wasmtime(tmp_path, monkeypatch):
    """It is that of the installed distribution, also where the folder of metadata is not beside the package."""
    assert wasmtime_version.__wrapped__() == version("wasmtime")
    monkeypatch.setattr(wasmtime, "__file__", str(tmp_path / "wasmtime" / "__init__.py"))
    assert wasmtime_version.__wrapped__() == version("wasmtime")
