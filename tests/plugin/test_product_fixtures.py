"""Fixtures of products load for tests that name them, and for no others."""

from __future__ import annotations

import pytest

COUNTING = """
    import sys

    def test_counter(network, identity):
        assert identity("alice").principal != identity("bob").principal
        assert network.agent() is not None
        import ic_harness.testing
        assert ic_harness.testing.Guarantee is not None
        assert sorted({name.split(".")[0] for name in sys.modules} & {"PIL", "ic_capsule"}) == []
"""


def test_a_counters_test_loads_no_product(pytester):
    """A test of another canister loads neither Pillow nor anything of `ic_capsule`."""
    pytester.makepyfile(COUNTING)
    result = pytester.runpytest_subprocess("-p", "no:faulthandler", "-q")
    result.assert_outcomes(passed=1)


@pytest.mark.parametrize(
    ("files", "test"),
    [
        ({}, "def test_it(photo): assert photo().exists()"),
        ({}, "def test_it(request): assert request.getfixturevalue('photo')().exists()"),
        (
            {"conftest": "import pytest\n@pytest.fixture\ndef mine(photo): return photo()"},
            "def test_it(mine): assert mine.exists()",
        ),
        (
            {
                "conftest": "pytest_plugins = ['own']",
                "own": "import pytest\n@pytest.fixture\ndef mine(photo): return photo()",
            },
            "def test_it(mine): assert mine.exists()",
        ),
        (
            {"conftest": "import pytest\n@pytest.fixture\ndef photo(): return 7"},
            "def test_it(photo): assert photo == 7",
        ),
    ],
    ids=["test", "request", "conftest", "plugin", "overridden"],
)
def test_a_fixture_is_there_wherever_it_is_named(pytester, files, test):
    """Named in a test, asked for at run time, used by a fixture of a conftest or of a plugin, or overridden."""
    pytester.makepyfile(**files, test_it=test)
    pytester.runpytest_subprocess("-p", "no:faulthandler", "-q").assert_outcomes(passed=1)


def test_undecodable_modules_are_pytests_affair(pytester):
    """A test file that is no Python ends in pytest's own error, not in one of the plugin."""
    (pytester.path / "test_bad.py").write_bytes(b"def test_it(: \xff photo\n")
    result = pytester.runpytest_subprocess("-q")
    result.assert_outcomes(errors=1)
    assert "INTERNALERROR" not in result.stdout.str()
