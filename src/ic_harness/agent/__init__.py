"""The client: sends calls and verifies every response; one sans-I/O core, synchronous and asynchronous.

Names load on first access: synchronous programs need no event loop, and most need no management canister.
"""

from typing import TYPE_CHECKING, Final

from ic_harness.lazy_names import lazy_names

if TYPE_CHECKING:
    from ic_harness.agent.agent import Agent
    from ic_harness.agent.async_agent import AsyncAgent
    from ic_harness.agent.async_management import AsyncManagement
    from ic_harness.agent.concurrency import Limiter, Outcome
    from ic_harness.agent.effects import Effect, Flow, Pause, Send, run, run_async
    from ic_harness.agent.management import Management
    from ic_harness.agent.management_calls import InstallMode
    from ic_harness.agent.management_types import CanisterState, CanisterStatus
    from ic_harness.agent.retry import NO_RETRIES, RetryPolicy
    from ic_harness.agent.session import Session, Subnet
    from ic_harness.agent.transport import (
        AsyncCallableTransport,
        AsyncTransport,
        CallableTransport,
        Request,
        Response,
        Transport,
    )
    from ic_harness.agent.transport_http import AsyncHttpTransport, HttpTransport

__all__ = [
    "NO_RETRIES",
    "Agent",
    "AsyncAgent",
    "AsyncCallableTransport",
    "AsyncHttpTransport",
    "AsyncManagement",
    "AsyncTransport",
    "CallableTransport",
    "CanisterState",
    "CanisterStatus",
    "Effect",
    "Flow",
    "HttpTransport",
    "InstallMode",
    "Limiter",
    "Management",
    "Outcome",
    "Pause",
    "Request",
    "Response",
    "RetryPolicy",
    "Send",
    "Session",
    "Subnet",
    "Transport",
    "run",
    "run_async",
]

_LAZY: Final = {
    "NO_RETRIES": "ic_harness.agent.retry",
    "Agent": "ic_harness.agent.agent",
    "AsyncAgent": "ic_harness.agent.async_agent",
    "AsyncCallableTransport": "ic_harness.agent.transport",
    "AsyncHttpTransport": "ic_harness.agent.transport_http",
    "AsyncManagement": "ic_harness.agent.async_management",
    "AsyncTransport": "ic_harness.agent.transport",
    "CallableTransport": "ic_harness.agent.transport",
    "CanisterState": "ic_harness.agent.management_types",
    "CanisterStatus": "ic_harness.agent.management_types",
    "Effect": "ic_harness.agent.effects",
    "Flow": "ic_harness.agent.effects",
    "HttpTransport": "ic_harness.agent.transport_http",
    "InstallMode": "ic_harness.agent.management_calls",
    "Limiter": "ic_harness.agent.concurrency",
    "Management": "ic_harness.agent.management",
    "Outcome": "ic_harness.agent.concurrency",
    "Pause": "ic_harness.agent.effects",
    "Request": "ic_harness.agent.transport",
    "Response": "ic_harness.agent.transport",
    "RetryPolicy": "ic_harness.agent.retry",
    "Send": "ic_harness.agent.effects",
    "Session": "ic_harness.agent.session",
    "Subnet": "ic_harness.agent.session",
    "Transport": "ic_harness.agent.transport",
    "run": "ic_harness.agent.effects",
    "run_async": "ic_harness.agent.effects",
}

__getattr__ = lazy_names(__name__, _LAZY)
