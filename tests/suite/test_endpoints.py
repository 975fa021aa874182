"""The table of methods and roles is about the interface that there is, and says something of every role."""

from __future__ import annotations

import pytest

from ic_capsule.suite.checks.endpoint_setup import EndpointSetup
from ic_capsule.suite.context import CheckContext
from ic_capsule.suite.endpoints import ENDPOINTS, ROLES, Access
from ic_harness import candid
from ic_harness.networks import embedded
from ic_harness.protocol import Ed25519Identity

from .mutants import ROOT, unplanted

METHODS = candid.parse((ROOT / "candid" / "backend.did").read_text(encoding="utf-8")).methods


def test_every_method_has_a_row():
    """No method of the interface is left out, and no row is about one that there is not."""
    assert set(ENDPOINTS) == set(METHODS)


@pytest.mark.parametrize("endpoint", ENDPOINTS.values(), ids=list(ENDPOINTS))
def test_a_row_fits_its_method(endpoint):
    """As many arguments as the method takes, query or update as it is, and a word for every role."""
    method = METHODS[endpoint.name]
    assert len(endpoint.arguments) == len(method.arg_types)
    assert endpoint.is_query == (method.func.mode == "query")
    assert set(endpoint.answers) == set(ROLES)


def test_who_has_no_right_is_never_let_in():
    """Only the owner and callers with a permission are served by methods that are not public."""
    outsiders = ("subject", "stranger", "anonymous")
    for endpoint in ENDPOINTS.values():
        if endpoint.kind not in ("anyone", "unjudged"):
            assert {endpoint.answers[role] for role in outsiders} == {Access.NEVER}, endpoint.name


def test_a_name_without_a_value_is_an_error():
    """An argument that the setup does not have is no text."""
    with pytest.raises(KeyError):
        ENDPOINTS["memories_read"].called_with({})


def test_the_scene_has_what_arguments_name():
    """On the reference backend every method but the streaming callback can be called."""
    with embedded() as network:
        context = CheckContext(network, network.deploy(unplanted()), lambda _: Ed25519Identity.generate())
        setup = EndpointSetup(context)
        assert [it.name for it in ENDPOINTS.values() if not setup.has(it)] == [
            "http_request_streaming_callback",
            "capsules_create",
        ]
