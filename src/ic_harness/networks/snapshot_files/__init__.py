"""Canister snapshots as folders: downloaded from any network, uploaded to any, continued when interrupted."""

from __future__ import annotations

from .download import download_snapshot
from .manifest import Manifest, check_folder, read_manifest
from .upload import upload_snapshot

__all__ = ["Manifest", "check_folder", "download_snapshot", "read_manifest", "upload_snapshot"]
