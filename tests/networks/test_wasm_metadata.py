"""Modules that keep their memory across upgrades are told by their custom sections."""

from __future__ import annotations

import gzip
from pathlib import Path

import pytest
import wasmtime

from ic_harness.networks.wasm_metadata import custom_sections, keeps_memory

CANISTERS = Path(__file__).parents[2] / "fixtures" / "canisters"


@pytest.mark.parametrize(
    ("name", "expected"),
    [("motoko/counter", True), ("motoko-classical/counter", False), ("rust/rust", False)],
)
def test_real_modules(name, expected):
    """Motoko's newer modules keep their memory, its classical ones and Rust's do not; gzip or not."""
    wasm = (CANISTERS / f"{name}.wasm.gz").read_bytes()
    assert keeps_memory(wasm) is expected
    assert keeps_memory(gzip.decompress(wasm)) is expected


def test_the_words_elsewhere_do_not_count(counter_wasm):
    """The name in data, and not as a section's name, means nothing."""
    words = "icp:private enhanced-orthogonal-persistence"
    module = wasmtime.wat2wasm(f'(module (memory 1) (data (i32.const 0) "{words}"))')
    assert keeps_memory(bytes(module)) is False
    assert keeps_memory(counter_wasm) is False


@pytest.mark.parametrize("length", [0, 1, 8, 9, 100])
def test_broken_modules_do_not_count(length):
    """What is cut off, or no Wasm, is left to the network to refuse."""
    wasm = (CANISTERS / "motoko/counter.wasm.gz").read_bytes()
    assert keeps_memory(wasm[:length]) is False
    assert keeps_memory(b"\xff" * length) is False


def test_sections_tell_the_interface():
    """Interface and init arguments are read from the module, plain or gzip; no module has none."""
    wasm = (CANISTERS / "motoko" / "counter.wasm.gz").read_bytes()
    sections = custom_sections(wasm)
    assert sections == custom_sections(gzip.decompress(wasm))
    assert sections["candid:service"].startswith(b"service")
    assert b"nat" in sections["candid:args"]
    assert custom_sections(b"no module") == {}
