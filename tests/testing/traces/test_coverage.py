"""Coverage and flame graphs of a canister with planted code, and of modules with hostile names."""

from __future__ import annotations

import gzip
import json
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest
import wasmtime

from ic_harness.code_cache import CodeCache, default_folder
from ic_harness.networks import embedded
from ic_harness.replica.execution.function_names import read_function_names
from ic_harness.replica.execution.instrument import instrument, leb128
from ic_harness.replica.execution.metering import Rewriter
from ic_harness.replica.execution.recorder import CallTree, Recorder, record
from ic_harness.replica.execution.tracing import COVERAGE, PROFILE, Block, Branch, Places, trace_module
from ic_harness.replica.execution.wasm_binary import parse
from ic_harness.testing.report.words import number
from ic_harness.testing.traces.coverage import is_library, is_library_path, measure_coverage, never_executed
from ic_harness.testing.traces.coverage_files import listing, to_cobertura, to_lcov
from ic_harness.testing.traces.coverage_page import to_page
from ic_harness.testing.traces.flame import MAX_DEPTH, by_function, flame_of
from ic_harness.testing.traces.flame_files import to_speedscope, to_svg
from ic_harness.testing.traces.records import ModuleTrace, merge, to_plain
from tests.testing.growth.test_grow import nat32
from tests.testing.planted import planted

LINES = Path(__file__).parents[3] / "fixtures" / "canisters" / "rust" / "lines.wasm.gz"
HOSTILE = '</title><script>alert("1")</script>\x1b[31m\n\u202eevil,&'


@pytest.fixture(scope="module")
def recorder():
    """What two networks recorded of the planted canister: one is called, on the other it is only installed."""
    recorder = Recorder(coverage=True, profile=True)
    with record(recorder), embedded() as network, embedded() as other:
        canister = network.deploy(planted())
        other.deploy(planted())
        agent = network.agent()
        agent.update(canister, "busy", b"DIDL\0\0")
        agent.update(canister, "checked", nat32(5))
        agent.update(canister, "recurse", nat32(10_000))
        yield recorder


@pytest.fixture(scope="module")
def trace(recorder):
    """The merged record."""
    (found,) = merge([to_plain(recorder)])
    return found


@pytest.fixture(scope="module")
def coverage(trace):
    """The coverage of the planted canister."""
    return measure_coverage(trace)


def test_planted_function_was_never_executed(coverage):
    """The function that no method calls has no coverage, and is listed; those that ran are not."""
    functions = {it.name: it for it in coverage.functions}
    assert not functions["never"].hit
    assert functions["never"].blocks.hit == 0
    listed = {it.name for it in never_executed(coverage)}
    assert "never" in listed
    assert not {"hot", "cold", "run", "canister_update busy"} & listed


def test_planted_branch_was_never_taken(coverage):
    """The branch for large numbers was not taken, its other arm was."""
    functions = {it.name: it for it in coverage.functions}
    (branch,) = functions["canister_update checked"].branches
    assert branch.arms == (False, True)


def test_planted_hot_function_is_the_widest(trace):
    """Below `busy`, the planted function is the widest frame; its twin is a twentieth of it."""
    root = flame_of(trace)
    (busy,) = [node for node in root.children if node.name == "canister_update busy"]
    assert [node.name for node in busy.children[:2]] == ["hot", "cold"]
    assert busy.children[0].total == pytest.approx(20 * busy.children[1].total, rel=0.01)
    assert root.total == sum(trace.tree.instructions)


def test_recursion_is_drawn_as_one_frame(trace):
    """A function that calls itself 10,000 times is one frame with all its calls."""
    (node,) = [it for it in flame_of(trace).walk() if it.name == "recurse"]
    assert node.calls == 10_001
    assert max(it.depth for it in flame_of(trace).walk()) <= MAX_DEPTH
    assert by_function(flame_of(trace))[0].name in {"run", "recurse"}


def test_records_of_processes_are_joined(recorder, trace):
    """Records of several processes are joined: any execution covers, instructions add up."""
    plain = to_plain(recorder)
    nothing = {
        key: [values[0], values[1], bytes(len(values[2])), *values[3:]] for key, values in plain.items()
    }
    (joined,) = merge([nothing, plain])
    assert joined.covered == trace.covered
    assert sum(joined.tree.instructions) == 2 * sum(trace.tree.instructions)


def test_lcov_and_cobertura_have_the_totals(coverage):
    """Files for other tools have each own function once, and the totals of the table."""
    lcov = to_lcov([coverage])
    assert lcov.count("\nFN:") == len(coverage.own) == listing(coverage).count("\n")
    assert f"FNH:{coverage.counted.hit}\n" in lcov
    assert f"BRF:{coverage.arms.total}\n" in lcov
    root = ET.fromstring(to_cobertura([coverage]))
    assert root.attrib["lines-covered"] == str(coverage.counted.hit)
    assert root.attrib["branches-valid"] == str(coverage.arms.total)
    assert len(root.findall(".//method")) == len(coverage.own)


def test_speedscope_has_all_instructions(trace):
    """The weights of the samples are the instructions of all frames."""
    root = flame_of(trace)
    content = json.loads(to_speedscope("planted", root))
    (profile,) = content["profiles"]
    assert sum(profile["weights"]) == profile["endValue"] == root.total
    assert len(profile["samples"]) == len(profile["weights"])
    assert {"name": "hot"} in content["shared"]["frames"]


def test_svg_is_well_formed_and_names_the_frames(trace):
    """The picture is XML that names the wide frames with their instructions."""
    root = flame_of(trace)
    svg = to_svg("planted", root)
    texts = "".join(ET.fromstring(svg).itertext())
    (hot,) = [it for it in root.walk() if it.name == "hot"]
    assert f"hot: {number(hot.total)} instructions" in texts


def named(names: dict[int, str], count: int = 1) -> bytes:
    """Return a module of `count` functions with these names."""
    functions = b"\0asm\1\0\0\0\1\4\1\x60\0\0" + section(3, leb128(count) + bytes(count))
    code = section(10, leb128(count) + b"\2\0\x0b" * count)
    entries = b"".join(leb128(index) + text(name) for index, name in names.items())
    content = text("name") + section(0, text(HOSTILE)) + section(1, leb128(len(names)) + entries)
    return functions + code + section(0, content)


def section(number: int, content: bytes) -> bytes:
    """Return a section."""
    return bytes([number]) + leb128(len(content)) + content


def text(value: str) -> bytes:
    """Return a name."""
    return leb128(len(value.encode())) + value.encode()


def hostile_trace(count: int = 3) -> ModuleTrace:
    """Return the record of a module whose names are hostile."""
    wasm = named({0: HOSTILE, 1: "x" * 100_000, 2: ""}, count)
    places = Places(2, (0, *[1] * (count - 1)), (Block(0, 3, 4, 0),), (Branch(0, 3, 0, 2),))
    tree = CallTree()
    node = tree.add(0, 0, 100, 1)
    for _ in range(500):
        node = tree.add(tree.add(node, 1, 5, 1), 0, 5, 1)
    return ModuleTrace(bytes(32), wasm, places, read_function_names(wasm), b"\1\0", tree)


def test_hostile_names_are_dead_text_everywhere():
    """Markup, escape sequences and line breaks in names change neither pages, pictures nor files, and are cut."""
    trace = hostile_trace()
    module = measure_coverage(trace)
    root = flame_of(trace)
    page, svg = to_page([module], [HOSTILE]), to_svg(trace.title, root)
    lcov, cobertura = to_lcov([module]), to_cobertura([module])
    for written in (
        page,
        svg,
        lcov,
        cobertura,
        listing(module),
        to_speedscope(trace.title, root),
        trace.title,
    ):
        assert "\x1b" not in written
        assert "\u202e" not in written
        assert len(written) < 250_000
    assert "<script" not in page + svg + cobertura
    assert trace.file_name.replace("-", "").isalnum()
    assert listing(module).count("\n") == 3
    ET.fromstring(svg)
    ET.fromstring(cobertura)


def test_calls_too_deep_to_draw_are_counted():
    """Calls of two functions by each other, 1,000 deep, are drawn down to a depth, with all their instructions."""
    root = flame_of(hostile_trace())
    assert max(node.depth for node in root.walk()) == MAX_DEPTH
    assert root.total == 100 + 500 * 10


@pytest.mark.slow
def test_modules_of_many_functions_are_shown():
    """A module of 100,000 functions has a page of a bounded size, and each function in the files."""
    module = measure_coverage(hostile_trace(100_000))
    assert len(module.functions) == 100_000
    assert len(to_page([module], [])) < 2_000_000
    assert to_lcov([module]).count("\nDA:") == 100_000


@pytest.mark.slow
def test_a_module_of_many_functions_is_rewritten():
    """A module of 100,000 functions is rewritten to a valid one, with a place for each function."""
    functions = "".join(f"(func (if (i32.const {number}) (then nop)))" for number in range(100_000))
    own = instrument(parse(bytes(wasmtime.wat2wasm(f"(module {functions})")))).wasm
    cache = CodeCache(default_folder())
    module, places = trace_module(own, Rewriter(cache).meter_with_insertions(own), COVERAGE | PROFILE, cache)
    assert len(Places.decode(places).branches) == 100_000
    config = wasmtime.Config()
    config.wasm_multi_memory = True
    wasmtime.Module.validate(wasmtime.Engine(config), module)


@pytest.mark.parametrize(
    ("name", "library"),
    [
        ("core::fmt::write", True),
        ("<alloc::vec::Vec<T> as core::fmt::Debug>::fmt", True),
        ("<&mut core::option::Option<u8>>::take", True),
        ("memcpy", True),
        ("backend::api::put", False),
        ("<backend::State as core::default::Default>::default", False),
        ("core", False),
        ("canister_update core::x", False),
        ("", False),
    ],
)
def test_functions_of_standard_libraries_are_known_by_their_names(name, library):
    """The crate of a function is the first path in its name, that of the type where it is a method."""
    assert is_library(name) is library


@pytest.mark.parametrize(
    ("path", "library"),
    [
        ("/rustc/abc/library/core/src/fmt.rs", True),
        ("/x/.cargo/registry/src/x/candid/src/lib.rs", True),
        ("src/lib.rs", False),
        ("/x/project/src/library.rs", False),
    ],
)
def test_source_files_of_libraries_are_known_by_their_paths(path, library):
    """Files of Rust's own sources and of downloaded crates are left out of the lines."""
    assert is_library_path(path) is library


def test_lines_that_executed():
    """With a line table, lines are covered: those of the method that ran, and not those of the one that did not."""
    recorder = Recorder(coverage=True)
    wasm = gzip.decompress(LINES.read_bytes())
    with record(recorder), embedded() as network:
        canister = network.deploy(wasm)
        network.agent().update(canister, "explain", b"")
    (module,) = [measure_coverage(it) for it in merge([to_plain(recorder)])]
    sources = LINES.parents[1] / "src" / "lines"
    lines = {f"{it.path}:{number}": hit for it in module.files for number, hit in it.lines.items()}
    wanted = {
        f"{path.relative_to(sources)}:{number}": line
        for path in sources.rglob("*.rs")
        for number, line in enumerate(path.read_text().splitlines(), 1)
    }
    known = {wanted[place].strip(): hit for place, hit in lines.items()}
    assert known[
        'extern "C" fn explain() {' if 'extern "C" fn explain() {' in known else "if argument() > 0 {"
    ]
    assert not known["rest / shares // at share"]
    assert "SF:src/lib.rs\n" in to_lcov([module])
    page = to_page([module], [], lambda path: (sources / path).read_text())
    assert "rest / shares" in page
    assert "The source was not found." in to_page([module], [])
