"""Bulk uploads: thousands of files through three stages, every one of them accounted for in a ledger."""

from ic_capsule.bulk.buckets import Decision, TokenBucket, UserBuckets
from ic_capsule.bulk.embedder import Embedder, load_embedder
from ic_capsule.bulk.engine_dask import run_on_dask
from ic_capsule.bulk.governor import UNPACED, Limits
from ic_capsule.bulk.ledger import Ledger, progress_of
from ic_capsule.bulk.options import LANES, Options
from ic_capsule.bulk.progress import Meter, line, percentile, phases
from ic_capsule.bulk.records import DeadLetter, Event, FileRow, Lease, NewFile, Part, Stats
from ic_capsule.bulk.report import report_html
from ic_capsule.bulk.run import run_bulk, run_bulk_async
from ic_capsule.bulk.scan import Scanned, add_paths
from ic_capsule.bulk.search import Found, more_like, near_duplicates, search_text
from ic_capsule.bulk.states import NORMAL, URGENT, FailureClass, Stage, State
from ic_capsule.bulk.task import Place
from ic_capsule.bulk.views import LedgerView

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
