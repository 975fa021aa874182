"""What a user writes against this package is typed: `mypy --strict` accepts a right script, and finds mistakes."""

from pathlib import Path

import pytest

from ic_capsule.uploads import sample_photo

from . import typed_script

ROOT = Path(__file__).parents[2]
SCRIPT = Path(typed_script.__file__)


def test_the_script_runs(tmp_path):
    """The script does what its types say."""
    (tmp_path / "photo.jpg").write_bytes(sample_photo())
    seen = typed_script.main(tmp_path / "photo.jpg")
    assert seen["caller"]
    assert seen["ic_py"]
    assert seen["codes"] == [200, 404]
    assert seen["chunks"] == [1_800_000] * 3
    assert str(seen["blob"]).startswith("blob_")
    assert seen["memory"]
    assert seen["generation"] == "H"
    assert seen["refusal"] == "IC0512"
    assert not typed_script.elsewhere("http://127.0.0.1:1", "anonymous")


@pytest.mark.slow
def test_the_script_is_clean_under_mypy():
    """Strict mypy has nothing to say, and needs every `type: ignore` that marks a mistake (unused ones are errors)."""
    mypy = pytest.importorskip("mypy.api")
    options = [
        "--strict",
        "--config-file",
        str(ROOT / "pyproject.toml"),
        "--cache-dir",
        str(ROOT / ".mypy_cache"),
    ]
    report, errors, status = mypy.run([*options, str(SCRIPT)])
    assert status == 0, report + errors


@pytest.mark.slow
def test_mistakes_are_found(tmp_path):
    """Without the marks, strict mypy finds each of the mistakes."""
    mypy = pytest.importorskip("mypy.api")
    text = SCRIPT.read_text(encoding="utf-8")
    (tmp_path / "script.py").write_text(text.replace("# type: ignore", "#"), encoding="utf-8")
    options = [
        "--strict",
        "--config-file",
        str(ROOT / "pyproject.toml"),
        "--cache-dir",
        str(ROOT / ".mypy_cache"),
    ]
    report, _, status = mypy.run([*options, str(tmp_path / "script.py")])
    assert status == 1
    assert report.count(" error: ") == text.count("# type: ignore")
