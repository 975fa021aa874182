"""`ic-harness replica start`: a state folder served over HTTP, and given back in order."""

from __future__ import annotations

import json
import signal

import pytest

from .conftest import refused


@pytest.fixture
def server(spawn):
    """A running replica on a free port: its first line, and the process."""
    process = spawn("replica", "start", "--json")
    line = process.stdout.readline()
    assert line, process.stderr.read()
    return json.loads(line), process


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_stops_in_order(server, number, run):
    """Ctrl-C and SIGTERM end it with status 0 and without a word, and the folder can be used again."""
    _, process = server
    process.send_signal(number)
    out, err = process.communicate(timeout=20)
    assert (process.returncode, out, err) == (0, "", "")
    assert run("call", "aaaaa-aa", "x").exit_code == 2


def test_first_line_tells_url_and_root_key(server):
    """With `--json` the first line is the URL and the DER root key."""
    told, _ = server
    assert told["url"].startswith("http://127.0.0.1:")
    assert len(bytes.fromhex(told["root_key"])) == 133


def test_photo_goes_over_http_and_comes_back_embedded(server, run, tmp_path, photo):
    """What is uploaded over HTTP is found by the embedded network when the server has stopped."""
    told, process = server
    uploaded = run("upload", photo, "--json", "--network", told["url"])
    assert uploaded.exit_code == 0, uploaded.stderr
    stored = json.loads(uploaded.stdout)
    assert stored["network"] == told["url"]
    process.terminate()
    process.communicate(timeout=20)
    done = run("download", stored["memory_id"], "-o", tmp_path / "out")
    assert done.exit_code == 0, done.stderr
    assert (tmp_path / "out").read_bytes() == photo.read_bytes()


def test_folder_in_use_is_told(server, run, photo):
    """While a replica serves the folder, the embedded network names its process and its URL."""
    told, process = server
    refused(run("upload", photo), 1, f"process {process.pid}", f"--network {told['url']}")


def test_port_in_use_is_told(server, spawn, tmp_path):
    """A port that is in use is an error of one line with status 1."""
    told, _ = server
    port = told["url"].rsplit(":", 1)[1]
    second = spawn("replica", "start", "--port", port, "--state-dir", tmp_path / "other")
    _, err = second.communicate(timeout=20)
    assert second.returncode == 1
    assert port in err
    assert len(err.splitlines()) == 1


@pytest.mark.parametrize(
    ("options", "problem"),
    [
        (["--slice-instructions", "1"], "a slice can have 1,000,000 to"),
        (["--slice-instructions", "20M", "--round-instructions", "10M"], "a round can have 20,000,000 to"),
        (["--slice-instructions", "many"], "a number of instructions is a positive integer"),
        (["--threshold-key", "own", "--threshold-key", "key_1"], "there is a key 'key_1' already"),
    ],
    ids=str,
)
def test_slices_and_keys_that_cannot_be(run, options, problem):
    """The options reach the replica, which says what is wrong with them."""
    refused(run("replica", "start", *options), 2, problem)


def test_a_further_threshold_key(spawn):
    process = spawn("replica", "start", "--json", "--slice-instructions=20M", "--threshold-key=own")
    assert json.loads(process.stdout.readline())["url"]
