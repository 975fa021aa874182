"""The marker `ic`: limits of instructions and rounds for one test."""

from __future__ import annotations

import pytest

from tests.replica.support import CANISTERS

HEAD = """
import pytest

@pytest.fixture
def rust(deploy):
    return deploy("rust.wasm.gz", 0, candid="rust.did")
"""


@pytest.fixture
def rust(user):
    for name in ("rust.wasm.gz", "rust.did"):
        (user.path / name).write_bytes((CANISTERS / "rust" / name).read_bytes())


def test_runaway_loop_ends_with_the_usual_reject(outcome, rust):
    """A loop without end is ended at the limit of its test, as usual; the next test has none."""
    source = """
        from ic_harness.testing import reverts

        @pytest.mark.ic(instructions="2M")
        def test_ends(rust):
            with reverts("IC0522") as caught:
                rust.spin()
            assert "the limit of 2000000 instructions" in str(caught.error)
            assert rust.get() == 0

        def test_unlimited(network):
            assert network.replica.node.instances.engine.message_limit.instructions is None
        """
    outcome(_joined(source)).assert_outcomes(passed=2)


def test_rounds_are_limited(outcome, rust):
    """The call that takes a round too many fails with a sentence, and only its test."""
    source = """
        @pytest.mark.ic(rounds=10)
        def test_fails(rust):
            for _ in range(20):
                rust.add(1)

        def test_goes_on(rust):
            for _ in range(20):
                rust.add(1)
        """
    result = outcome(_joined(source))
    result.assert_outcomes(passed=1, failed=1)
    result.stdout.fnmatch_lines(["E *the limit of 10 rounds is used up: *the last message was add of *"])


def test_closest_marker_wins(outcome, rust):
    """A limit of a test replaces that of its class and module, key by key."""
    source = """
        pytestmark = pytest.mark.ic(instructions="1k", rounds=1000)

        @pytest.mark.ic(instructions=5_000_000)
        class TestLimits:
            def test_of_the_class(self, rust):
                rust.add(1)

            @pytest.mark.ic(instructions="1K")
            def test_own(self, rust):
                with pytest.raises(Exception, match="limit of 1000 instructions"):
                    rust.add(1)
        """
    outcome(_joined(source)).assert_outcomes(passed=2)


def test_networks_without_limits_run_the_test(outcome):
    """Where a network cannot limit messages, its own limits hold."""
    source = "import pytest\n@pytest.mark.ic(instructions='1B')\ndef test(network): pass"
    outcome(source, "--network", "http://127.0.0.1:1").assert_outcomes(passed=1)


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        ("instruction='1B'", "has no key 'instruction'; did you mean instructions*"),
        ("limit=1", "has no key 'limit'; there are: instructions, rounds, subnets, history"),
        ("instructions='a lot'", "instructions='a lot': a number of instructions is a positive integer*"),
        ("instructions=0", "instructions=0: *"),
        ("instructions='1.0000000001k'", "instructions=*"),
        ("instructions=1e9", "instructions=1000000000.0: *"),
        ("rounds='many'", "rounds='many': a limit of rounds is a positive integer"),
        ("rounds=True", "rounds=True: *"),
        ("'1B'", "takes keywords only*'1B'"),
    ],
)
def test_what_is_no_limit_is_refused(outcome, arguments, told):
    """A marker that means nothing ends the run before any test, and names the test."""
    result = outcome(f"import pytest\n@pytest.mark.ic({arguments})\ndef test(): pass")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines([f"*::test: the marker ic {told}"])


def test_limit_above_the_networks_own_is_told(outcome):
    """The limit of the Internet Computer cannot be raised."""
    result = outcome("import pytest\n@pytest.mark.ic(instructions='50B')\ndef test(network): pass")
    result.assert_outcomes(errors=1)
    result.stdout.fnmatch_lines(["*can be limited to 1 to 40,000,000,000 instructions*"])


def _joined(source):
    from textwrap import dedent

    return HEAD + dedent(source)
