"""Errors of commands: traps in lines, places in files, nothing of a canister that a terminal or CI service obeys."""

from __future__ import annotations

import pytest
import wasmtime

from .conftest import refused

TEXT = r"first line\0a::error::injected\0a\0a\09at main.rs:3\0d\1b[31mred\e2\80\ae"
TRAPPING = f"""
(module
  (import "ic0" "trap" (func $trap (param i32 i32)))
  (memory (export "memory") 1)
  (data (i32.const 0) "{TEXT}")
  (func (export "canister_update fails") (call $trap (i32.const 0) (i32.const 55)))
  (func (export "canister_post_upgrade") (call $trap (i32.const 0) (i32.const 55))))
"""


@pytest.fixture
def trapping(run, tmp_path):
    """A deployed canister whose method and upgrade trap with several lines."""
    tmp_path.joinpath("it.wasm").write_bytes(wasmtime.wat2wasm(TRAPPING))
    tmp_path.joinpath("it.did").write_text("service : { fails : () -> () }")
    assert run("deploy", "--wasm", "it.wasm").exit_code == 0


@pytest.mark.parametrize(
    "command", [["call", "it", "fails", "--candid", "it.did"], ["deploy", "--wasm", "it.wasm"]]
)
def test_traps_keep_their_lines(run, trapping, command):
    """What a trap says is shown line by line, indented and cleaned; only our own first line has no indent."""
    result = run(*command)
    assert (result.exit_code, result.stdout) == (1, "")
    first, *rest = result.stderr.splitlines()
    assert first.startswith("ic-harness: ")
    assert "first line" in first
    assert rest[0] == "  | ::error::injected"
    assert "at main.rs:3␍␛[31mred⟨U+202E⟩" in rest[1]
    assert all(line.startswith("  ") for line in rest)
    assert not any(bad in result.stderr for bad in ("\x1b", "\r", "\u202e"))


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("service : {\n  f : (nat) -> (nat\n}", "a.did:3:1: found '}'; expected , or )"),
        ("type A = record {\n  a : Missing };", "a.did:2:7: the type 'Missing' is not defined"),
        ('import "b.did";\nservice : {}', "a.did:1:8: in b.did:2:4: found 'nat'; expected ; or }"),
        ("\0", "a.did:1:1: unexpected text"),
    ],
)
def test_interfaces_are_named_with_the_place(run, tmp_path, text, place):
    """An error in an interface names file, line and column, also of an imported file."""
    tmp_path.joinpath("a.did").write_text(text)
    tmp_path.joinpath("b.did").write_text("type B = record {\n a nat };")
    result = run("bindgen", "a.did")
    refused(result, 2, place)


def test_arguments_name_their_file(run, tmp_path):
    """Arguments of the project that do not fit name the file that they are from."""
    tmp_path.joinpath("it.wasm").write_bytes(wasmtime.wat2wasm(TRAPPING))
    tmp_path.joinpath("it.did").write_text("service : (nat) -> {}")
    tmp_path.joinpath("args.txt").write_text("(true)")
    canister = '{"type": "custom", "wasm": "it.wasm", "candid": "it.did", %s}'
    for entry, source in (
        ('"init_arg_file": "args.txt"', "args.txt"),
        ('"init_arg": "(true)"', "`init_arg`"),
    ):
        tmp_path.joinpath("dfx.json").write_text('{"canisters": {"it": %s}}' % (canister % entry))
        refused(run("deploy"), 2, f"the arguments of it ({source}", "do not fit")


SAID = r"\1b[2J\0d\e2\80\ae::error::x\0a::error::y"
REPLY = rf"""
(module
  (import "ic0" "msg_reply" (func $reply))
  (import "ic0" "msg_reply_data_append" (func $append (param i32 i32)))
  (memory (export "memory") 1)
  (data (i32.const 0) "DIDL\00\01\71\1e{SAID}")
  (func (export "canister_query says") (call $append (i32.const 0) (i32.const 38)) (call $reply)))
"""


@pytest.mark.parametrize("form", [[], ["--json"]])
def test_replies_are_escaped(run, tmp_path, form):
    """Text of a canister is escaped in its reply, as Candid and as JSON, on one line."""
    tmp_path.joinpath("it.wasm").write_bytes(wasmtime.wat2wasm(REPLY))
    tmp_path.joinpath("it.did").write_text("service : { says : () -> (text) query }")
    assert run("deploy", "--wasm", "it.wasm").exit_code == 0
    result = run("call", "it", "says", "--candid", "it.did", *form)
    assert result.exit_code == 0, result.stderr
    (line,) = result.stdout.splitlines()
    assert "::error::x" in line
    assert not any(bad in line for bad in ("\x1b", "\r", "\u202e"))


def test_names_of_an_interface_are_cleaned(run, tmp_path):
    """Names of methods in an error are cleaned: they may be those that a canister publishes."""
    tmp_path.joinpath("it.wasm").write_bytes(wasmtime.wat2wasm(REPLY))
    tmp_path.joinpath("it.did").write_text(r'service : { "\1b[2J\u{202e}" : () -> () }')
    assert run("deploy", "--wasm", "it.wasm").exit_code == 0
    refused(run("call", "it", "zzz", "--candid", "it.did"), 2, "no method 'zzz'", "there are: ␛[2J⟨U+202E⟩")
