"""The published costs of the Internet Computer, beside those of the replica: the table of `docs/cycles.md`."""

from __future__ import annotations

from pathlib import Path

import pytest

from ic_harness.replica import CostSchedule, Fees
from ic_harness.replica.state.config import UPDATE_INSTRUCTIONS
from ic_harness.units import GIB

PAGE = Path(__file__).resolve().parents[2] / "docs" / "cycles.md"
CHARGED = {
    "canister creation": lambda fees: fees.create_canister,
    "compute allocation, a percent for a second": lambda fees: fees.compute(1, 1),
    "update message": lambda fees: fees.execution(0),
    "a billion instructions": lambda fees: fees.instructions(10**9),
    "call to another canister": lambda fees: fees.call_request(0),
    "a byte of such a call": lambda fees: fees.call_request(1) - fees.call_request(0),
    "ingress message": lambda fees: fees.ingress(0),
    "a byte of ingress": lambda fees: fees.ingress(1) - fees.ingress(0),
    "a GiB for a second": lambda fees: fees.storage(GIB, 1),
    "HTTPS outcall": lambda fees: fees.http_request(0, 0),
    "a byte of an outcall's request": lambda fees: fees.http_request(1, 0) - fees.http_request(0, 0),
    "a byte reserved for its response": lambda fees: fees.http_request(0, 1) - fees.http_request(0, 0),
    "signature or derived key by `test_key_1`": lambda fees: fees.signature("test_key_1"),
    "signature or derived key by `key_1`": lambda fees: fees.signature("key_1"),
}


def _table():
    """Operation, nodes, published and own figure of every row."""
    rows = []
    for line in PAGE.read_text(encoding="utf-8").splitlines():
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        if cells[0] in CHARGED:
            rows.append((cells[0], *map(int, cells[1:])))
    return rows


@pytest.mark.parametrize(("operation", "nodes", "published", "shown"), _table())
def test_published_costs(operation, nodes, published, shown):
    """What is charged is what the page shows, and within a hundredth of the published figure."""
    charged = CHARGED[operation](Fees(nodes))
    assert charged == shown
    assert abs(charged - published) * 100 <= published
    free = CHARGED[operation](Fees(nodes, CostSchedule.FREE))
    assert free == 0


def test_the_table_is_whole():
    """At least twenty costs are published on the page, and none is known that it does not show."""
    rows = _table()
    assert len(rows) >= 20
    assert {row[0] for row in rows} == set(CHARGED)


def test_signatures_cost_what_the_keys_subnet_costs():
    """The size of the subnet that asks makes no difference; an unknown key has no price."""
    assert Fees(13).signature("key_1") == Fees(34).signature("key_1") == 26_153_846_153
    assert Fees().signature("none") is None


def test_modules_with_64_bit_memory_pay_double():
    """As in the replica, an instruction of such a module costs two cycles; the base fee is the same."""
    assert Fees().execution(10**9, is_64=True) - Fees().execution(0) == 2 * 10**9
    assert Fees().execution(0, is_64=True) == Fees().execution(0)


@pytest.mark.parametrize("nodes", [1, 13, 34, 100])
@pytest.mark.parametrize("schedule", CostSchedule)
@pytest.mark.parametrize("is_64", [False, True])
def test_what_is_known_in_advance(nodes, schedule, is_64):
    """The longest message, and any number of instructions: a share of the batch, rounded down."""
    fees = Fees(nodes, schedule)
    assert fees.longest[is_64] == fees.execution(UPDATE_INSTRUCTIONS, is_64=is_64)
    for count in (0, 1, 12, 13, 129, 130, 131, 10**9 + 7):
        assert fees.instructions(count, is_64=is_64) == fees.scaled(count * (1 + is_64))


def test_a_subnet_reserves_from_750_gib_on():
    """Nothing below; the last byte of 2 TiB is paid for 300 million seconds in advance."""
    fees = Fees()
    assert fees.reservation(0, 750 * GIB) == 0
    assert fees.reservation(700 * GIB, 51 * GIB) > 0
    whole = fees.reservation(0, 2048 * GIB)
    assert whole == (2048 - 750) * 127_000 * 150_000_000
    parts = [fees.reservation(at * GIB, 64 * GIB) for at in range(0, 2048, 64)]
    assert sum(parts) == whole
