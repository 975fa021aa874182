"""Bulk uploads: thousands of files through three stages, every one of them accounted for in a ledger."""

from ic_harness.bulk.buckets import Decision, TokenBucket, UserBuckets
from ic_harness.bulk.embedder import Embedder, load_embedder
from ic_harness.bulk.engine_dask import run_on_dask
from ic_harness.bulk.governor import UNPACED, Limits
from ic_harness.bulk.ledger import Ledger, progress_of
from ic_harness.bulk.options import LANES, Options
from ic_harness.bulk.progress import Meter, line, percentile, phases
from ic_harness.bulk.records import DeadLetter, Event, FileRow, Lease, NewFile, Part, Stats
from ic_harness.bulk.report import report_html
from ic_harness.bulk.run import run_bulk, run_bulk_async
from ic_harness.bulk.scan import Scanned, add_paths
from ic_harness.bulk.search import Found, more_like, near_duplicates, search_text
from ic_harness.bulk.states import NORMAL, URGENT, FailureClass, Stage, State
from ic_harness.bulk.task import Place
from ic_harness.bulk.views import LedgerView

__all__ = [
    "LANES",
    "NORMAL",
    "UNPACED",
    "URGENT",
    "DeadLetter",
    "Decision",
    "Embedder",
    "Event",
    "FailureClass",
    "FileRow",
    "Found",
    "Lease",
    "Ledger",
    "LedgerView",
    "Limits",
    "Meter",
    "NewFile",
    "Options",
    "Part",
    "Place",
    "Scanned",
    "Stage",
    "State",
    "Stats",
    "TokenBucket",
    "UserBuckets",
    "add_paths",
    "line",
    "load_embedder",
    "more_like",
    "near_duplicates",
    "percentile",
    "phases",
    "progress_of",
    "report_html",
    "run_bulk",
    "run_bulk_async",
    "run_on_dask",
    "search_text",
]
