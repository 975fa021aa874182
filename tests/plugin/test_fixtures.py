"""The fixtures, as a user's test meets them."""

from __future__ import annotations

from pathlib import Path

import pytest


def test_network_answers(outcome):
    """`network` is a running network with a root key."""
    outcome("def test(network):\n    assert len(network.root_key) == 133").assert_outcomes(passed=1)


def test_identity_is_the_same_within_a_test_and_another_in_the_next(outcome):
    """A name is one identity within a test, and a different one in another test."""
    source = """
        seen = []
        def use(identity):
            alice = identity("alice").principal
            assert alice == identity("alice").principal != identity("bob").principal
            assert identity.principal == identity().principal
            assert alice not in seen
            seen.append(alice)
        def test_one(identity):
            use(identity)
        def test_two(identity):
            use(identity)
        """
    outcome(source).assert_outcomes(passed=2)


def test_identities_come_again_in_the_next_run(outcome_apart):
    """On the embedded network the same test has the same identities in every run."""
    source = """
        def test(identity):
            with open("principals", "a") as file:
                print(identity("alice").principal, file=file)
        """
    for _ in range(2):
        outcome_apart(source).assert_outcomes(passed=1)
    first, second = Path("principals").read_text().split()
    assert first == second


def test_each_test_has_its_own_state(outcome):
    """What one test stores, the next one does not see."""
    source = """
        import pytest
        @pytest.mark.parametrize("turn", [1, 2])
        def test(backend, turn):
            assert backend.capsules_list() == []
            backend.capsules_create(None)
            assert len(backend.capsules_list()) == 1
        def test_last(network, canister_id):
            assert network.module_hash(canister_id) is not None
        """
    outcome(source).assert_outcomes(passed=3)


def test_backend_that_is_asked_for_late_is_there(outcome):
    """A backend that a test asks for while it runs is deployed, then and in later tests."""
    source = """
        import pytest
        @pytest.mark.parametrize("turn", [1, 2])
        def test(request, network, turn):
            backend = request.getfixturevalue("backend")
            assert backend.capsules_list() == []
        """
    outcome(source).assert_outcomes(passed=2)


def test_callers_are_apart(outcome):
    """Two callers have capsules of their own."""
    source = """
        def test(backend, backend_for, identity, capsule):
            bob = backend_for(identity("bob"))
            assert bob.capsules_create(None).id != capsule
            assert [header.id for header in backend.capsules_list()] == [capsule]
        """
    outcome(source).assert_outcomes(passed=1)


def test_photo_is_real_and_of_the_size_asked_for(outcome):
    """`photo` makes images that decode, of about the size that was asked for."""
    source = """
        from PIL import Image
        def test(photo):
            small, large = photo(), photo(size=3_600_000)
            Image.open(small).load()
            assert 3_500_000 < large.stat().st_size < 3_800_000
        """
    outcome(source).assert_outcomes(passed=1)


def test_upload_takes_a_photo(outcome):
    """`upload(photo())` stores a photo in the test's own capsule."""
    source = """
        def test(upload, photo, backend):
            assert backend.memories_read(upload(photo()).memory_id)
        """
    outcome(source).assert_outcomes(passed=1)


def test_clock_moves(outcome):
    """`clock` advances the network's time, and calls go on afterwards."""
    source = """
        def test(clock, backend):
            before = clock.now_ns
            clock.advance(3600)
            assert clock.now_ns - before >= 3600 * 10**9
            backend.whoami()
        """
    outcome(source).assert_outcomes(passed=1)


def test_needs_skips_by_name(outcome):
    """A test that needs what the network cannot do is skipped with the reason."""
    source = "import pytest\n@pytest.mark.needs('time')\ndef test(network): pass"
    result = outcome(source, "-rs", "--network", "http://127.0.0.1:1")
    result.assert_outcomes(skipped=1)
    result.stdout.fnmatch_lines(["*cannot: time*"])


@pytest.mark.parametrize("workers", [2])
def test_workers_have_networks_of_their_own(outcome_apart, workers):
    """Under pytest-xdist every worker starts its own replica, and all tests pass."""
    source = """
        import pytest
        @pytest.mark.parametrize("number", range(4))
        def test(backend, number):
            assert backend.capsules_list() == []
            backend.capsules_create(None)
        """
    outcome_apart(source, "-n", str(workers)).assert_outcomes(passed=4)


def test_former_fixture_names_warn(outcome):
    """`ic_lab` and `ic_findings` return the same objects as their new names, each with a warning."""
    source = """
        import pytest
        @pytest.mark.filterwarnings("default")
        def test(request, ic_session, ic_results):
            with pytest.warns(DeprecationWarning, match="ic_lab is now ic_session"):
                assert request.getfixturevalue("ic_lab") is ic_session
            with pytest.warns(DeprecationWarning, match="ic_findings is now ic_results"):
                assert request.getfixturevalue("ic_findings") is ic_results
        """
    outcome(source).assert_outcomes(passed=1)


def test_faults_happen_and_end_with_the_test(outcome):
    """A lost reply does not lose a chunk, and orders that are left over do not reach the next test."""
    source = """
        def test_harmed(faults, upload, photo):
            faults("drop_reply", method="uploads_put_chunk")
            assert upload(photo()).verified
            faults("503", endpoint=None, times=1000)
        def test_unharmed(backend):
            backend.whoami()
        """
    outcome(source).assert_outcomes(passed=2)
