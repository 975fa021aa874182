"""`ic-harness repl`: one piece of code, and prompts in a terminal."""

from __future__ import annotations

import json
import os
import re
import select
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from ic_harness.cli.repl_names import identifier
from tests.docs.snippets import copy_canister

from .conftest import SOURCE

POSIX = pytest.mark.skipif(sys.platform == "win32", reason="Windows has no pseudo-terminals")


@pytest.fixture
def counter(run, tmp_path):
    """A counter that was deployed by name from the test's folder."""
    copy_canister("motoko/counter", tmp_path)
    result = run("deploy", "--wasm", "counter.wasm.gz", "--argument", "(5)")
    assert result.exit_code == 0, result.output
    return tmp_path


def test_commands(run, counter):
    """Code sees the network, the caller and the canister; the value of its last expression is printed."""
    for code, shown in [
        ("counter.increment()", "6\n"),
        ("x = await counter.async_().increment()\nx", "7\n"),
        ("import sys; None", ""),
        ("counter.whoami() == identity.principal", "True\n"),
        ("[counter]", "[Canister(rwlgt-iiaaa-aaaaa-aaaaa-cai on embedded)]\n"),
    ]:
        result = run("repl", "-c", code)
        assert (result.exit_code, result.stdout, result.stderr) == (0, shown, ""), code
    shown = run("repl", "--command", "counter").stdout
    assert "increment         update  () -> (nat)" in shown
    assert "rwlgt-iiaaa-aaaaa-aaaaa-cai  SHA-256" in run("repl", "-c", "network").stdout


@pytest.mark.parametrize(
    ("code", "status", "told"),
    [
        ("1/0", 1, "ZeroDivisionError: division by zero"),
        ("counter.fail_by_assert()", 1, "RejectError: fail_by_assert on rwlgt-"),
        ("counter.call('none')", 1, "InputError: "),
        ("1 +", 2, "ic-harness: --command is no Python: invalid syntax"),
        ("'\\0" + "(" * 300, 2, "ic-harness: --command is no Python: "),
        ("exit(7)", 7, ""),
        ("raise SystemExit('said\\x1b')", 1, "said␛"),
        ("raise KeyboardInterrupt", 130, "ic-harness: interrupted"),
    ],
)
def test_failing_commands(run, counter, code, status, told):
    """An error ends with status 1 and its story, a text that is no Python with 2; `exit` decides for itself."""
    result = run("repl", "-c", code)
    assert (result.exit_code, result.stdout) == (status, ""), result.output
    assert result.stderr.startswith(told) or told in result.stderr
    assert "ic_harness/" not in result.stderr
    assert result.stderr.count("Canister Backtrace") <= 1  # the log repeats a trap that the message has
    assert run("call", "counter", "get").stdout == "(5)\n"  # nothing holds the state folder


def test_one_wasm(run, tmp_path):
    """A Wasm is deployed and bound by the name of its file; the second time it is upgraded and keeps its state."""
    copy_canister("motoko/counter", tmp_path, "my-counter.v1")
    for expected in ("6\n", "7\n"):
        result = run(
            "repl", "--wasm", "my-counter.v1.wasm.gz", "--argument", "(5)", "-c", "my_counter.increment()"
        )
        assert (result.exit_code, result.stdout) == (0, expected), result.output
    result = run("repl", "--argument", "(5)", "-c", "1")
    assert (result.exit_code, result.stdout) == (2, "")


def test_canister_ids(run, counter):
    """Further canisters are given by id, by name, or by id with a name; one that is none is refused."""
    given = ["rwlgt-iiaaa-aaaaa-aaaaa-cai", "mine=rwlgt-iiaaa-aaaaa-aaaaa-cai", "class=counter"]
    options = [word for text in given for word in ("--canister-id", text)]
    result = run("repl", *options, "-c", "canister.get() + mine.get() + class_.get()")
    assert (result.exit_code, result.stdout) == (0, "15\n"), result.output
    assert run("repl", "--canister-id", "nothing", "-c", "1").exit_code == 2


def test_projects(run, tmp_path):
    """Canisters of a dfx.json are bound where they are deployed; `--deploy` deploys them."""
    copy_canister("motoko/counter", tmp_path)
    canister = {
        "type": "custom", "wasm": "counter.wasm.gz", "candid": "counter.did", "build": [], "init_arg": "(3)"
    }  # fmt: skip
    (tmp_path / "dfx.json").write_text(
        json.dumps({"canisters": {"my-counter": canister, "network": canister}})
    )
    assert "NameError" in run("repl", "-c", "my_counter").stderr
    result = run("repl", "--deploy", "-c", "my_counter.get() + network_2.get()")
    assert (result.exit_code, result.stdout) == (0, "6\n"), result.output
    assert run("repl", "-c", "my_counter.get()").stdout == "3\n"


def test_identifiers():
    """Names of canisters become identifiers of their own, whatever they are made of."""
    assert identifier("my-canister.v2") == "my_canister_v2"
    assert identifier("1st") == "_1st"
    assert identifier("class") == "class_"
    assert identifier("match") == "match_"
    assert identifier("\x1b\u202ex\u00e9") == "__x_"
    assert identifier("") == "__"
    assert identifier("network", ["network", "network_2"]) == "network_3"


# --- in a terminal ----------------------------------------------------------------------------------------------


_IN_TERMINAL = (
    "import fcntl, termios; fcntl.ioctl(0, termios.TIOCSCTTY, 0);"  # so that it sends signals to this process
    "from ic_harness.cli.main import main; main()"
)


_COLOURS = re.compile(r"\x1b\[[0-9;?]*[a-zA-Z]")


class Terminal:
    """The command line in a pseudo-terminal."""

    def __init__(self, folder: Path, *args: str) -> None:
        import pty

        self._terminal, inside = pty.openpty()
        environ = os.environ | {"PYTHONPATH": SOURCE, "TERM": "dumb", "IPYTHONDIR": str(folder / "ipython")}
        self.process = subprocess.Popen(
            [sys.executable, "-c", _IN_TERMINAL, "repl", *args],
            cwd=folder, env=environ, stdin=inside, stdout=inside, stderr=inside, start_new_session=True,
        )  # fmt: skip
        os.close(inside)
        self.shown = ""

    def _read(self) -> str:
        """Return what was printed next; "" at the end."""
        ready, _, _ = select.select([self._terminal], [], [], 60)
        assert ready, f"nothing came after {self.shown!r}"
        try:
            return os.read(self._terminal, 65_536).decode(errors="replace")
        except OSError:  # Linux: the program has ended
            return ""

    def until(self, text: str) -> str:
        """Read until `text` has come since the last call; return what was read before it."""
        while text not in self.shown:
            printed = self._read()
            assert printed, f"ended before {text!r}: {self.shown!r}"
            self.shown = _COLOURS.sub("", self.shown + printed)
        before, _, self.shown = self.shown.partition(text)
        return before

    def type(self, text: str) -> None:
        os.write(self._terminal, text.encode())

    def close(self) -> int:
        """Wait until the program has ended; return its status."""
        while self._read():
            pass
        os.close(self._terminal)
        return self.process.wait(60)


@pytest.fixture
def terminal(counter):
    """Open a prompt in the folder of the counter."""
    opened: list[Terminal] = []

    def start(*args: str) -> Terminal:
        opened.append(Terminal(counter, *args))
        return opened[-1]

    yield start
    for each in opened:
        if each.process.poll() is None:
            each.process.kill()
            each.process.wait()


@POSIX
def test_plain_prompt(run, terminal):
    """Python's prompt shows the variables; Ctrl-C ends one input, Ctrl-D the prompt; the state folder is free then."""
    it = terminal("--plain")
    assert "counter   canister rwlgt-iiaaa-aaaaa-aaaaa-cai" in it.until(">>> ")
    for typed, shown in [
        ("counter.increment()\n", "\r\n6\r\n"),
        ("_ + 1\n", "\r\n7\r\n"),
        ("await counter.async_().get()\n", "\r\n6\r\n"),
        ("counter\n", "query   () -> (nat)"),
        ("counter.fail_by_assert()\n", "RejectError: fail_by_assert on"),
        ("print('r' + 'uns') or counter.spin()\n", "runs"),
        ("\x03", "KeyboardInterrupt"),
        ("counter.get()\n", "\r\n6\r\n"),
    ]:
        it.type(typed)
        it.until(shown)
        if shown != "runs":
            it.until(">>> ")
    it.type("\x04")
    assert it.close() == 0
    called = run("call", "counter", "get")
    assert called.stdout == "(6)\n", called.output


@POSIX
def test_ipython_prompt(run, terminal):
    """IPython's prompt has the same variables, shows canisters, and errors without the library's frames."""
    it = terminal()
    assert "ic-harness: variables of this prompt" in it.until("In [1]:")
    it.type("counter.increment()\n")
    it.until("Out[1]: 6")
    it.until("In [2]:")
    it.type("await counter.async_().get()\n")
    it.until("Out[2]: 6")
    it.until("In [3]:")
    it.type("counter\n")
    it.until("whoami_update     update  () -> (principal)")
    it.until("In [4]:")
    it.type("counter.fail_by_assert()\n")
    told = it.until("your input, line 1")
    assert "RejectError: fail_by_assert on" in told
    assert "lifecycle.py" not in told
    it.until("In [5]:")
    it.type("exit\n")
    assert it.close() == 0
    called = run("call", "counter", "get")
    assert called.stdout == "(6)\n", called.output


@POSIX
def test_exit_status_of_a_prompt(terminal):
    """`exit(3)` ends the plain prompt with status 3."""
    it = terminal("--plain")
    it.until(">>> ")
    it.type("exit(3)\n")
    assert it.close() == 3


def test_input_that_is_no_terminal(counter):
    """Lines from a pipe run one after the other, and the end of the pipe ends the prompt."""
    done = subprocess.run(
        [sys.executable, "-m", "ic_harness.cli", "repl", "--plain"],
        cwd=counter, env=os.environ | {"PYTHONPATH": SOURCE}, input="counter.get()\n", capture_output=True,
        text=True, check=False, timeout=120,
    )  # fmt: skip
    assert (done.returncode, "5" in done.stdout) == (0, True), done.stderr
    shutil.rmtree(counter / ".ic-harness")
