"""A canister's code, ready to run: what it offers, and what the engine compiled from it."""

from __future__ import annotations

import hashlib
import zlib
from collections.abc import Mapping

import wasmtime

from ic_harness.lazy_dataclass import dataclass

from .description import Description, Traits
from .instructions import changes_instance_state
from .instrument import Instrumented, instrument
from .recorder import ModuleRecord
from .validation import MAX_MODULE, CustomSection, Interface, ModuleInvalid, validate
from .wasm_binary import WasmBinary, parse
from .wasm_reader import WasmDecodeError

_GZIP = b"\x1f\x8b\x08"
_GZIP_WINDOW = 31


@dataclass(frozen=True, slots=True)
class Native:
    """What only the instance needs to know of a module."""

    code: wasmtime.Module
    traits: Traits
    record: ModuleRecord | None = None
    """Where its instances record what they execute."""


@dataclass(frozen=True, slots=True, eq=False, weakref_slot=True)
class Module:
    """A valid canister module. `wasm` is what was uploaded (perhaps gzipped), `wasm_hash` its SHA-256."""

    wasm: bytes
    wasm_hash: bytes
    exports: frozenset[str]
    """Full names of exported functions, such as `canister_update greet`."""
    methods: Mapping[str, str]
    """Method name to `update`, `query` or `composite_query`."""
    custom_sections: Mapping[str, CustomSection]
    is_64: bool
    native: Native

    @property
    def size(self) -> int:
        """Bytes as uploaded."""
        return len(self.wasm)


@dataclass(frozen=True, slots=True)
class Draft:
    """A module that passed validation and waits for the compiler."""

    wasm: bytes
    binary: WasmBinary
    interface: Interface
    instrumented: Instrumented

    def describe(self) -> Description:
        """Return what is known without the code."""
        return Description(
            code_hash=hashlib.sha256(self.instrumented.wasm).digest(),
            exports=tuple(item.name for item in self.binary.exports if item.kind == 0),
            methods=self.interface.methods,
            custom_sections=self.interface.custom_sections,
            is_64=self.interface.is_64,
            traits=self._traits(),
        )

    def _traits(self) -> Traits:
        binary = self.binary
        return Traits(
            imports=tuple(item.name for item in binary.imported_functions),
            globals=self.instrumented.globals,
            cells=len(binary.globals) + len(binary.tables),
            table_64=bool(binary.tables) and binary.tables[0].limits.is_64,
            fresh=changes_instance_state(binary),
            has_start=binary.start is not None,
            has_names=any(section.name == "name" for section in binary.sections),
            has_lines=any(section.name == ".debug_line" for section in binary.sections),
        )


def finish(
    wasm: bytes, found: Description, code: wasmtime.Module, record: ModuleRecord | None = None
) -> Module:
    """Join a module's bytes and description with what the compiler made."""
    return Module(
        wasm=wasm,
        wasm_hash=hashlib.sha256(wasm).digest(),
        exports=frozenset(found.exports),
        methods=found.methods,
        custom_sections=found.custom_sections,
        is_64=found.is_64,
        native=Native(code, found.traits, record),
    )


def draft(wasm: bytes, *, limit_names: bool = True) -> Draft:
    """Unpack, take apart, validate (see `validate`) and rewrite a module; raises ModuleInvalid."""
    try:
        binary = parse(unpack(wasm))
        interface = validate(binary, limit_names=limit_names)
        return Draft(wasm, binary, interface, instrument(binary))
    except WasmDecodeError as error:
        raise ModuleInvalid(f"Failed to decode wasm module: {error}") from None


def unpack(wasm: bytes) -> bytes:
    """The module itself, whether it came gzipped or not; raises ModuleInvalid."""
    if not wasm.startswith(_GZIP):
        if len(wasm) > MAX_MODULE:
            raise _too_large(len(wasm))
        return wasm
    inflater = zlib.decompressobj(_GZIP_WINDOW)
    try:
        content = inflater.decompress(wasm, MAX_MODULE + 1)
    except zlib.error as error:
        raise ModuleInvalid(f"Failed to decode wasm module: {error}") from None
    if len(content) > MAX_MODULE:
        raise _too_large(len(content))
    if not inflater.eof:
        raise ModuleInvalid("Failed to decode wasm module: the gzip stream is incomplete")
    return content


def _too_large(size: int) -> ModuleInvalid:
    return ModuleInvalid(f"Wasm module size of {size} exceeds the maximum allowed size of {MAX_MODULE}.")
