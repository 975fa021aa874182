"""Runs our Wasm modules that rewrite canisters' modules: that of `metering` and that of `tracing`.

    buffer(length) -> address; write the input there; function(...) -> status; address() and length() of the output

The engine is set up apart from the replica's, as that of `ic_harness.protocol.bls_wasm`: bounds are checked by code,
so that no signal handlers are involved. Each rewriting has an instance of its own, which is dropped after it: what a
canister's module makes of its memory cannot reach the next one.
"""

from __future__ import annotations

import atexit
import threading
from typing import Any, Final

import wasmtime

from ic_harness.code_cache import CodeCache
from ic_harness.compiled_modules import load_own_module
from ic_harness.own_modules import own_module_digest

_SETTINGS_VERSION: Final = "1"
"""Changes with the engine's settings, so that code compiled with others is not used."""
_STACK: Final = 256 << 10
"""Bytes of stack that a rewriter may use; nothing in it is recursive."""
_DONE: Final = 0
_AGAINST_THE_RULES: Final = 2


class RewritingError(Exception):
    """A module cannot be rewritten; the text says why. `final`: it may not be one, and the text is for its owner."""

    def __init__(self, message: str, *, final: bool = False) -> None:
        self.final = final
        super().__init__(message)


class RewriterProgram:
    """A rewriter of modules, which all networks of the process share; any number of threads may run it.

    `name` is that of the Wasm module (`own_modules`), `function` that of its export which rewrites. Besides the
    rewritten module the rewriter writes what its exports `{beside}_address` and `{beside}_length` are about. `memory`
    is how many bytes of memory one rewriting may use.
    """

    def __init__(self, name: str, function: str, *, beside: str, memory: int) -> None:
        self._name = name
        self._function = function
        self._outputs = ("", f"{beside}_")
        self._memory = memory
        self._loaded: list[tuple[wasmtime.Engine, wasmtime.Module]] = []
        self._loading = threading.Lock()
        atexit.register(self._loaded.clear)  # while the engine's package is still whole

    def digest(self) -> str:
        """Return the start of the rewriter's SHA-256, for keys of what was made by it."""
        return own_module_digest(self._name)

    def run(self, content: bytes, *arguments: int, cache: CodeCache) -> tuple[bytes, bytes]:
        """Return the rewritten module, and what was written besides.

        `content` is the input, `arguments` are those of the rewriter's function. At first use the rewriter is
        compiled, or loaded from `cache`. Raises `RewritingError` when the rewriter refuses the module or fails.
        """
        try:
            status, output, beside = self._call(content, arguments, cache)
        except (wasmtime.Trap, wasmtime.WasmtimeError) as error:
            raise RewritingError(f"the rewriter failed: {str(error).splitlines()[0]}") from None
        if status != _DONE:
            raise RewritingError(output.decode(errors="replace"), final=status == _AGAINST_THE_RULES)
        return output, beside

    def _call(self, content: bytes, arguments: tuple[int, ...], cache: CodeCache) -> tuple[int, bytes, bytes]:
        engine, code = self._compiled(cache)
        store = wasmtime.Store(engine)
        store.set_limits(memory_size=self._memory)
        try:
            exports: Any = wasmtime.Instance(store, code, []).exports(store)
            memory = exports["memory"]
            memory.write(store, content, exports["buffer"](store, len(content)))
            status = exports[self._function](store, *arguments)
            output, beside = (
                bytes(memory.read(store, start, start + exports[f"{name}length"](store)))
                for name in self._outputs
                for start in [exports[f"{name}address"](store)]
            )
            return status, output, beside
        finally:
            store.close()

    def _compiled(self, cache: CodeCache) -> tuple[wasmtime.Engine, wasmtime.Module]:
        with self._loading:
            if not self._loaded:
                engine = wasmtime.Engine(_config())
                self._loaded.append(
                    (engine, load_own_module(engine, self._name, cache, settings=_SETTINGS_VERSION))
                )
            return self._loaded[0]


def _config() -> wasmtime.Config:
    config = wasmtime.Config()
    config.parallel_compilation = False
    config.signals_based_traps = False
    config.memory_reservation = 0
    config.memory_guard_size = 0
    config.memory_reservation_for_growth = 16 << 20
    config.max_wasm_stack = _STACK
    return config
