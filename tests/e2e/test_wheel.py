"""The wheel that users install holds everything that the packages need, and nothing that is not its own."""

from __future__ import annotations

import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PACKAGES = [ROOT / "src" / "ic_harness", ROOT / "src" / "ic_capsule"]
BUILD = "import sys; from hatchling.build import build_wheel; print(build_wheel(sys.argv[1]))"
USE = """
import ic_harness
from ic_capsule.backend import Backend, reference_wasm
from ic_harness.networks import embedded
from ic_harness.protocol import Ed25519Identity
from ic_capsule.uploads import sample_photo, upload_photo
with embedded() as network, open("photo.jpg", "wb") as file:
    file.write(sample_photo())
    file.flush()
    backend = Backend(network.agent(Ed25519Identity.generate()), network.deploy(reference_wasm()))
    assert upload_photo(backend, "photo.jpg").verified
print(ic_harness.__file__)
"""


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    """The wheel, built from this tree."""
    folder = tmp_path_factory.mktemp("wheel")
    built = subprocess.check_output([sys.executable, "-c", BUILD, str(folder)], cwd=ROOT, text=True)
    return folder / built.split()[-1]


def test_files(wheel):
    """Every file of both packages is in the wheel, with the interface, the modules and the licence beside it."""
    kept = {
        f"{package.name}/{path.relative_to(package).as_posix()}"
        for package in PACKAGES
        for path in package.rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }
    names = set(zipfile.ZipFile(wheel).namelist())
    data = {
        "ic_capsule/_data/backend.did",
        "ic_capsule/_data/backend.wasm.gz",
        "ic_harness/_data/bls.wasm.gz",
        "ic_harness/_data/metering.wasm.gz",
        "ic_harness/_data/tracing.wasm.gz",
    }
    assert kept - names == set()
    assert data <= names
    assert {name for name in names - kept - data if ".dist-info/" not in name} == set()
    assert any(name.endswith("/LICENSE") for name in names)


def test_use(wheel, tmp_path):
    """What is in the wheel is enough to deploy the backend and upload a photo, far from the checkout."""
    site = tmp_path / "site"
    zipfile.ZipFile(wheel).extractall(site)
    environment = {**os.environ, "PYTHONPATH": str(site)}
    out = subprocess.check_output([sys.executable, "-c", USE], cwd=tmp_path, env=environment, text=True)
    assert Path(out.strip()).is_relative_to(site)
