"""The generated client has the interface's methods and arguments, and the door shows all of it."""

from __future__ import annotations

import inspect

import pytest

import ic_capsule.backend
from ic_capsule.backend import AsyncBackend, Backend, _generated, reference_did
from ic_harness import candid


def test_every_method_of_the_interface_is_there():
    """Both clients have every method of the interface under its own name, with as many arguments."""
    for name, method in candid.parse(reference_did()).methods.items():
        for client in (Backend, AsyncBackend):
            parameters = inspect.signature(getattr(client, name)).parameters
            assert len(parameters) == 1 + len(method.arg_types)
        assert inspect.iscoroutinefunction(getattr(AsyncBackend, name))


def test_door_shows_every_model():
    """Whatever is generated can be imported from the door."""
    assert set(_generated.__all__) - {"INTERFACE"} <= set(ic_capsule.backend.__all__)


@pytest.mark.parametrize("client", [Backend, AsyncBackend])
def test_no_method_returns_a_result(client):
    """Results are unwrapped in the annotations too."""
    for name, method in vars(client).items():
        if not name.startswith("_") and callable(method):
            assert "rt.Ok" not in str(method.__annotations__["return"]), name
