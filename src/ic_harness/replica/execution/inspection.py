"""Looking at a module without running it: what it is made of, and everything that keeps it from being a canister.

Installing reports the first rule that a module breaks; the judgement of a build needs all foreign imports at once,
and how large it is, before anything is installed.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import Final

import wasmtime

from ic_harness.lazy_dataclass import dataclass

from .compiler import Compiler
from .instrument import instrument
from .module import unpack
from .table import BY_NAME
from .validation import ModuleInvalid, validate
from .wasm_binary import Kind, WasmBinary, parse
from .wasm_reader import WasmDecodeError

_PREFIX: Final = "canister_"


@dataclass(frozen=True, slots=True, kw_only=True)
class ModuleFacts:
    """What a module is made of; sizes in bytes.

    `imports` are the names of `ic0` functions, `foreign` imports that no network offers, as `module.name`.
    `methods` maps a method to `update`, `query` or `composite_query`. `problem` is the first rule that is broken,
    in the words of the network; empty for a valid canister module. `hooks` are the exported entry points of the
    system, without prefix: `init`, `pre_upgrade`, `heartbeat`.
    """

    size: int
    unpacked: int
    functions: int
    imports: tuple[str, ...]
    foreign: tuple[str, ...]
    methods: Mapping[str, str]
    problem: str
    hooks: frozenset[str] = frozenset()

    @property
    def compressed(self) -> bool:
        """Whether the module came as gzip."""
        return self.size != self.unpacked


def inspect_module(wasm: bytes) -> ModuleFacts:
    """Take a module (plain or gzip) apart and check every rule. Raises `ModuleInvalid` for what is no Wasm."""
    plain = unpack(wasm)
    try:
        binary = parse(plain)
        methods, problem = _judged(binary)
    except WasmDecodeError as error:
        raise ModuleInvalid(f"Failed to decode wasm module: {error}") from None
    return ModuleFacts(
        size=len(wasm),
        unpacked=len(plain),
        functions=len(binary.functions),
        imports=tuple(sorted(item.name for item in binary.imports if item.module == "ic0")),
        foreign=tuple(_foreign(binary)),
        methods=methods,
        problem=problem,
        hooks=frozenset(_hooks(binary)),
    )


@cache
def _compiler() -> Compiler:
    # Kept for the life of the process: an engine must not outlive the compiler whose memories it calls back for.
    return Compiler()


def _hooks(binary: WasmBinary) -> list[str]:
    return [
        item.name.removeprefix(_PREFIX)
        for item in binary.exports
        if item.kind is Kind.FUNCTION and item.name.startswith(_PREFIX) and " " not in item.name
    ]


def _foreign(binary: WasmBinary) -> list[str]:
    return [
        f"{item.module}.{item.name}"
        for item in binary.imports
        if item.kind is not Kind.FUNCTION or item.module != "ic0" or item.name not in BY_NAME
    ]


def _judged(binary: WasmBinary) -> tuple[Mapping[str, str], str]:
    """The exported methods, and the first broken rule: those of canisters, then those of Wasm itself."""
    try:
        methods = validate(binary).methods
        # The engine sees the module as it would run: rewritten, so that its calls can be metered.
        wasmtime.Module.validate(_compiler().native, instrument(binary).wasm)
    except ModuleInvalid as error:
        return {}, error.message
    except wasmtime.WasmtimeError as error:
        return {}, f"Wasmtime failed to validate wasm module {error}"
    return methods, ""
