"""Projects as the templates of pic-js and pocketic-py make them, run by their own commands without a network."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from pathlib import Path

import pytest

from ic_harness.pocket_ic import install
from tests.replica.support import wasm

from . import toolbox
from .conftest import unavailable

pytestmark = [pytest.mark.interop, pytest.mark.slow]

SETUP = """
import { PocketIcServer } from "@dfinity/pic";
let server;
export async function setup({ provide }) {
  server = await PocketIcServer.start();
  provide("PIC_URL", server.getUrl());
}
export async function teardown() {
  await server.stop();
}
"""
SPEC = """
import { resolve } from "node:path";
import { PocketIc } from "@dfinity/pic";
import { IDL } from "@icp-sdk/core/candid";
import { afterEach, beforeEach, describe, expect, inject, it } from "vitest";

const idlFactory = ({ IDL }) => IDL.Service({
  get: IDL.Func([], [IDL.Nat], ["query"]),
  increment: IDL.Func([], [IDL.Nat], []),
});

describe("Counter", () => {
  let pic, actor;
  beforeEach(async () => {
    pic = await PocketIc.create(inject("PIC_URL"));
    ({ actor } = await pic.setupCanister({
      idlFactory, wasm: resolve("counter.wasm"), arg: IDL.encode([IDL.Nat], [40n]),
    }));
  });
  afterEach(() => pic.tearDown());

  it("counts", async () => {
    expect(await actor.increment()).toBe(41n);
    expect(await actor.get()).toBe(41n);
  });
});
"""
PYTHON = """
from ic.candid import Types, encode
from pocket_ic import PocketIC

def test_counter():
    pic = PocketIC()
    canister = pic.create_canister()
    pic.add_cycles(canister, 2_000_000_000_000)
    argument = [{"type": Types.Nat, "value": 40}]
    pic.install_code(canister, open("counter.wasm", "rb").read(), argument)
    assert pic.update_call(canister, "increment", encode([])).endswith(b"\\x29")
    assert pic.query_call(canister, "get", encode([])).endswith(b"\\x29")
"""


@pytest.fixture
def project(tmp_path):
    """A folder with the counter, and the environment that names our server."""
    (tmp_path / "counter.wasm").write_bytes(wasm("motoko/counter"))
    scratch = tmp_path / "tmp"
    scratch.mkdir()
    own = {"POCKET_IC_BIN": str(install(tmp_path / "bin")), "TMPDIR": str(scratch)}
    return tmp_path, {**os.environ, **own}


def run(command, folder: Path, environment):
    """What a command prints; it must succeed."""
    done = subprocess.run(
        command, cwd=folder, env=environment, capture_output=True, text=True, timeout=300, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_project_of_pic_js(project):
    """`npm test` of a project with vitest passes with `POCKET_IC_BIN` alone."""
    folder, environment = project
    try:
        modules = toolbox.npm_folder("pic-js-examples") / "node_modules"
    except toolbox.ToolMissingError as missing:
        unavailable("pic-js", missing)
    (folder / "node_modules").symlink_to(modules)
    package = {"name": "counter", "type": "module", "scripts": {"test": "vitest run"}}
    (folder / "package.json").write_text(json.dumps(package))
    config = 'export default { test: { globalSetup: "./global-setup.js", testTimeout: 60000 } };'
    for name, text in {
        "vitest.config.js": config,
        "global-setup.js": SETUP,
        "counter.spec.js": SPEC,
    }.items():
        (folder / name).write_text(text)
    assert "1 passed" in run(["npm", "test", "--offline"], folder, {**environment, "NO_COLOR": "1"})


def test_project_of_pocketic_py(project):
    """Pytest of a project that imports `pocket_ic` passes with `POCKET_IC_BIN` alone."""
    folder, environment = project
    try:
        python = toolbox.python_venv("pocket_ic", toolbox.HERE / "python" / "pocket_ic.txt")
    except toolbox.ToolMissingError as missing:
        unavailable("pocketic-py", missing)
    (folder / "test_counter.py").write_text(PYTHON)
    assert "1 passed" in run([str(python), "-m", "pytest", "-q", "test_counter.py"], folder, environment)


MOPS = """
[package]
name = "tried"
version = "0.1.0"

[toolchain]
moc = "./moc"
pocket-ic = "./bin/pocket-ic"
"""
MOPS_TEST = """
import Prim "mo:⛔";
persistent actor {
  var count = 0;
  public func runTests() : async () {
    Prim.debugPrint("mops:1:start counts");
    count += 1;
    assert count == 1;
    Prim.debugPrint("mops:1:end counts");
  };
};
"""


def test_project_of_mops(project):
    """`mops test --mode replica` passes with our program as its `pocket-ic`; its test names come from printed lines."""
    folder, environment = project
    try:
        mops = toolbox.npm_folder("mops")
        motoko = toolbox.npm_folder("motoko") / "node_modules" / "motoko"
    except toolbox.ToolMissingError as missing:
        unavailable("mops", missing)
    (folder / "mops.toml").write_text(MOPS)
    shutil.copyfile(mops / "moc.cjs", folder / "moc")
    (folder / "moc").chmod(0o755)
    (folder / "test").mkdir()
    (folder / "test" / "counter.test.mo").write_text(MOPS_TEST, encoding="utf-8")
    command = [
        str(mops / "node_modules" / ".bin" / "mops"),
        "test",
        "--mode",
        "replica",
        "--replica",
        "pocket-ic",
    ]
    printed = run(command, folder, {**environment, "MOTOKO_PACKAGE": str(motoko)})
    assert "counts" in printed
    assert "Tests passed" in printed
