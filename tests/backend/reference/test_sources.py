"""How the crate is written: what the compiler's lints do not hold it to."""

from __future__ import annotations

import re
from pathlib import Path

CRATE = Path(__file__).resolve().parents[3] / "src" / "backend"
TESTS = re.compile(r"^#\[cfg\(test\)\]\nmod tests \{.*", re.MULTILINE | re.DOTALL)
SOURCES = {
    path.relative_to(CRATE).as_posix(): TESTS.sub("", path.read_text("utf-8"))
    for folder in ("src", "sha256/src")
    for path in (CRATE / folder).rglob("*.rs")
    if path.name != "tests.rs"
}


def found(pattern):
    """Where a pattern occurs outside tests, as file and line of code."""
    return [
        f"{name}: {line.strip()}"
        for name, text in SOURCES.items()
        for line in text.splitlines()
        if re.search(pattern, line) and not line.lstrip().startswith("//")
    ]


def test_sources_are_seen():
    """The patterns below look at the code: they find what is there."""
    assert len(SOURCES) > 50
    assert found(r"\.expect\(")


def test_nothing_is_unsafe():
    """No `unsafe`, and both crates have the compiler refuse it."""
    assert found(r"\bunsafe\b") == []
    for manifest in ("Cargo.toml", "sha256/Cargo.toml"):
        assert 'unsafe_code = "forbid"' in (CRATE / manifest).read_text("utf-8")


def test_nothing_is_unwrapped():
    """Outside tests nothing is unwrapped, and what is expected says that it would be our bug."""
    assert found(r"\.unwrap\(\)|\bpanic!|\btodo!|\bunimplemented!|\bdbg!") == []
    assert [line for line in found(r"\.expect\(") if '.expect("bug: ' not in line] == []


def test_one_door_to_the_platform():
    """Only the endpoints and `runtime.rs` know that they run in a canister."""
    assert {line.split(":")[0] for line in found(r"\bic_cdk") if not line.startswith("src/api/")} == {
        "src/runtime.rs"
    }


def test_files_are_rooms_not_halls():
    """No source file has much more than 300 lines."""
    sizes = {
        path: path.read_text("utf-8").count("\n")
        for folder in ("src", "sha256/src")
        for path in (CRATE / folder).rglob("*.rs")
    }
    assert {path.name: size for path, size in sizes.items() if size > 320} == {}
