"""What makes a Wasm module a canister module.

Interface specification, "Canister module format", and the network's limits.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping

from ic_harness.errors import ReplicaError
from ic_harness.lazy_dataclass import dataclass

from .host import wasm_types
from .table import BY_NAME
from .wasm_binary import FunctionType, Kind, SectionId, WasmBinary
from .wasm_reader import EXTERNREF, FUNCREF

MAX_FUNCTIONS = 50_000
MAX_GLOBALS = 1_000
MAX_TABLES = 1
MAX_TABLE_ELEMENTS = 1_000_000
"""The network gives each canister a store with these limits (embedders, `MAX_STORE_TABLES`); a table that may grow
further is cut by `instrument`, so that `table.grow` past the limit returns -1 as it does there."""
MAX_CUSTOM_SECTIONS = 16
MAX_CUSTOM_BYTES = 1 << 20
MAX_METHODS = 1_000
MAX_METHOD_NAMES = 20_000
MAX_CODE = 10 << 20
MAX_MODULE = 100 << 20
MAX_BODY = 1_000_000

_ENTRY_POINTS = frozenset({
    "canister_init", "canister_inspect_message", "canister_pre_upgrade", "canister_post_upgrade",
    "canister_heartbeat", "canister_global_timer", "canister_on_low_wasm_memory",
})  # fmt: skip
_METHOD_KINDS = ("update", "query", "composite_query")


class ModuleInvalid(ReplicaError):  # noqa: N818  the specification's word
    """A Wasm module cannot be a canister; `message` goes after "Canister's Wasm module is not valid: "."""

    def __init__(self, message: str) -> None:
        self.message = message
        super().__init__(message)


@dataclass(frozen=True, slots=True)
class CustomSection:
    """A section that `read_state` serves: to everybody or to controllers only."""

    public: bool
    content: bytes


@dataclass(frozen=True, slots=True)
class Interface:
    """What a valid module offers."""

    methods: Mapping[str, str]
    custom_sections: Mapping[str, CustomSection]
    is_64: bool


def validate(binary: WasmBinary, *, limit_names: bool = True) -> Interface:
    """Check every rule; raises ModuleInvalid with the first that is broken.

    Without `limit_names` there may be any number of methods, with names of any length.
    """
    _check_sizes(binary)
    is_64 = _check_memory(binary)
    _check_tables(binary)
    _check_imports(binary, is_64=is_64)
    _check_globals(binary)
    methods = _check_exports(binary, limit_names=limit_names)
    return Interface(methods, _custom_sections(binary), is_64)


def _check_sizes(binary: WasmBinary) -> None:
    code = sum(len(section.content) for section in binary.sections if section.id == SectionId.CODE)
    if len(binary.functions) > MAX_FUNCTIONS:
        raise ModuleInvalid(
            f"Wasm module defined {len(binary.functions)} functions which exceeds the maximum number allowed "
            f"{MAX_FUNCTIONS}."
        )
    if len(binary.globals) > MAX_GLOBALS:
        raise ModuleInvalid(
            f"Wasm module defined {len(binary.globals)} globals which exceeds the maximum number allowed "
            f"{MAX_GLOBALS}."
        )
    if code > MAX_CODE:
        raise ModuleInvalid(
            f"Wasm module code section size of {code} exceeds the maximum allowed size of {MAX_CODE}."
        )
    for index, body in enumerate(binary.bodies):
        if len(body) > MAX_BODY:  # every instruction is at least one byte, so this is the milder limit
            raise ModuleInvalid(
                f"Wasm module contains a function at index {index} of size {len(body)} that exceeds the "
                "maximum "
                f"allowed size of {MAX_BODY}"
            )


def _check_memory(binary: WasmBinary) -> bool:
    if len(binary.memories) > 1:
        raise ModuleInvalid("Wasmtime failed to validate wasm module multiple memories")
    if any(memory.shared for memory in binary.memories):
        raise ModuleInvalid(
            "Wasmtime failed to validate wasm module threads must be enabled for shared memories"
        )
    return bool(binary.memories) and binary.memories[0].is_64


def _check_tables(binary: WasmBinary) -> None:
    if len(binary.tables) > MAX_TABLES:
        raise ModuleInvalid(
            f"Wasm module defined {len(binary.tables)} tables which exceeds the maximum number allowed "
            f"{MAX_TABLES}."
        )
    for table in binary.tables:
        if table.limits.minimum > MAX_TABLE_ELEMENTS:
            raise ModuleInvalid(
                f"Wasm module defined a table of {table.limits.minimum} elements which exceeds the maximum "
                f"number allowed {MAX_TABLE_ELEMENTS}."
            )


def _check_imports(binary: WasmBinary, *, is_64: bool) -> None:
    for item in binary.imports:
        if item.kind is not Kind.FUNCTION:
            raise _bad_import(f"Only function imports are allowed. Found '{item.module}'.'{item.name}'.")
        row = BY_NAME.get(item.name) if item.module == "ic0" else None
        if row is None or (row.only_32 and is_64):
            raise _bad_import(
                f"Function '{item.name}' from module '{item.module}' is not available to canisters."
            )
        if item.type_index >= len(binary.types):
            raise ModuleInvalid(f"Failed to decode wasm module: unknown type {item.type_index}")
        expected = FunctionType(wasm_types(row.params, is_64=is_64), wasm_types(row.results, is_64=is_64))
        if (found := binary.types[item.type_index]) != expected:
            raise ModuleInvalid(
                f"Wasm module has an invalid function signature. Expected type {expected} for "
                f"'ic0.{item.name}', "
                f"got {found}"
            )


def _bad_import(text: str) -> ModuleInvalid:
    return ModuleInvalid(f"Wasm module has an invalid import section. {text}")


def _check_globals(binary: WasmBinary) -> None:
    for index, item in enumerate(binary.globals):
        if item.mutable and item.kind in (FUNCREF, EXTERNREF):
            raise ModuleInvalid(
                f"Wasm module has an invalid global section. Global {index} is a mutable reference, which "
                "cannot be "
                "carried from one message to the next."
            )


def _check_exports(binary: WasmBinary, *, limit_names: bool) -> dict[str, str]:
    type_indices = binary.type_indices
    for item in binary.exports:
        if item.kind is Kind.FUNCTION and item.name.startswith("canister_"):
            _check_entry_point(item.name, _function_type(binary, type_indices, item.index))
    methods = list(_methods(binary))
    for name, count in Counter(name for name, _ in methods).items():
        if count > 1:
            raise ModuleInvalid(
                f"Wasm module has an invalid export section. Duplicate function '{name}' exported "
                "multiple times "
                "with different call types: update, query, or composite_query."
            )
    if limit_names:
        _check_method_limits([name for name, _ in methods])
    return dict(methods)


def _function_type(binary: WasmBinary, type_indices: list[int], index: int) -> FunctionType:
    if index >= len(type_indices) or type_indices[index] >= len(binary.types):
        raise ModuleInvalid(f"Failed to decode wasm module: function {index} does not exist")
    return binary.types[type_indices[index]]


def _check_entry_point(name: str, found: FunctionType) -> None:
    kind, _, method = name.removeprefix("canister_").partition(" ")
    if name not in _ENTRY_POINTS and not (kind in _METHOD_KINDS and " " in name):
        raise ModuleInvalid(
            f"Wasm module has an invalid export section. Exporting reserved function '{name}' with "
            '"canister_" prefix'
        )
    if found != FunctionType(b"", b""):
        raise ModuleInvalid(
            f"Wasm module has an invalid function signature. Expected return type [] and no parameters for "
            f"'{name if name in _ENTRY_POINTS else method}', got {found}"
        )


def _methods(binary: WasmBinary) -> Iterator[tuple[str, str]]:
    for item in binary.exports:
        kind, space, name = item.name.removeprefix("canister_").partition(" ")
        if (
            item.kind is Kind.FUNCTION
            and item.name.startswith("canister_")
            and space
            and kind in _METHOD_KINDS
        ):
            yield name, kind


def _check_method_limits(names: list[str]) -> None:
    listed = "`canister_update <name>`, `canister_query <name>`, or `canister_composite_query <name>`"
    if len(names) > MAX_METHODS:
        raise ModuleInvalid(
            f"Wasm module has an invalid export section. The number of exported functions called {listed} "
            f"exceeds {MAX_METHODS}."
        )
    if sum(map(len, names)) > MAX_METHOD_NAMES:
        raise ModuleInvalid(
            "Wasm module has an invalid export section. The sum of `<name>` lengths in exported "
            "functions called "
            f"{listed} exceeds {MAX_METHOD_NAMES}."
        )


def _custom_sections(binary: WasmBinary) -> dict[str, CustomSection]:
    found: dict[str, CustomSection] = {}
    for section in binary.sections:
        prefix, space, name = section.name.partition(" ")
        if not section.name.startswith("icp:"):
            continue
        if prefix not in ("icp:public", "icp:private") or not space:
            raise _bad_section(f"Invalid custom section '{section.name}'.")
        if name in found:
            raise _bad_section(f"Duplicate custom section name '{name}'.")
        found[name] = CustomSection(prefix == "icp:public", section.content)
    if len(found) > MAX_CUSTOM_SECTIONS:
        raise ModuleInvalid(
            f"Wasm module defined {len(found)} custom sections which exceeds the maximum number allowed "
            f"{MAX_CUSTOM_SECTIONS}."
        )
    size = sum(len(name) + len(section.content) for name, section in found.items())
    if size > MAX_CUSTOM_BYTES:
        raise _bad_section(
            f"Size of custom sections is {size} bytes, which exceeds the maximum of {MAX_CUSTOM_BYTES} bytes."
        )
    return found


def _bad_section(text: str) -> ModuleInvalid:
    return ModuleInvalid(f"Wasm module has an invalid custom section. {text}")
