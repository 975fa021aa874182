"""Source lines of traps: from the module's line tables, beside a reject that is the network's own."""

from __future__ import annotations

import asyncio
import gzip
from pathlib import Path

import pytest

from ic_harness.candid import encode, parse
from ic_harness.errors import RejectError
from ic_harness.networks import deploy_canister, embedded
from ic_harness.replica.execution import recent_traps
from ic_harness.replica.execution.instrument import leb128
from ic_harness.replica.execution.wasm_binary import MAGIC
from ic_harness.replica.execution.wasm_binary import parse as take_apart

CANISTERS = Path(__file__).parents[2] / "fixtures" / "canisters"
SOURCES = CANISTERS / "src" / "lines" / "src"
INTERFACE = "service : { divide : () -> (); explain : () -> (); open : () -> (); walk : () -> () query }"


def line_of(mark: str) -> str:
    """The place of the comment `at MARK` in the fixture's sources, as a compiler writes it."""
    for path in sorted(SOURCES.iterdir()):
        for number, line in enumerate(path.read_text().splitlines(), 1):
            if line.endswith(f"// at {mark}"):
                return f"{path.name}:{number} "
    raise AssertionError(f"no line is marked {mark}")


def module(*, without: tuple[str, ...] = ()) -> bytes:
    """The fixture, without some of its custom sections."""
    wasm = gzip.decompress((CANISTERS / "rust" / "lines.wasm.gz").read_bytes())
    if not without:
        return wasm
    parts = [MAGIC]
    for section in take_apart(wasm).sections:
        name = section.name.encode()
        head = leb128(len(name)) + name if section.id == 0 else b""
        if not section.name.startswith(without) or section.id:
            parts.append(bytes([section.id]) + leb128(len(head + section.content)) + head + section.content)
    return b"".join(parts)


@pytest.fixture(scope="module")
def network():
    """An embedded network."""
    with embedded() as network:
        yield network


@pytest.fixture(scope="module")
def canister(network):
    """The fixture with its line tables."""
    return deploy_canister(network, module(), interface=INTERFACE)


def failed(canister, method):
    """The error of a call."""
    with pytest.raises(RejectError) as caught:
        canister.call(method)
    return caught.value


@pytest.mark.parametrize(
    ("method", "marks"),
    [
        ("divide", ["share", "divide"]),
        ("walk", ["cell", "walk"]),
        ("explain", ["explain"]),
        ("open", ["open"]),
    ],
)
def test_lines_of_a_trap(canister, method, marks):
    """Updates, queries and `ic0.trap` show the lines of their functions, innermost first, also behind copied memory."""
    error = failed(canister, method)
    lines = error.source_lines
    places = [next(i for i, line in enumerate(lines) if line_of(mark) in line) for mark in marks]
    assert places == sorted(places)
    assert ".rs:" not in str(error)
    assert ("Source lines of the trap", lines) in error._chapters()


def test_inlined_functions(canister):
    """A function that was inlined shows the line of its caller after its own, both below the caller's name."""
    lines = failed(canister, "open").source_lines
    own = next(number for number, line in enumerate(lines) if line_of("open") in line)
    assert lines[own].endswith(" in canister_update open")
    assert "option.rs:" in lines[own - 1]
    assert lines[own - 1].endswith(" in canister_update open")


def test_lines_of_asynchronous_calls(canister):
    """The asynchronous twin shows them too."""

    async def use():
        with pytest.raises(RejectError) as caught:
            await canister.async_().divide()
        return caught.value

    assert any(line_of("share") in line for line in asyncio.run(use()).source_lines)


def test_modules_without_tables(network):
    """Without line tables a trap has names only; without names too it has lines only."""
    stripped = deploy_canister(network, module(without=(".debug",)), interface=INTERFACE)
    error = failed(stripped, "divide")
    assert error.source_lines == ()
    assert "share" in str(error)
    nameless = deploy_canister(network, module(without=("name",)), interface=INTERFACE)
    error = failed(nameless, "divide")
    assert "share" not in str(error)
    assert any(line_of("share") in line for line in error.source_lines)


def test_damaged_tables(network):
    """A canister with tables that nothing can read traps as others do."""
    damaged = module(without=(".debug",)) + b"\x00\x14" + leb128(11) + b".debug_line" + b"\xff" * 8
    error = failed(deploy_canister(network, damaged, interface=INTERFACE), "divide")
    assert error.source_lines == ()


def test_traps_are_found_by_their_reject(network, canister):
    """A reject finds the trap that it speaks of; what is too long ago, or of another canister, it does not find."""
    error = failed(canister, "explain")
    assert network.find_trap(error.reject_message) is not None
    assert network.find_trap("Canister trapped: of another one") is None
    service = parse(INTERFACE)
    argument = encode((), service.methods["divide"].arg_types)
    for _ in range(recent_traps._KEPT):
        with pytest.raises(RejectError):
            network.replica.execute_query(network.deployer.principal, canister.canister_id, "walk", argument)
    assert network.find_trap(error.reject_message) is None
