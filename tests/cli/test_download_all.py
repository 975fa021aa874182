"""`ic-harness download --all`: names, verification, continuation, exit statuses."""

from __future__ import annotations

import hashlib
import io
import json
import random
import signal
import sys
from pathlib import Path

import pytest
from PIL import Image

from ic_capsule.uploads import DownloadFolder
from ic_capsule.uploads.archive import WORK, StoredAsset, file_name
from ic_harness.errors import InputError
from tests.amounts import amount

from .conftest import refused


def noise(seed: int, edge: int = 64) -> bytes:
    """A JPEG of its own."""
    made = io.BytesIO()
    Image.frombytes("RGB", (edge, edge), random.Random(seed).randbytes(edge * edge * 3)).save(
        made, "JPEG", quality=95
    )
    return made.getvalue()


@pytest.fixture
def stored(run, tmp_path):
    """Four memories: three photos, two of them of one name, and a note; their contents by name of folder and file."""
    contents = {
        "a/photo.jpg": noise(1),
        "b/PHOTO.jpg": noise(2),
        "c/other.jpg": noise(1),
        "c/note.txt": b"a note",
    }
    for name, content in contents.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(content)
    result = run("upload", *(tmp_path / name for name in contents), "--json")
    assert result.exit_code == 0, result.stderr
    return contents


def files(folder):
    """The files of a folder, by name."""
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def lines(result):
    return [json.loads(line) for line in result.stdout.splitlines()]


def test_originals(run, stored, tmp_path):
    """Every original comes under its name, equal names get different ones, and the second time all are skipped."""
    out = tmp_path / "out"
    result = run("download", "--all", "-o", out)
    assert result.exit_code == 0, result.output
    assert "4 memories: 4 files written: " in result.stderr
    found = files(out)
    assert sorted(found.values()) == sorted(stored.values())
    assert {"photo.jpg", "other.jpg", "note.txt"} <= set(found)
    assert len({name.casefold() for name in found}) == 4
    before = {path.name: path.stat().st_mtime_ns for path in out.iterdir()}
    again = run("download", "--all", "-o", out, "--json")
    assert again.exit_code == 0
    assert "0 files written, 4 already there" in again.stderr
    assert [(row["present"], row["asset"]) for row in lines(again)] == [(True, "Original")] * 4
    assert {path.name: path.stat().st_mtime_ns for path in out.iterdir()} == before


def test_all_assets(run, stored, tmp_path):
    """`--asset all` writes each asset of each memory; a note has its original alone."""
    result = run("download", "--all", "-o", tmp_path / "out", "--asset", "all", "--json")
    assert result.exit_code == 0, result.output
    rows = lines(result)
    assert len(rows) == 3 * 4 + 1
    assert (tmp_path / "out" / "photo-thumbnail.webp").read_bytes()[:4] == b"RIFF"
    assert all(Path(row["path"]).stat().st_size == row["bytes"] for row in rows)


def test_files_that_are_there(run, stored, tmp_path):
    """A file with other bytes stays; the asset gets a name beside it, which is found the next time."""
    out = tmp_path / "out"
    out.mkdir()
    (out / "photo.jpg").write_bytes(b"mine")
    (out / "note.txt").mkdir()
    for written, there in ((4, 0), (0, 4)):
        rows = lines(run("download", "--all", "-o", out, "--json", "--quiet"))
        assert (sum(not row["present"] for row in rows), sum(row["present"] for row in rows)) == (
            written,
            there,
        )
    assert (out / "photo.jpg").read_bytes() == b"mine"
    assert (out / "note.txt").is_dir()


def test_failures(run, stored, tmp_path):
    """A memory without that asset is named with its status, and the others are downloaded."""
    result = run("download", "--all", "-o", tmp_path / "out", "--asset", "display", "--json")
    assert result.exit_code == 2
    failed = [row for row in lines(result) if "error" in row]
    assert [row["exit_status"] for row in failed] == [2]
    assert "has no asset Display" in failed[0]["error"]
    assert "3 files written, 1 failed" in result.stderr
    quiet = run("download", "--all", "-o", tmp_path / "out", "--quiet")
    assert (quiet.exit_code, quiet.output) == (0, "")


def test_wrong_arguments(run, stored, tmp_path):
    """Contradictions, a folder that is a file, and one in use are refused with status 2."""
    out = tmp_path / "out"
    for words in (["--all", "mem_1"], [], ["mem_1", "--capsule", "x"], ["mem_1", "--asset", "all"]):
        assert run("download", *words, "-o", out).exit_code == 2
    (tmp_path / "file").write_text("")
    refused(run("download", "--all", "-o", tmp_path / "file"), 2, "cannot write into")
    with DownloadFolder(out):
        refused(run("download", "--all", "-o", out), 2, "another process downloads")
    assert list(out.iterdir()) == []
    other = tmp_path / "other"
    other.mkdir()
    (other / "precious").write_text("")
    (out / WORK).symlink_to(other)
    with pytest.raises(InputError, match="symbolic link"):
        DownloadFolder(out)
    assert (other / "precious").exists()


@pytest.mark.parametrize(
    ("name", "made"),
    [
        ("photo.jpg", "photo.jpg"),
        ("../../etc/passwd", "_._etc_passwd"),
        ("..", "memory"),
        ("", "memory"),
        (".hidden", "hidden"),
        ("a\x1b[2J\u202eb\n.jpg", "a_[2J_b_.jpg"),
        ('a<b>:"c|?*.png', "a_b___c___.png"),
        ("CON.jpg", "_CON.jpg"),
        ("lpt1", "_lpt1"),
        ("console.jpg", "console.jpg"),
        ("name. . ", "name"),
        ("e\u0301.jpg", "\u00e9.jpg"),
    ],
)
def test_names(name, made):
    """A name is one that every file system takes, and changes as little as possible."""
    asset = StoredAsset(
        memory_id="m", asset_type="Original", name=name, mime_type="image/jpeg", size=0, sha256=None
    )
    assert file_name(asset) == made


def test_long_names():
    """Long names are cut between characters; the mark and the extension stay."""
    asset = StoredAsset(
        memory_id="m", asset_type="Original", name="\u00e9" * 300 + ".jpeg", mime_type="", size=0, sha256=None
    )
    made = file_name(asset, "-mark")
    assert made.endswith("\u00e9-mark.jpeg")
    assert len(made.encode()) <= 180


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="SIGKILL")
def test_kills(run, spawn, tmp_path):
    """Killed at random moments, a download continues: at last all files are there and right, and nothing else."""
    contents = [noise(seed, 600) for seed in range(12)]
    for number, content in enumerate(contents):
        (tmp_path / f"{number}.jpg").write_bytes(content)
    assert run("upload", *sorted(tmp_path.glob("*.jpg")), "--quiet").exit_code == 0
    out, chance, kills = tmp_path / "out", random.Random(15), 0
    for _ in range(amount(6, thorough=30)):
        process = spawn("download", "--all", "-o", out, "--json")
        for _ in range(chance.randint(0, 3)):
            process.stdout.readline()
        process.send_signal(signal.SIGKILL)
        process.wait()
        kills += 1
        whole = {hashlib.sha256(content).digest() for content in contents}
        there = [path for path in out.iterdir() if path.name != WORK] if out.exists() else []
        assert all(hashlib.sha256(path.read_bytes()).digest() in whole for path in there)
    result = run("download", "--all", "-o", out)
    assert (result.exit_code, kills > 0) == (0, True), result.output
    assert files(out) == {f"{number}.jpg": content for number, content in enumerate(contents)}
