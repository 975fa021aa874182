"""A notebook's kernel runs cells: calls inside its running event loop, `await`, and what it shows of objects."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest
from jupyter_client.manager import KernelManager

from tests.docs.snippets import copy_canister

SOURCE = str(Path(__file__).parents[2] / "src")
WITHIN_S = 120


class Notebook:
    """A kernel; `run` returns what a cell shows."""

    def __init__(self, folder: Path) -> None:
        self._manager = KernelManager(kernel_name="python3")
        own = {
            "PYTHONPATH": SOURCE,
            "IPYTHONDIR": str(folder / "ipython"),
            "PYDEVD_DISABLE_FILE_VALIDATION": "1",
        }
        self._manager.start_kernel(cwd=str(folder), env=os.environ | own)
        self._client = self._manager.blocking_client()
        self._client.start_channels()
        self._client.wait_for_ready(timeout=WITHIN_S)

    def run(self, code: str) -> dict[str, Any]:
        """Run a cell; return texts by their type, such as `text/html`, `stdout`, or `error` (a list of lines)."""
        shown: dict[str, Any] = {}

        def listen(message: dict[str, Any]) -> None:
            content = message["content"]
            match message["msg_type"]:
                case "execute_result" | "display_data":
                    shown.update(content["data"])
                case "stream":
                    shown[content["name"]] = shown.get(content["name"], "") + content["text"]
                case "error":
                    shown["error"] = content["traceback"]

        self._client.execute_interactive(code, timeout=WITHIN_S, output_hook=listen, allow_stdin=False)
        return shown

    def close(self) -> None:
        self._client.stop_channels()
        self._manager.shutdown_kernel(now=False)


@pytest.fixture(scope="module")
def notebook(tmp_path_factory):
    """A notebook whose first cell has deployed a counter."""
    folder = tmp_path_factory.mktemp("notebook")
    copy_canister("motoko/counter", folder)
    made = Notebook(folder)
    first = made.run(
        "from ic_harness import deploy_canister, embedded\n"
        "network = embedded()\n"
        "counter = deploy_canister(network, 'counter.wasm.gz', (5,))"
    )
    assert first == {}
    yield made
    made.close()


def test_calls_in_a_running_loop(notebook):
    """Calls work while the kernel's event loop runs, and with `await` in it."""
    assert notebook.run("import asyncio; asyncio.get_running_loop().is_running()")["text/plain"] == "True"
    assert notebook.run("counter.add(10) - counter.get()")["text/plain"] == "0"
    assert "snapshot" in notebook.run("repr(counter.snapshot()).lower()")["text/plain"]
    found = notebook.run(
        "async with counter.async_() as twin:\n"
        "    before = await twin.get()\n"
        "    await asyncio.gather(*[twin.increment() for _ in range(5)])\n"
        "    after = await twin.get()\n"
        "after - before"
    )
    assert found.get("text/plain") == "5", found


def test_displays(notebook):
    """A canister shows its interface and module, a network its canisters; inside of a list each is one line."""
    shown = notebook.run("counter")
    for part in (
        "<b>Canister on embedded</b>",
        "increment",
        "(nat) -&gt; (nat)",
        "query",
        "SHA-256 415c7b41",
    ):
        assert part in shown["text/html"]
    assert "increment         update  () -> (nat)" in shown["text/plain"]
    assert "AsyncCanister on embedded" in notebook.run("counter.async_()")["text/html"]
    assert "rwlgt-iiaaa-aaaaa-aaaaa-cai" in notebook.run("network")["text/html"]
    assert notebook.run("[counter]")["text/plain"] == "[Canister(rwlgt-iiaaa-aaaaa-aaaaa-cai on embedded)]"


def test_failures(notebook):
    """A failed call shows the message first, the user's line, and the canister's log; nothing of the library."""
    lines = notebook.run("counter.log('it was here')\ndef use():\n    counter.fail_by_assert()\nuse()")[
        "error"
    ]
    text = "\n".join(lines)
    assert lines[0].startswith("RejectError: fail_by_assert on rwlgt-iiaaa-aaaaa-aaaaa-cai: rejected (code 5")
    order = ["assertion failed", "Canister Backtrace", "  use()", "  counter.fail_by_assert()", "it was here"]
    assert sorted(order, key=text.index) == order
    assert "ic_harness" not in text
    twin = notebook.run("await counter.async_().fail_by_throw()")["error"]
    assert "  await counter.async_().fail_by_throw()" in twin
    other = notebook.run("counter.add('text')")["error"]
    assert other[0].startswith("CandidError: ")
    assert "  counter.add('text')" in other


def test_closed_networks(notebook):
    """A network that was closed is shown with the reason why nothing can be read."""
    shown = notebook.run("closed = embedded(); closed.close(); closed")
    assert "error" not in shown, shown["error"]
    assert "closed" in shown["text/plain"]
