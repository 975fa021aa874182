"""The names of a module's functions: from its `name` section, demangled, and from its exports.

Names are the canister's own texts: they can be of any length and hold any character. Callers clean them before they
show them.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from typing import Final

from ic_harness.lazy_dataclass import dataclass

from .demangle import demangle
from .module import unpack
from .wasm_binary import Kind, WasmBinary, parse
from .wasm_reader import Reader, WasmDecodeError

_MODULE, _FUNCTIONS = 0, 1


@dataclass(frozen=True, slots=True)
class FunctionNames:
    """Names of a module: `module` is its own, `functions` by index; `exports` has entry points by index.

    `imported` functions come first in the index space, `defined` functions follow.
    """

    module: str
    functions: Mapping[int, str]
    exports: Mapping[int, str]
    imported: int
    defined: int

    def name(self, index: int) -> str:
        """Return the name of a function; one without a name is `function 17`."""
        return self.functions.get(index) or self.exports.get(index) or f"function {index}"

    def entry(self, index: int) -> str:
        """Return the name of a function that the system calls: that of its export, where it has one."""
        return self.exports.get(index) or self.name(index)


def read_function_names(wasm: bytes) -> FunctionNames:
    """Read the names of a valid module, plain or gzip; a broken `name` section has none. Raises `ModuleInvalid`."""
    binary = parse(unpack(wasm))
    module, functions = _names(binary)
    exports: dict[int, str] = {}
    for item in binary.exports:
        if item.kind is Kind.FUNCTION:
            known = exports.get(item.index)
            exports[item.index] = item.name if known is None else f"{known}, {item.name}"
    return FunctionNames(module, functions, exports, len(binary.imported_functions), len(binary.functions))


_LONGEST: Final = 2_000


def _names(binary: WasmBinary) -> tuple[str, dict[int, str]]:
    found: dict[int, str] = {}
    modules: list[str] = []
    for section in binary.sections:
        if section.name == "name":
            with suppress(WasmDecodeError):  # engines ignore a broken name section, too
                _read(Reader(section.content), modules, found)
    return "".join(modules[:1]), found


def _read(reader: Reader, modules: list[str], functions: dict[int, str]) -> None:
    """Read the parts of a name section until one is broken, which raises `WasmDecodeError`."""
    while not reader.done:
        kind, part = reader.byte(), Reader(reader.take(reader.number()))
        if kind == _MODULE:
            modules.append(part.text()[:_LONGEST])
        elif kind == _FUNCTIONS:
            for _ in range(part.count("names")):
                index = part.number()
                functions[index] = demangle(part.text())[: _LONGEST + 1]
