"""`python -m ic_harness.testing.report report.json -o DIR`: make the other formats of a report again."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from ic_harness.errors import InputError
from ic_harness.testing.report import from_json, write_report


def main(arguments: list[str] | None = None) -> int:
    """Read a report's JSON and write all its formats; exit status 2 when that cannot be done."""
    parser = argparse.ArgumentParser(prog="python -m ic_harness.testing.report", description=__doc__)
    parser.add_argument("json", type=Path, help="a report.json of any machine")
    parser.add_argument("-o", "--output", type=Path, default=Path("report"), help="folder (default: report)")
    options = parser.parse_args(arguments)
    try:
        paths = write_report(from_json(options.json.read_text(encoding="utf-8")), options.output)
    except (InputError, OSError, UnicodeDecodeError) as error:
        sys.stderr.write(f"{options.json}: {error}\n")
        return 2
    sys.stdout.write(f"{paths[0]}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
