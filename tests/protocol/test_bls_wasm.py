"""The Wasm module for BLS12-381: it agrees with the native library, serves many callers, and is compiled once."""

from __future__ import annotations

import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
import wasmtime
from hypothesis import given, settings
from hypothesis import strategies as st

from ic_harness.errors import InputError
from ic_harness.own_modules import read_own_module
from ic_harness.protocol import bls
from ic_harness.protocol.bls_wasm import WasmCurve

WASM = WasmCurve()
SCALARS = st.integers(0, bls.ORDER - 1)


@pytest.fixture(scope="module")
def native():
    """The native library's implementation."""
    pytest.importorskip("pyblst")
    return bls.NativeCurve()


def answer(function, *arguments):
    """What a function returns, or that it raised ValueError."""
    try:
        return function(*arguments)
    except ValueError:
        return ValueError


@settings(max_examples=15, deadline=None)
@given(secret=SCALARS, message=st.binary(max_size=200), tag=st.binary(max_size=255))
def test_points_agree(native, secret, message, tag):
    """Keys, hashes, signatures and sums are the same bytes."""
    assert WASM.public_key(secret) == native.public_key(secret)
    hashed = native.hash_to_g1(message, tag)
    assert WASM.hash_to_g1(message, tag) == hashed
    assert WASM.sign(secret, message, tag) == native.sign(secret, message, tag)
    terms = ((hashed, secret), (bls.GENERATOR_G1, 3))
    assert WASM.sum_in_g1(terms) == native.sum_in_g1(terms)


@settings(max_examples=40, deadline=None)
@given(secret=st.integers(1, 3), position=st.integers(0, 143), mask=st.integers(0, 255))
def test_verdicts_agree(native, secret, position, mask):
    """A valid key and signature with one byte changed are judged alike."""
    data = bytearray(native.public_key(secret) + native.sign(secret, b"m", bls.SCHEME))
    data[position] ^= mask
    key, signature = bytes(data[:96]), bytes(data[96:])
    expected = answer(native.verify, key, b"m", bls.SCHEME, signature)
    assert answer(WASM.verify, key, b"m", bls.SCHEME, signature) is expected
    assert mask or expected is True


@settings(max_examples=40, deadline=None)
@given(
    point=st.binary(min_size=0, max_size=50) | st.binary(min_size=48, max_size=48), flags=st.integers(0, 7)
)
def test_hostile_points_agree(native, point, flags):
    """Bytes are a point for both, or for neither; flags in the first byte in all combinations."""
    flagged = bytes([point[0] & 0x1F | flags << 5]) + point[1:] if point else point
    for candidate in (flagged, bytes([flags << 5]) + bytes(47)):
        terms = ((candidate, 1),)
        assert answer(WASM.sum_in_g1, terms) == answer(native.sum_in_g1, terms)


@pytest.mark.parametrize("change", [(-1, 0), (1, 0), (0, -1), (0, 1)])
def test_wrong_lengths(change):
    """A key or signature of another length is refused before it reaches the module."""
    key, signature = bytes(96 + change[0]), bytes(48 + change[1])
    with pytest.raises(ValueError, match="bytes, got"):
        WASM.verify(key, b"m", bls.SCHEME, signature)


def test_many_callers_at_once(tmp_path):
    """50 threads that begin together get right answers, from one compilation."""
    curve, barrier = WasmCurve(tmp_path), threading.Barrier(50)
    key, right = bls.public_key(5), bls.sign(5, b"m")

    def judge(number):
        barrier.wait(timeout=120)
        message = b"m" if number % 2 else b"other"
        return curve.verify(key, message, bls.SCHEME, right)

    with ThreadPoolExecutor(50) as pool:
        assert list(pool.map(judge, range(50))) == [bool(number % 2) for number in range(50)]
    assert len(list(tmp_path.iterdir())) == 1


def test_compiled_code_is_kept(tmp_path, monkeypatch):
    """A second user of the folder compiles nothing; damaged code is compiled again."""
    expected = WasmCurve(tmp_path).public_key(1)
    (stored,) = tmp_path.iterdir()
    compiled = []

    class Counting(wasmtime.Module):
        def __init__(self, *arguments):
            compiled.append(1)
            super().__init__(*arguments)

    monkeypatch.setattr(wasmtime, "Module", Counting)
    assert WasmCurve(tmp_path).public_key(1) == expected
    assert compiled == []
    stored.write_bytes(stored.read_bytes()[:-1])
    assert WasmCurve(tmp_path).public_key(1) == expected
    assert compiled == [1]


def test_a_folder_that_cannot_be_written(tmp_path):
    """Without a place for compiled code, everything works."""
    (tmp_path / "file").write_bytes(b"")
    assert WasmCurve(tmp_path / "file" / "folder").public_key(0) == b"\xc0" + bytes(95)


def test_an_instance_of_a_long_message_is_not_kept():
    """Memory that grew for one long message is released."""
    curve = WasmCurve()
    curve.hash_to_g1(b"m" * (9 << 20), b"tag")
    assert len(curve._free) == 0
    curve.hash_to_g1(b"m", b"tag")
    assert len(curve._free) == 1


def test_a_failed_instance_is_not_kept(monkeypatch):
    """After a trap or an interruption the next call gets a fresh instance."""
    curve = WasmCurve()
    curve.public_key(1)
    instance = curve._free[0]

    def interrupted(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(instance, "_call", interrupted)
    with pytest.raises(KeyboardInterrupt):
        curve.public_key(1)
    assert len(curve._free) == 0
    assert curve.public_key(1) == bls.public_key(1)


def test_a_missing_module():
    """An installation without a module says what to do."""
    with pytest.raises(InputError, match=r"no none\.wasm\.gz: install ic-harness again"):
        read_own_module("none")


BLOCKED = "import sys; sys.modules['pyblst'] = None\n"


def script(text):
    """Run Python code in a process of its own; return what it prints."""
    done = subprocess.run(
        [sys.executable, "-c", text], capture_output=True, text=True, timeout=300, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_chosen_where_the_native_library_is_missing():
    """Without pyblst a certificate's signature is verified by the module; a forced native one says how to get it."""
    text = (
        BLOCKED + "import os; os.environ.pop('IC_HARNESS_BLS', None)\n"
        "from ic_harness.errors import InputError\n"
        "from ic_harness.protocol import bls\n"
        "assert 'wasmtime' not in sys.modules, 'loaded before it was needed'\n"
        "key = bls.keypair(b's')\n"
        "assert bls.verify(key.public_der, b'm', bls.sign(key, b'm'))\n"
        "print(bls.implementation())\n"
        "os.environ['IC_HARNESS_BLS'] = 'native'\n"
        "try:\n    bls.public_key(1)\nexcept InputError as error:\n    print(error)\n"
    )
    first, second = script(text).splitlines()
    assert first.startswith("a Wasm module")
    assert "pip install pyblst" in second


@pytest.mark.skipif(sys.platform != "linux", reason="reads struct sigaction as Linux has it")
def test_no_signal_handlers():
    """The module's engine installs no handlers: the replica remembers its own engine's, see `execution/signals.py`."""
    text = (
        "import ctypes, signal\n"
        "from ic_harness.protocol.bls_wasm import WasmCurve\n"
        "def handler():\n"
        "    record = ctypes.create_string_buffer(256)\n"
        "    ctypes.CDLL(None)['sigaction'](int(signal.SIGSEGV), None, record)\n"
        "    return bytes(record[:8])\n"
        "before = handler()\n"
        "WasmCurve().public_key(1)\n"
        "assert handler() == before\n"
        "print('same')\n"
    )
    assert script(text) == "same\n"
