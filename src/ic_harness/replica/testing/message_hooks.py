"""Set and remove the hook that sees every message of a network; see `rounds/message_hook`."""

from __future__ import annotations

from ic_harness.replica.rounds.message_hook import MessageHook
from ic_harness.replica.rounds.nodes import Nodes


def set_message_hook(nodes: Nodes, hook: MessageHook | None) -> None:
    """Let `hook` see the messages of all subnets from the next round on, in place of the present one; None: none.

    While there is a hook, messages run one after the other, never in parallel. Raises `ReplicaError` when the replica
    has stopped.
    """
    from ic_harness.replica.rounds.hooked_execution import HookedExecution  # lazy: few need it  # noqa: PLC0415

    def put() -> None:
        hooks = None if hook is None else HookedExecution(hook)
        for node in nodes.all:
            node.scheduler.hooks = hooks

    nodes.root.runner.call(put)
