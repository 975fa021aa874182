"""Compiled Wasm modules: loaded from the code cache, or compiled and stored there."""

from __future__ import annotations

import platform
from collections.abc import Callable
from functools import cache
from pathlib import Path

import wasmtime

from .code_cache import CodeCache
from .own_modules import own_module_digest, read_own_module


@cache
def wasmtime_version() -> str:
    """Return the version of the installed wasmtime.

    It is in the name of the folder of metadata beside the package. To read it from the metadata themselves,
    `importlib.metadata` loads a parser of e-mail messages, which takes 25 ms.
    """
    folders = list(Path(wasmtime.__file__).parents[1].glob("wasmtime-*.dist-info"))
    if len(folders) == 1:
        return folders[0].name.removeprefix("wasmtime-").removesuffix(".dist-info")
    from importlib.metadata import version  # lazy: start-up time  # noqa: PLC0415

    return version("wasmtime")


def engine_version() -> str:
    """Return the version of wasmtime and the kind of processor, for keys of compiled code."""
    return f"{wasmtime_version()}-{platform.machine()}"


def load_compiled(engine: wasmtime.Engine, key: str, cache: CodeCache) -> wasmtime.Module | None:
    """Return the module stored under `key`; None when there is none, or none that this engine can run."""
    stored = cache.load(key)
    if stored is None:
        return None
    try:
        return wasmtime.Module.deserialize(engine, stored)
    except wasmtime.WasmtimeError:  # made by an engine of other settings or for another processor
        return None


def load_or_compile(
    engine: wasmtime.Engine, key: str, cache: CodeCache, compile_module: Callable[[], wasmtime.Module]
) -> wasmtime.Module:
    """Return the module stored under `key`, or else the result of `compile_module`, which is stored there.

    Errors of `compile_module` are passed on.
    """
    loaded = load_compiled(engine, key, cache)
    if loaded is not None:
        return loaded
    compiled = compile_module()
    cache.store(key, bytes(compiled.serialize()))
    return compiled


def load_own_module(
    engine: wasmtime.Engine, name: str, cache: CodeCache, *, settings: str
) -> wasmtime.Module:
    """Return the compiled module `name` of `own_modules`.

    `settings` names the engine's settings, so that code compiled with others is not used. Raises `InputError` when the
    module is missing.
    """
    key = f"{name}-{own_module_digest(name)}-{engine_version()}-{settings}"
    return load_or_compile(engine, key, cache, lambda: wasmtime.Module(engine, read_own_module(name)))
