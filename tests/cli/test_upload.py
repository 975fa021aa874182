"""`ic-harness upload` and `download` on the embedded network: what was stored comes back."""

from __future__ import annotations

import hashlib
import json
import os

import pytest

from ic_capsule.cli.batch import Batch
from ic_capsule.uploads import make_large_jpeg
from ic_harness.units import human_bytes

from .conftest import refused

ASSET_KEYS = {"asset_type", "asset_id", "locator", "bytes", "sha256", "mime_type", "width", "height"}


@pytest.fixture
def stored(run, photo):
    """One uploaded photo, as its JSON object."""
    result = run("upload", photo, "--json")
    assert result.exit_code == 0, result.stderr
    return json.loads(result.stdout)


def test_json_has_every_key(stored, photo):
    """`--json` prints one object with the documented keys, and nothing on standard error."""
    keys = "photo network canister_id capsule_id memory_id seconds bytes verified assets"
    assert set(stored) == set(keys.split())
    assert stored["photo"] == str(photo)
    assert stored["network"] == "embedded"
    assert stored["verified"] is True
    assert stored["bytes"] == photo.stat().st_size


def test_json_tells_the_four_assets(stored, photo):
    """The assets are original, display, thumbnail and placeholder; only the placeholder is inline."""
    assets = {asset["asset_type"]: asset for asset in stored["assets"]}
    assert list(assets) == ["Original", "Display", "Thumbnail", "Placeholder"]
    assert [name for name, asset in assets.items() if asset["locator"] is None] == ["Placeholder"]
    assert assets["Original"]["sha256"] == hashlib.sha256(photo.read_bytes()).hexdigest()
    for asset in assets.values():
        assert set(asset) == {
            "asset_type",
            "asset_id",
            "locator",
            "bytes",
            "sha256",
            "mime_type",
            "width",
            "height",
        }
        assert max(asset["width"], asset["height"]) <= 2048 or asset["asset_type"] == "Original"


@pytest.mark.parametrize("as_json", [False, True])
def test_a_name_that_is_not_utf8(run, photo, tmp_path, as_json):
    """Bytes of a file name that are no UTF-8 are replaced, in the backend and in all that is printed."""
    named = tmp_path / os.fsdecode(b"caf\xe9 \x1b[2J.jpg")
    named.write_bytes(photo.read_bytes())
    os.utime(named, (-5, -5))
    result = run("upload", named, *(["--json"] if as_json else []))
    assert result.exit_code == 0, result.stderr
    result.stdout.encode()
    assert "\x1b" not in result.stdout
    if as_json:
        assert json.loads(result.stdout)["photo"].endswith("caf\ufffd \x1b[2J.jpg")
    missing = run("upload", tmp_path / os.fsdecode(b"\xff\x1b[31m"))
    assert missing.exit_code == 2
    assert "\x1b" not in missing.stderr


@pytest.mark.parametrize("asset", ["original", "display", "thumbnail", "placeholder"])
def test_every_asset_downloads(run, stored, tmp_path, asset):
    """The next command writes any asset of the memory to a file, byte for byte."""
    target = tmp_path / "out"
    result = run("download", stored["memory_id"], "--asset", asset, "-o", target)
    assert result.exit_code == 0, result.stderr
    expected = next(item for item in stored["assets"] if item["asset_type"].lower() == asset)
    assert hashlib.sha256(target.read_bytes()).hexdigest() == expected["sha256"]


def test_locator_downloads(run, stored, tmp_path, photo):
    """A blob can be downloaded by its locator."""
    result = run("download", stored["assets"][0]["locator"], "-o", tmp_path / "out")
    assert result.exit_code == 0, result.stderr
    assert (tmp_path / "out").read_bytes() == photo.read_bytes()


def test_same_photo_again_is_the_same_memory(run, stored, photo):
    """Uploading a photo that is already stored returns its memory."""
    again = json.loads(run("upload", photo, "--json").stdout)
    assert again | {"seconds": stored["seconds"]} == stored


def test_several_photos_are_several_objects(run, photo, tmp_path):
    """Each photo is one JSON object on a line of its own."""
    other = tmp_path / "other.jpg"
    other.write_bytes(make_large_jpeg(150_000))
    lines = run("upload", photo, other, "--json").stdout.splitlines()
    assert [json.loads(line)["photo"] for line in lines] == [str(photo), str(other)]


def test_table_names_every_asset(run, photo):
    """Without `--json` a table shows the four assets, and no bar when the output is no terminal."""
    result = run("upload", photo)
    assert result.exit_code == 0, result.stderr
    assert all(name in result.stdout for name in ("Original", "Display", "Thumbnail", "Placeholder", "blob_"))
    assert hashlib.sha256(photo.read_bytes()).hexdigest() in result.stdout
    assert result.stderr == ""


def test_key_of_the_caller_is_kept_private(run, stored, tmp_path):
    """The caller's key is made on first use, readable by its owner only."""
    key = tmp_path / ".ic-harness" / "identity.pem"
    assert key.stat().st_mode & 0o777 == 0o600


def test_stranger_cannot_download(run, stored, tmp_path):
    """Another identity finds neither memory nor blob, and nothing is written."""
    from ic_harness.protocol import Ed25519Identity, dump_pem

    (tmp_path / "other.pem").write_bytes(dump_pem(Ed25519Identity.generate()))
    for target in (stored["memory_id"], stored["assets"][0]["locator"]):
        result = run("download", target, "-o", tmp_path / "out", "--identity", tmp_path / "other.pem")
        refused(result, 1)
        assert not (tmp_path / "out").exists()


def test_capsule_of_another_is_refused(run, stored, photo, tmp_path):
    """Storing into a capsule that is not the caller's fails, and says so."""
    refused(run("upload", photo, "--capsule", "capsule_0"), 1, "NotFound")


def test_a_folder_is_uploaded_with_all_that_is_in_it(run, photo, tmp_path):
    """Photos with four assets, a note with its original alone; sidecars are left out."""
    folder = tmp_path / "folder" / "inner"
    folder.mkdir(parents=True)
    (folder / "photo.jpg").write_bytes(photo.read_bytes())
    (folder / "photo.xmp").write_text("sidecar")
    (folder.parent / "note.txt").write_text("a note")
    result = run("upload", folder.parent, "--json")
    assert result.exit_code == 0, result.stderr
    stored = [json.loads(line) for line in result.stdout.splitlines()]
    assert sorted(len(one["assets"]) for one in stored) == [1, 4]


def test_failures_are_objects_too(run, photo, tmp_path):
    """With `--json` a file that cannot be stored is an object with its error; a summary counts all files."""
    (tmp_path / "empty.jpg").write_bytes(b"")
    result = run("upload", photo, tmp_path / "empty.jpg", tmp_path / "missing\x1b[2J.jpg", "--json")
    assert result.exit_code == 2
    first, *failed = [json.loads(line) for line in result.stdout.splitlines()]
    assert first["verified"] is True
    assert [(one["exit_status"], one["network"]) for one in failed] == [(2, "embedded")] * 2
    assert "empty" in failed[0]["error"]
    assert "\x1b" not in failed[1]["error"] + result.stderr
    assert "1 of 3 files stored, 2 failed: " in result.stderr.splitlines()[-1]


def test_quiet(run, photo, tmp_path):
    """`--quiet` prints failures only."""
    assert run("upload", photo, photo, "--quiet").output == ""
    result = run("upload", photo, tmp_path / "missing.jpg", "-q")
    assert (result.exit_code, result.stdout) == (2, "")
    (line,) = result.stderr.splitlines()
    assert "missing.jpg" in line


def test_the_summary_of_a_batch(tmp_path):
    """Files are counted by what became of them, bytes of the stored ones alone; those never tried are named."""
    paths = tuple(tmp_path / name for name in ("a", "b", "c", "gone"))
    for path in paths[:3]:
        path.write_bytes(bytes(1000))
    times = iter((10.0, 12.0))
    batch = Batch(paths, now=lambda: next(times))
    assert (batch.total, batch.place, batch.is_one) == (3000, "file 1 of 4", False)
    batch.done(paths[0], stored=True)
    batch.done(paths[1], stored=False)
    assert (batch.sent, batch.place) == (2000, "file 3 of 4")
    summary = batch.summary()
    assert summary.startswith("1 of 4 files stored, 1 failed, 2 not tried: ")
    assert summary.endswith(f"in 2.0 s ({human_bytes(500)}/s)")
