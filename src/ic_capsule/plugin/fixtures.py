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
    from ic_harness.testing.plugin.fixture_types import Identities

    from .photos import Photos


@pytest.fixture
def ic_backend_for(ic_network: Network, ic_canister_id: Principal) -> Callable[[Identity], Backend]:
    """Make a client of the backend for another caller: `ic_backend_for(ic_identity("bob"))`."""
    from ic_capsule.backend import open_backend  # lazy: start-up time  # noqa: PLC0415

    return lambda caller: open_backend(ic_network.agent(caller), ic_canister_id)


@pytest.fixture
def ic_backend(ic_backend_for: Callable[[Identity], Backend], ic_identity: Identities) -> Backend:
    """Return a client of the backend under test that calls as the test's own identity."""
    return ic_backend_for(ic_identity())


@pytest.fixture
def ic_capsule_id(ic_backend: Backend) -> str:
    """Return the id of a capsule of the test's own identity."""
    return ic_backend.capsules_create(None).id


@pytest.fixture
def ic_photo(tmp_path: Path) -> Photos:
    """Make real photos: `photo()` is a path to one, `photo(size=5_000_000, kind="jpeg")` to a larger one."""
    from .photos import Photos  # lazy: start-up time  # noqa: PLC0415

    return Photos(tmp_path)


@pytest.fixture
def ic_upload(ic_backend: Backend, ic_capsule_id: str) -> Callable[[Path], UploadedPhoto]:
    """Upload a photo into the test's own capsule: `upload(photo())`."""
    from ic_capsule.uploads import upload_photo  # lazy: start-up time  # noqa: PLC0415

    return lambda path: upload_photo(ic_backend, path, ic_capsule_id)


# The short names, which give way to fixtures of the project.


@pytest.fixture
def backend_for(ic_backend_for: Callable[[Identity], Backend]) -> Callable[[Identity], Backend]:
    """Return `ic_backend_for`: `backend_for(identity("bob"))` is the backend for another caller."""
    return ic_backend_for


@pytest.fixture
def backend(ic_backend: Backend) -> Backend:
    """Return `ic_backend`: a client of the backend under test."""
    return ic_backend


@pytest.fixture
def capsule(ic_capsule_id: str) -> str:
    """Return `ic_capsule_id`: the id of a capsule of the test's own identity."""
    return ic_capsule_id


@pytest.fixture
def photo(ic_photo: Photos) -> Photos:
    """Return `ic_photo`: `photo(size=5_000_000, kind="jpeg")` is a path to a real photo."""
    return ic_photo


@pytest.fixture
def upload(ic_upload: Callable[[Path], UploadedPhoto]) -> Callable[[Path], UploadedPhoto]:
    """Return `ic_upload`: `upload(photo())` stores a photo in the test's own capsule."""
    return ic_upload
