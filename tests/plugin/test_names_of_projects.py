"""Options and fixtures of a project that have the names of ours: theirs win, and ours go on under their prefix."""

from __future__ import annotations

import pytest

from ic_harness.testing.plugin.short_options import SHORT, expand
from tests.testing import counters

CONFTEST = """
import pytest

def pytest_addoption(parser):
    parser.addoption("--network", choices=("lan", "wan"), default="lan")
    parser.addoption("--wasm", action="store_true")
    parser.getgroup("theirs").addoption("--soak", type=int, default=3)

@pytest.fixture(scope="session")
def network(request):
    return request.config.getoption("--network")

@pytest.fixture(params=["one", "two"])
def identity(request):
    return request.param

@pytest.fixture
def clock():
    return "theirs"
"""
TESTS = """
def test_theirs(network, identity, clock, pytestconfig):
    assert (network, clock, identity in ("one", "two")) == ("wan", "theirs", True)
    assert pytestconfig.getoption("--wasm") is True
    assert pytestconfig.getoption("--soak") == 5

def test_ours(ic_network, ic_identity, ic_deploy, ic_clock, network):
    assert ic_network.name == "embedded"
    counter = ic_deploy("counter.wasm", candid="counter.did")
    assert counter.increment() == 6
    assert ic_identity("bob").principal != ic_identity.principal
    ic_clock.advance(1)

def test_short_names_that_are_free(deploy, target, ic_identity):
    assert deploy("counter.wasm", candid="counter.did").get() == 5
    assert target.canister(ic_identity()).get() == 5
"""


@pytest.fixture
def project(user):
    """Write a project whose conftest has names of ours."""
    (user.path / "counter.wasm").write_bytes(counters.keeping())
    (user.path / "counter.did").write_text(counters.DID)
    user.makeconftest(CONFTEST)
    return user


def test_names_of_the_project_win(project, outcome_apart):
    """A conftest may define `--network` and the fixtures `network`, `identity` and `clock`."""
    theirs = ("--network", "wan", "--wasm", "--soak=5")
    ours = ("--ic-network", "embedded", "--ic-wasm=counter.wasm")
    outcome_apart(TESTS, *theirs, *ours).assert_outcomes(passed=4)


def test_their_values_are_theirs(project, outcome_apart):
    """The project's own option refuses what it does not take, and a short name that is free stays ours."""
    result = outcome_apart(TESTS, "--network=embedded")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(["*--network*invalid choice: 'embedded'*"])
    source = "def test(ic_session): assert str(ic_session.options.candid) == 'a.did'"
    outcome_apart(source, "--candid", "a.did").assert_outcomes(passed=1)


def test_another_plugin_may_have_the_name(user, outcome_apart):
    """A plugin that is loaded with ours may define `--network` too."""
    user.makepyfile(other="def pytest_addoption(parser): parser.addoption('--network', action='store_true')")
    source = "def test(ic_network, pytestconfig): assert pytestconfig.getoption('--network') is True"
    outcome_apart(source, "-p", "other", "--network").assert_outcomes(passed=1)


def test_short_names_work_everywhere(user, outcome_apart):
    """A short name counts on the command line, in addopts and in PYTEST_ADDOPTS, and in workers of pytest-xdist."""
    source = "def test(pytestconfig): assert pytestconfig.getoption('ic_network') == 'http://127.0.0.1:1'"
    outcome_apart(source, "--network", "http://127.0.0.1:1", "-n", "1").assert_outcomes(passed=1)
    user.makeini("[pytest]\naddopts = --network=http://127.0.0.1:1")
    outcome_apart(source).assert_outcomes(passed=1)


def test_a_value_is_no_folder_with_tests(user, outcome_apart):
    """A folder with the name of a network is not collected in place of the tests."""
    (user.path / "dfx").mkdir()
    (user.path / "dfx" / "conftest.py").write_text("raise RuntimeError")
    (user.path / "tests").mkdir()
    (user.path / "tests" / "test_one.py").write_text("def test(): pass")
    outcome_apart("", "--network", "dfx", "tests").assert_outcomes(passed=1, errors=0)


@pytest.mark.parametrize(
    ("args", "expanded"),
    [
        (["--network", "ic", "tests"], ["--ic-network", "ic", "tests"]),
        (["--soak-seed=5", "--soak"], ["--ic-soak-seed=5", "--ic-soak"]),
        (["--networks", "--", "--network"], ["--networks", "--", "--network"]),
        (["-k", "network"], ["-k", "network"]),
    ],
)
def test_expand(args, expanded):
    """Only whole names before `--` are replaced."""
    assert expand(args, SHORT) == expanded


def test_products_give_way_too(user, outcome):
    """A project may have fixtures called `backend` and `capsule`; uploads go on to the canister under test."""
    source = """
        import pytest

        @pytest.fixture
        def backend():
            return "theirs"

        @pytest.fixture
        def capsule():
            return "theirs"

        def test(upload, photo, backend, capsule, ic_backend):
            assert (backend, capsule) == ("theirs", "theirs")
            assert ic_backend.memories_read(upload(photo()).memory_id)
        """
    outcome(source).assert_outcomes(passed=1)
