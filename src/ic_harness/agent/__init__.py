"""The client: sends calls and verifies every response; one sans-I/O core, synchronous and asynchronous."""

from ic_harness.agent.agent import Agent
from ic_harness.agent.async_agent import AsyncAgent
from ic_harness.agent.async_management import AsyncManagement
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
    "Management",
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
