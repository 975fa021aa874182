"""Ledgers of other kinds: without a fee, with fees collected, without ICRC-2, with a minter that is not known."""

from __future__ import annotations

from collections import Counter
from datetime import date
from functools import partial

import pytest

from ic_harness import candid
from ic_harness.icrc.suite import MINTER, LedgerSuite, init_types
from ic_harness.networks import Network, embedded
from ic_harness.protocol import Ed25519Identity
from ic_harness.testing.gate import Build, GateRequest, run_gate
from ic_harness.testing.results import Outcome, Verdict
from ic_harness.testing.target import Target
from tests.interop.lab import Fixture

from .ledgers import build, few_tries, judged, real_ledger, wasm

OTHER = Ed25519Identity.from_seed(b"another minter".ljust(32))


def account(identity):
    """The default account of an identity, as Candid."""
    return {"owner": identity.principal, "subaccount": None}


def outcomes(target):
    """The outcome of every check by its name."""
    suite, found = LedgerSuite(), {}
    for check in suite.checks:
        with target.network.anchored():
            result = suite.run_check(check, target)
        assert result.outcome is not Outcome.ERROR, result.message
        found[check.name] = result
    return found


@pytest.fixture
def installed():
    """A ledger installed with changed arguments, on a network of its own."""

    def install(subject, **changed):
        types = init_types(subject)
        suite = LedgerSuite()
        argument = suite.init_argument(subject, partial(_identity, "shared"))
        assert argument is not None
        (made,) = candid.decode(argument, types)
        fields = made.get("Init", made)
        fields |= changed
        encoded = candid.encode([made], types)
        upgrade = suite.upgrade_argument(subject, partial(_identity, "shared")) or encoded
        network = embedded()
        opened.append(network)
        canister = network.deploy(subject.wasm, encoded)
        install_again = partial(network.install, canister, subject.wasm, upgrade, "upgrade")
        return Target(
            network,
            canister,
            partial(_identity, "caller"),
            shared=partial(_identity, "shared"),
            upgrade=install_again,
        )

    opened: list[Network] = []
    yield install
    for network in opened:
        network.close()


def _identity(kind, name):
    return Ed25519Identity.from_seed(f"{kind} {name}".encode().ljust(32))


def failed(found):
    """The checks that did not pass, with their messages."""
    return {name: it.message for name, it in found.items() if it.outcome is not Outcome.PASSED}


@pytest.mark.slow
@pytest.mark.parametrize("fee", [0, 1, 10**12])
def test_any_fee(installed, fee):
    """A ledger with another fee, or with none, keeps every guarantee."""
    assert failed(outcomes(installed(build(), fee=fee))) == {}


@pytest.mark.slow
def test_fees_that_are_collected(installed):
    """With an account that collects the fees the real ledger keeps every guarantee too."""
    assert failed(outcomes(installed(real_ledger(), fee_collector_account=account(OTHER)))) == {}


@pytest.mark.slow
def test_faults_of_the_real_ledger_without_a_fee(installed, monkeypatch):
    """Without a fee the suite finds two faults of the real ledger, and nothing else.

    Its decoder reads the 33rd byte of a subaccount as the start of the next field: as a fee of zero, which is then
    right. And an approval by an empty account is refused for a fee that does not have to be paid.
    """
    with few_tries(monkeypatch):
        found = failed(outcomes(installed(real_ledger(), transfer_fee=0)))
    texts = {name[:3]: text for name, text in found.items()}
    assert set(texts) == {"TT5", "TX2"}
    assert "a transfer to a subaccount of 33 bytes was accepted" in texts["TT5"]
    assert "approve" in texts["TX2"]
    assert "got InsufficientFunds(0)" in texts["TX2"]


@pytest.mark.slow
def test_a_treasury_that_cannot_mint(installed):
    """With tokens only, every guarantee but minting is checked, and minting is skipped by name."""
    holder = account(_identity("shared", MINTER))
    balances = [(holder, 10**15)]
    found = outcomes(installed(real_ledger(), minting_account=account(OTHER), initial_balances=balances))
    skipped = failed(found)
    assert {name[:3] for name in skipped} == {"TB1"}
    assert all("was not given the identity of the minting account" in text for text in skipped.values())


def test_no_tokens_at_all(installed):
    """Without tokens every check is skipped, and the reason names the principals that could fund it."""
    target = installed(build(), minting=account(OTHER))
    suite = LedgerSuite()
    result = suite.run_check(suite.checks[0], target)
    assert result.outcome is Outcome.SKIPPED
    assert str(_identity("shared", MINTER).principal) in result.message
    assert str(target.network.deployer.principal) in result.message


@pytest.mark.slow
def test_a_ledger_without_approvals():
    """Of a ledger without ICRC-2 the other guarantees are judged, and what it lists wrongly is found."""
    module = wasm()
    for kind in (b"query icrc2_allowance", b"update icrc2_approve", b"update icrc2_transfer_from"):
        assert module.count(b"canister_" + kind) == 1
        module = module.replace(b"canister_" + kind, b"canister_" + kind.replace(b"icrc2", b"other"))
    with judged(Build(name="icrc1.wasm", wasm=module)) as target:
        found = outcomes(target)
    counts = Counter(it.outcome for it in found.values())
    broken = [name for name, it in found.items() if it.outcome is Outcome.FAILED]
    assert [name[:3] for name in broken] == ["TM2"]
    inapplicable = {name[:2] for name, it in found.items() if it.outcome is Outcome.NOT_APPLICABLE}
    assert inapplicable == {"TA", "TF", "TU", "TX"}
    assert found["TX2-random_operations_agree_with_the_model"].outcome is Outcome.PASSED
    assert counts[Outcome.PASSED] > 25


def test_a_canister_that_is_no_ledger():
    """Named for a counter, the suite refuses it and calls it no further."""
    counter = Fixture("motoko/counter")
    subject = Build(name="counter.wasm", wasm=counter.wasm, argument=candid.encode([1], [candid.NAT]))
    with embedded() as network:
        report = run_gate(
            GateRequest(
                subject=subject,
                suite=LedgerSuite(),
                today=date(2026, 1, 1),
                started="2026-01-01T00:00:00+00:00",
            ),
            network,
        )
    assert report.verdict is Verdict.REFUSED
    assert "icrc1_supported_standards does not answer" in " ".join(report.refusals)
    assert report.checks == ()
