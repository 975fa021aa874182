"""Another derivative with another codec is added in one file: the table `ic_capsule.assets`."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

from ic_capsule.backend import reference_wasm

ROOT = Path(__file__).resolve().parents[2]
CODE = """
import sys
from pathlib import Path

import ic_capsule.assets
from PIL import Image

from ic_capsule.assets import ASSETS, BLOBS, PREVIEW
from ic_capsule.backend import open_backend
from ic_capsule.uploads import download_asset, upload_photo
from ic_harness.networks import embedded
from ic_harness.protocol import Ed25519Identity

folder = Path(sys.argv[1])
assert Path(ic_capsule.assets.__file__).is_relative_to(folder), ic_capsule.assets.__file__
assert (ASSETS[2], BLOBS[1], PREVIEW.name) == ("Preview", "Preview", "Thumbnail")
photo = folder / "photo.jpg"
Image.linear_gradient("L").resize((1600, 1200)).save(photo)
with embedded() as network:
    canister = network.deploy((folder / "backend.wasm.gz").read_bytes())
    backend = open_backend(network.agent(Ed25519Identity.generate()), canister)
    done = upload_photo(backend, photo)
    assert done.verified
    assert [asset.mime_type for asset in done.assets].count("image/avif") == 1
    for name, codec, edge in [("Preview", "AVIF", 1024), ("Display", "WEBP", 1600), ("Thumbnail", "WEBP", 512)]:
        target = folder / name
        download_asset(backend, done.memory_id, target, name)
        with Image.open(target) as image:
            assert (image.format, max(image.size)) == (codec, edge), (name, image.format, image.size)
    print([asset.asset_type for asset in done.assets])
"""
ROW = """    DerivativeSpec("Preview", "Display", 1024, "AVIF", "image/avif", "blob", {"quality": 50, "speed": 9}),
"""


def test_a_preview_as_avif_takes_one_file(tmp_path):
    """A row and a name in the table are enough: it is rendered, uploaded, compared, and downloaded by its name."""
    import ic_capsule
    import ic_harness

    for package in (ic_capsule, ic_harness):
        (folder,) = package.__path__
        ignored = shutil.ignore_patterns("__pycache__")
        shutil.copytree(folder, tmp_path / package.__name__, ignore=ignored)
    table = tmp_path / "ic_capsule" / "assets.py"
    text = table.read_text(encoding="utf-8")
    names, thumbnail = 'Literal["Display", "Thumbnail", "Placeholder"]', '    DerivativeSpec("Thumbnail"'
    assert text.count(thumbnail) == 1
    changed = text.replace(names, 'Literal["Display", "Preview", "Thumbnail", "Placeholder"]', 1)
    table.write_text(changed.replace(thumbnail, ROW + thumbnail), encoding="utf-8")
    (tmp_path / "backend.wasm.gz").write_bytes(reference_wasm())
    for module in ("bls", "metering", "tracing"):  # where an installed package has them
        data = tmp_path / "ic_harness" / "_data"
        data.mkdir(exist_ok=True)
        shutil.copy(ROOT / "fixtures" / module / f"{module}.wasm.gz", data)
    environment = {**os.environ, "PYTHONPATH": str(tmp_path)}
    ran = subprocess.run(
        [sys.executable, "-c", CODE, str(tmp_path)],
        env=environment, capture_output=True, text=True, timeout=300, check=False,
    )  # fmt: skip
    assert ran.returncode == 0, ran.stderr
    assert ran.stdout.strip() == "['Original', 'Display', 'Display', 'Thumbnail', 'Placeholder']"
