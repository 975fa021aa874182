"""Fixtures for tests of capsule backends. Everything heavy is imported when a test first asks for one of them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from ic_capsule.backend import Backend
    from ic_capsule.uploads import UploadedPhoto
    from ic_harness.networks import Network
    from ic_harness.principal import Principal
    from ic_harness.protocol import Identity
    from ic_harness.testing.plugin.tools import Identities

    from .photos import Photos


@pytest.fixture
def backend_for(network: Network, canister_id: Principal) -> Callable[[Identity], Backend]:
    """Make a client of the backend for another caller: `backend_for(identity("bob"))`."""
    from ic_capsule.backend import open_backend  # lazy: start-up time  # noqa: PLC0415

    return lambda caller: open_backend(network.agent(caller), canister_id)


@pytest.fixture
def backend(backend_for: Callable[[Identity], Backend], identity: Identities) -> Backend:
    """Give a client of the backend under test that calls as the test's own identity."""
    return backend_for(identity())


@pytest.fixture
def capsule(backend: Backend) -> str:
    """Give the id of a capsule of the test's own identity."""
    return backend.capsules_create(None).id


@pytest.fixture
def photo(tmp_path: Path) -> Photos:
    """Make real photos: `photo()` is a path to one, `photo(size=5_000_000, kind="jpeg")` to a larger one."""
    from .photos import Photos  # lazy: start-up time  # noqa: PLC0415

    return Photos(tmp_path)


@pytest.fixture
def upload(backend: Backend, capsule: str) -> Callable[[Path], UploadedPhoto]:
    """Upload a photo into the test's own capsule: `upload(photo())`."""
    from ic_capsule.uploads import upload_photo  # lazy: start-up time  # noqa: PLC0415

    return lambda path: upload_photo(backend, path, capsule)
