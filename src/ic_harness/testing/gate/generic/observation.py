"""What the gate observes on any canister: replies of queries without arguments, and memory.

Compared before and after an upgrade. A difference is a fault unless the user declared it: a query by its name, memory
as `stable memory` and `certified data`.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from hashlib import sha256
from typing import Any, Final

from ic_harness.candid import Method, Service, decode, encode
from ic_harness.errors import CandidError, RejectError
from ic_harness.lazy_dataclass import dataclass
from ic_harness.networks import Capability
from ic_harness.testing.blame import Blame, blame
from ic_harness.testing.call_log import brief
from ic_harness.testing.gate.interface import INTERNAL
from ic_harness.testing.target import Target

STABLE: Final = "stable memory"
CERTIFIED: Final = "certified data"
MEMORY: Final = (STABLE, CERTIFIED)
"""What can be declared volatile besides queries."""
_QUERIES: Final = frozenset({"query", "composite_query"})


@dataclass(frozen=True, slots=True)
class QueryAnswer:
    """The reply of a query: values, or the text of its rejection."""

    values: tuple[Any, ...] | None
    rejection: str = ""

    def __str__(self) -> str:
        if self.values is None:
            return f"a rejection ({self.rejection})"
        return brief(self.values[0]) if len(self.values) == 1 else brief(self.values)


@dataclass(frozen=True, slots=True, kw_only=True)
class Observation:
    """One observation of a canister.

    `memory` has SHA-256 digests by `stable memory` and `certified data`, where readable; `unstable` has the queries
    whose second reply differed from the first.
    """

    answers: Mapping[str, QueryAnswer]
    memory: Mapping[str, bytes]
    unstable: frozenset[str] = frozenset()

    def __str__(self) -> str:
        answered = sum(answer.values is not None for answer in self.answers.values())
        return f"{answered} {'query' if answered == 1 else 'queries'} without arguments answered"


def plain_queries(service: Service | None) -> list[Method]:
    """Return the queries without arguments, except those that compilers add."""
    methods = service.methods.values() if service is not None else ()
    return [
        method
        for method in methods
        if method.mode in _QUERIES and not method.arg_types and not method.name.startswith(INTERNAL)
    ]


def ask(target: Target, method: Method) -> QueryAnswer:
    """Ask one query as the canister's controller. Raises errors of the network."""
    agent = target.network.agent(target.network.deployer)
    try:
        reply = agent.query(target.canister_id, method.name, encode((), ()))
        return QueryAnswer(tuple(decode(reply, method.return_types)))
    except RejectError as error:
        if blame(error) is Blame.NETWORK:
            raise
        return QueryAnswer(None, error.reject_message.partition("\n")[0])
    except CandidError as error:
        return QueryAnswer(None, f"its reply does not fit the interface: {error}")


def observe(target: Target, volatile: Collection[str]) -> Observation:
    """Ask every query without arguments, and read what the network shows of memory; nothing that is `volatile`."""
    queries = [method for method in plain_queries(target.service) if method.name not in volatile]
    answers = {method.name: ask(target, method) for method in queries}
    return Observation(
        answers=answers,
        unstable=frozenset(it.name for it in queries if ask(target, it) != answers[it.name]),
        memory={name: digest for name, digest in _memory(target) if name not in volatile},
    )


def _memory(target: Target) -> Iterator[tuple[str, bytes]]:
    if Capability.STABLE not in target.network.capabilities:
        return
    yield STABLE, sha256(target.network.stable_memory(target.canister_id)).digest()
    yield CERTIFIED, target.network.certified_data(target.canister_id)


def differences(before: Observation, now: Observation, when: str) -> Iterator[str]:
    """Write each difference as a sentence with what to do; `when` begins it.

    A query that was rejected before proves nothing; one that the interface no longer has is the business of the stage
    Candid upgrade.
    """
    for name, was in before.answers.items():
        found = now.answers.get(name)
        if found is None or was.values is None or found == was:
            continue
        declare = f'volatile = ["{name}"]'
        if name in before.unstable | now.unstable:
            yield f"{when}, {name}() answers otherwise each time it is asked: declare it: {declare}"
            continue
        yield (
            f"{when}, {name}() answers {found}, before it answered {was}. Keep that state across upgrades, in stable "
            f"memory or in a stable variable; if an upgrade may change it, declare it: {declare}"
        )
    for name in before.memory:
        if name in now.memory and now.memory[name] != before.memory[name]:
            yield (
                f"{when}, the {name} is another than before. If an upgrade may change it, as pre_upgrade and "
                f'post_upgrade do when they write there, declare it: volatile = ["{name}"]'
            )


def unknown_volatile(service: Service | None, volatile: Collection[str]) -> list[str]:
    """Return the declared names that are neither queries without arguments nor memory."""
    known = {*MEMORY, *(method.name for method in plain_queries(service))}
    return [name for name in volatile if name not in known]
