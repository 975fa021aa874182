"""The checks: one function or more for every guarantee, each a statement proved or refuted by calls.

A check takes a `CheckContext` and returns, or raises `BrokenGuaranteeError` (the canister broke the guarantee),
`NotApplicableError` (its interface cannot express it) or `UnmetNeedError` (the network lacks what is needed).
No check needs pytest; users may call them with a context of their own.
"""

from ic_capsule.suite.checks import (
    again,
    blobs,
    capsules,
    flow,
    foreign,
    http,
    http_tokens,
    locators,
    memories_create,
    memories_delete,
    memories_list,
    memories_read,
    operations,
    rights,
    roles,
    texts,
    uploads_begin,
    uploads_chunks,
    uploads_finish,
)
from ic_capsule.suite.checks.registry import CHECKS
from ic_harness.testing.check import Check

__all__ = [
    "CHECKS",
    "Check",
    "again",
    "blobs",
    "capsules",
    "flow",
    "foreign",
    "http",
    "http_tokens",
    "locators",
    "memories_create",
    "memories_delete",
    "memories_list",
    "memories_read",
    "operations",
    "rights",
    "roles",
    "texts",
    "uploads_begin",
    "uploads_chunks",
    "uploads_finish",
]
