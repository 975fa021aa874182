"""Bad input: one line that says what and why, the right exit status, nothing half-made."""

from __future__ import annotations

import json

import pytest

from .conftest import refused


def bomb(path):
    """Write a PNG of a few hundred bytes that claims to be 60,000 pixels wide and high."""
    import struct
    import zlib

    def chunk(kind, data):
        checksum = struct.pack(">I", zlib.crc32(kind + data))
        return struct.pack(">I", len(data)) + kind + data + checksum

    header = struct.pack(">IIBBBBB", 60000, 60000, 8, 2, 0, 0, 0)
    pixels = zlib.compress(bytes(100_000), 9)
    path.write_bytes(
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", pixels) + chunk(b"IEND", b"")
    )


def make_bad(kind, path, photo):
    """Put something at `path` that is no photo."""
    match kind:
        case "text":
            path.write_text("this is no image")
        case "empty":
            path.write_bytes(b"")
        case "truncated":
            path.write_bytes(photo.read_bytes()[: photo.stat().st_size // 2])
        case "folder":
            path.mkdir()
        case "bomb":
            bomb(path)


@pytest.mark.parametrize("kind", ["text", "empty", "truncated", "missing", "folder", "bomb"])
def test_bad_photo_is_refused(run, tmp_path, photo, kind):
    """What cannot become four assets is refused by name with status 2, and nothing is stored."""
    bad = tmp_path / "bad.jpg"
    make_bad(kind, bad, photo)
    refused(run("upload", bad), 2, "bad.jpg")
    assert memories(run) == 0


def memories(run):
    """Count the memories and open sessions in the caller's capsule."""
    listed = run("call", "backend", "capsules_list", "--json")
    if listed.exit_code:
        return 0
    headers = json.loads(listed.stdout)[0]
    return sum(header["memory_count"] for header in headers)


def test_good_photos_beside_a_bad_one_are_stored(run, tmp_path, photo):
    """One bad photo among good ones is reported by name, the others are stored, and the exit status is not zero."""
    (tmp_path / "bad.jpg").write_text("no image")
    result = run("upload", tmp_path / "bad.jpg", photo, "--json")
    assert result.exit_code == 2
    bad, good = (json.loads(line) for line in result.stdout.splitlines())
    assert (bad["photo"], good["photo"]) == (str(tmp_path / "bad.jpg"), str(photo))
    assert "bad.jpg" in bad["error"]
    assert "error" not in good
    error, summary = result.stderr.splitlines()
    assert "bad.jpg" in error
    assert summary.startswith("1 of 2 files stored, 1 failed: ")


@pytest.mark.parametrize(
    "content", [b"", b"no key", b"-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n"]
)
def test_pem_that_is_no_key_is_refused(run, tmp_path, photo, content):
    """A PEM file without a usable key is refused by name, and the state folder is not even made."""
    (tmp_path / "me.pem").write_bytes(content)
    refused(run("upload", photo, "--identity", tmp_path / "me.pem"), 2, "me.pem")
    assert not (tmp_path / ".ic-harness").exists()


def test_missing_pem_is_refused(run, photo, tmp_path):
    """A key file that is not there is refused by name."""
    refused(run("upload", photo, "--identity", tmp_path / "none.pem"), 2, "none.pem")


def test_silent_network_is_told(run, photo, unused_port):
    """A network that does not answer fails with status 1 and the address."""
    refused(run("upload", photo, "--network", f"http://127.0.0.1:{unused_port}"), 1, str(unused_port))


@pytest.mark.parametrize(
    ("args", "words"),
    [
        (["--network", "nowhere"], ["no network 'nowhere'"]),
        (["--network", "ftp://x"], ["no address"]),
        (["--canister-id", "not-an-id"], ["not-an-id"]),
    ],
)
def test_wrong_place_is_refused(run, photo, args, words):
    """A network or canister id that cannot be is refused with status 2."""
    refused(run("upload", photo, *args), 2, *words)


def test_mainnet_needs_a_canister_id(run, photo):
    """Where canisters cost cycles none is made by itself: without an id the upload is refused, unsent."""
    refused(run("upload", photo, "--network", "ic"), 2, "--canister-id")


def test_canister_that_is_not_there_is_told(run, photo):
    """An unused canister id fails with status 1 and the id."""
    missing = "bkyz2-fmaaa-aaaaa-qaaaq-cai"
    refused(run("upload", photo, "--canister-id", missing), 1, missing)


@pytest.mark.parametrize("target", ["blob_", "blob_x", "blob_99999999999999999999"])
def test_wrong_locator_is_refused(run, tmp_path, target):
    """A text that looks like a locator and is none is refused with status 2."""
    refused(run("download", target, "-o", tmp_path / "out"), 2, target)


@pytest.mark.parametrize("target", ["blob_5", "00000000-0000-0000-0000-000000000000"])
def test_what_is_not_there_cannot_be_downloaded(run, tmp_path, target):
    """An unknown blob or memory fails with status 1, and nothing is written."""
    refused(run("download", target, "-o", tmp_path / "out"), 1, "NotFound")
    assert not (tmp_path / "out").exists()


def test_damaged_notes_are_told_and_kept(run, tmp_path, photo):
    """A damaged canisters.json is refused with what to do, and stays as it is."""
    (tmp_path / ".ic-harness").mkdir()
    (tmp_path / ".ic-harness" / "canisters.json").write_text("{")
    refused(run("upload", photo), 1, "canisters.json", "delete it")
    assert (tmp_path / ".ic-harness" / "canisters.json").read_text() == "{"


def test_trap_is_told(run, tmp_path, photo, trapping_canister):
    """A canister that traps fails with status 1, the method and the canister's words."""
    refused(run("upload", photo, "--canister-id", trapping_canister), 1, "trap", in_lines=True)
