"""A network behind a URL: the embedded replica served over HTTP."""

from __future__ import annotations

import pytest

from ic_harness.agent import CallableTransport, Response
from ic_harness.errors import CertificateError, HttpStatusError, RejectError
from ic_harness.networks import Capability, connect, deploy_canister, embedded
from ic_harness.principal import Principal
from ic_harness.replica import serve

from .conftest import COUNTER_DID


@pytest.fixture
def remote(network):
    """The embedded network, as others see it over HTTP."""
    server = serve(network.replica)
    with connect(server.url) as running:
        yield running
    server.stop()


def test_root_key_is_fetched(remote, network):
    """The root key of a local network is the one that it tells."""
    assert remote.root_key == network.root_key
    assert remote.name == remote.url


def test_canister_works_over_http(remote, counter_wasm):
    """A canister can be made, installed, upgraded and called over HTTP."""
    counter = deploy_canister(remote, counter_wasm, interface=COUNTER_DID)
    assert counter.increment() == 1
    remote.install(counter.canister_id, counter_wasm, mode="upgrade")
    assert counter.get() == 0


def test_local_networks_can_what_http_can(remote):
    """What HTTP alone cannot do is not among the capabilities."""
    assert remote.capabilities == {Capability.CREATE, Capability.UPGRADE, Capability.LOGS}


def test_logs_are_read_over_http(remote, counter_wasm):
    """What a canister printed is read through the management canister, for its controllers only."""
    counter = deploy_canister(remote, counter_wasm, interface=COUNTER_DID)
    counter.increment()
    assert remote.logs(counter.canister_id) == ["counted"]
    with connect(remote.url) as stranger, pytest.raises(RejectError):
        stranger.logs(counter.canister_id)


def test_wrong_root_key_is_noticed(remote):
    """With another root key than the network's, no answer is believed."""
    with embedded(seed=b"another") as other:
        wrong = connect(remote.url, root_key=other.root_key)
    with wrong, pytest.raises(CertificateError):
        wrong.create_canister()


def test_id_of_no_subnet_does_not_exist(remote):
    """An id that no canister of the network can have leads to none, instead of to an HTTP error."""
    assert not remote.exists(Principal(bytes(28) + b"\x02"))
    assert remote.exists(remote.create_canister())


def test_other_http_errors_are_told(remote, monkeypatch):
    """Any other HTTP error is no answer to whether a canister exists."""
    broken = CallableTransport(lambda _request: Response(403, {}, b"not for you"))
    monkeypatch.setitem(vars(remote), "_transport", broken)
    with pytest.raises(HttpStatusError, match="not for you"):
        remote.exists(Principal.management())
