"""Bulk uploads: thousands of files through three stages, every one of them accounted for in a ledger."""

from ic_harness.bulk.buckets import Decision, TokenBucket, UserBuckets
from ic_harness.bulk.embedder import Embedder, load_embedder
from ic_harness.bulk.governor import UNPACED, Limits
from ic_harness.bulk.ledger import Ledger, progress_of
from ic_harness.bulk.options import Options
from ic_harness.bulk.records import DeadLetter, Event, FileRow, Lease, NewFile, Part, Stats
from ic_harness.bulk.run import run_bulk, run_bulk_async
from ic_harness.bulk.scan import Scanned, add_paths
from ic_harness.bulk.states import FailureClass, Stage, State
from ic_harness.bulk.views import LedgerView

__all__ = [
    "UNPACED",
    "DeadLetter",
    "Decision",
    "Embedder",
    "Event",
    "FailureClass",
    "FileRow",
    "Lease",
    "Ledger",
    "LedgerView",
    "Limits",
    "NewFile",
    "Options",
    "Part",
    "Scanned",
    "Stage",
    "State",
    "Stats",
    "TokenBucket",
    "UserBuckets",
    "add_paths",
    "load_embedder",
    "progress_of",
    "run_bulk",
    "run_bulk_async",
]
