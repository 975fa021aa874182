"""Former names keep working for one release, with a warning that says the new name."""

import pytest

from ic_harness.networks import Capability, Network


class Recording(Network):
    """A network that records what is called."""

    name = "recording"
    root_key = b""

    def __init__(self):
        self.calls = []

    _new_agent = _new_async_agent = close = None  # type: ignore[assignment]  # abstract, and never called

    def status(self):
        self.calls.append("status")

    def metrics(self, since=0):
        self.calls.append(("metrics", since))

    def log_stream(self, since=0):
        self.calls.append(("log_stream", since))

    def inject_fault(self, kind, **options):
        self.calls.append((kind, options))


@pytest.mark.parametrize(
    ("former", "args", "options", "call"),
    [
        ("ask", (), {}, "status"),
        ("figures", (7,), {}, ("metrics", 7)),
        ("lines", (), {}, ("log_stream", 0)),
        ("order_fault", ("drop_reply",), {"times": 2}, ("drop_reply", {"times": 2})),
    ],
)
def test_former_methods_of_a_network(former, args, options, call):
    """Each former method forwards its arguments and warns where it is called."""
    network = Recording()
    with pytest.warns(DeprecationWarning, match=f"{former}.* is now called") as seen:
        getattr(network, former)(*args, **options)
    assert network.calls == [call]
    assert seen[0].filename == __file__


@pytest.mark.parametrize(
    ("former", "now"),
    [
        ("ROUND", Capability.SINGLE_ROUND),
        ("LINES", Capability.LOG_STREAM),
        ("METER", Capability.METRICS),
    ],
)
def test_former_capabilities(former, now):
    """Former names are aliases, and former values are accepted with a warning."""
    assert Capability[former] is now
    with pytest.warns(DeprecationWarning, match=now.value):
        assert Capability(former.lower()) is now


def test_unknown_capabilities_are_refused():
    """A value that no release had is an error."""
    with pytest.raises(ValueError, match="fly"):
        Capability("fly")
