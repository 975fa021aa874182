"""The commands of capsule backends, as `ic-harness` finds them. Importing this loads none of them."""

from __future__ import annotations

from typing import Final

from ic_harness.cli.entries import CommandEntry

__all__ = ["BULK", "DELETE", "DOWNLOAD", "LIST", "UPLOAD"]

_SECTION: Final = "Photo archives (capsule backends)"

UPLOAD: Final = CommandEntry(
    "ic_capsule.cli.upload:upload",
    "Store photos: original, display, thumbnail and placeholder.",
    section=_SECTION,
)
BULK: Final = CommandEntry(
    "ic_capsule.cli.bulk_group:bulk",
    "Upload folders with thousands of files, and account for every one.",
    ("add", "run", "status", "retry", "report", "serve", "search"),
    section=_SECTION,
)
DOWNLOAD: Final = CommandEntry(
    "ic_capsule.cli.download:download",
    "Write a stored photo or blob to a file, or all of them into a folder.",
    section=_SECTION,
)
LIST: Final = CommandEntry(
    "ic_capsule.cli.memories:list_memories",
    "List the memories of a capsule.",
    section=_SECTION,
)
DELETE: Final = CommandEntry(
    "ic_capsule.cli.memories:delete",
    "Delete memories with their assets.",
    section=_SECTION,
)
