"""`deploy` for all tests of a module or of the session: canisters that are made once and put back after each test."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from .deployer import Deployer
    from .session_network import SessionNetwork


@pytest.fixture(scope="module")
def ic_module_deploy(request: pytest.FixtureRequest, ic_session: SessionNetwork) -> Iterator[Deployer]:
    """Deploy canisters in a fixture of module scope, as `deploy` does in a test; they are deleted after the module.

    Where the network can snapshot, each test starts from the state that the module's fixtures left.
    """
    deployer = _deployer(request, ic_session, "module_deploy")
    yield deployer
    deployer.remove()


@pytest.fixture(scope="session")
def ic_session_deploy(request: pytest.FixtureRequest, ic_session: SessionNetwork) -> Deployer:
    """Deploy canisters in a fixture of session scope, as `deploy` does in a test."""
    return _deployer(request, ic_session, "session_deploy")


def _deployer(request: pytest.FixtureRequest, session: SessionNetwork, name: str) -> Deployer:
    from .deployer import Deployer  # lazy: start-up time  # noqa: PLC0415

    caller = session.identity(f"{name} {request.node.nodeid}", "")
    return Deployer(session, caller, request.config.rootpath, shared=name)
