"""Our rewriters run in any number of threads, within their memory, and none of their instances is used again."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest
import wasmtime

from ic_harness.code_cache import CodeCache
from ic_harness.replica.execution.rewriters import RewriterProgram, RewritingError

MODULE = bytes(wasmtime.wat2wasm("(module (func nop))"))


def metering(memory: int = 1 << 30) -> RewriterProgram:
    """Return the rewriter that counts instructions, not yet compiled."""
    return RewriterProgram("metering", "rewrite", beside="insertions", memory=memory)


def test_threads_share_what_the_first_one_compiled():
    """The rewriter is compiled once, and every caller gets the same output."""

    class Counting(CodeCache):
        stored = 0

        def store(self, key: str, code: bytes) -> None:
            self.stored += 1
            super().store(key, code)

    program, cache = metering(), Counting(None)
    with ThreadPoolExecutor(8) as pool:
        outputs = set(pool.map(lambda _: program.run(MODULE, cache=cache), range(32)))
    assert cache.stored == 1
    assert len(outputs) == 1
    output, insertions = outputs.pop()
    wasmtime.Module.validate(wasmtime.Engine(), output)
    assert insertions


def test_memory_is_limited_and_a_failure_stays_alone():
    """A module that needs more memory than is allowed fails; the next one is rewritten."""
    program, cache = metering(memory=4 << 20), CodeCache(None)
    large = MODULE + bytes([0, *leb(8 << 20), 0]) + bytes((8 << 20) - 1)
    with pytest.raises(RewritingError, match=r"^the rewriter failed: "):
        program.run(large, cache=cache)
    assert program.run(MODULE, cache=cache) == metering().run(MODULE, cache=cache)


def leb(number: int) -> bytes:
    """Encode a length as Wasm does."""
    if number < 0x80:
        return bytes([number])
    return bytes([number & 0x7F | 0x80]) + leb(number >> 7)


def test_a_refusal_says_why():
    """The rewriter's own words are the text of the error."""
    with pytest.raises(RewritingError) as caught:
        metering().run(b"no module", cache=CodeCache(None))
    assert "the rewriter failed" not in str(caught.value)
    assert str(caught.value)
