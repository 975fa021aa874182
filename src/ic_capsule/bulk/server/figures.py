"""Figures of a run: latencies, depth of queues, failures; as JSON and in Prometheus' text format."""

from __future__ import annotations

from typing import Any, Final

from ic_capsule.bulk.states import Stage, State

from .feed import Feed

_QUANTILES: Final = (0.5, 0.95, 0.99)
PROMETHEUS: Final = "text/plain; version=0.0.4; charset=utf-8"


def percentile(values: list[float], share: float) -> float | None:
    """The value below or at which a `share` of sorted values is (nearest rank); None without values."""
    if not values:
        return None
    return values[min(len(values) - 1, max(0, -int(-share * len(values) // 1) - 1))]


def telemetry(feed: Feed) -> dict[str, Any]:
    """Latencies in seconds, how much waits in each stage, how many failed and why."""
    stats = feed.stats()
    depth = {str(stage): stats.count(stage, State.READY, State.WAITING, State.LEASED) for stage in Stage}
    return {
        **{f"{stage}Latency": _latency(feed, stage) for stage in Stage},
        "queueDepth": sum(depth.values()),
        "queues": depth,
        "failures": {str(cls): count for cls, count in sorted(stats.dead.items())},
        "bytes": {"total": stats.bytes_total, "sent": stats.bytes_sent, "stored": stats.bytes_done},
        "retries": _retries(feed),
    }


def prometheus(feed: Feed) -> str:
    """The same for Prometheus. Names end in their unit; every value is read from the ledger."""
    stats, lines = feed.stats(), list[str]()

    def metric(name: str, kind: str, text: str, values: list[tuple[str, float]]) -> None:
        lines.append(f"# HELP ic_bulk_{name} {text}")
        lines.append(f"# TYPE ic_bulk_{name} {kind}")
        lines.extend(f"ic_bulk_{name}{labels} {value:.15g}" for labels, value in values)

    metric("files", "gauge", "Files by stage and state.", [
        (f'{{stage="{stage}",state="{state}"}}', stats.states[stage].get(state, 0))
        for stage in Stage for state in State
    ])  # fmt: skip
    metric("dead_letters", "gauge", "Stages that failed for good, by class.", [
        (f'{{class="{cls}"}}', count) for cls, count in sorted(stats.dead.items())
    ])  # fmt: skip
    metric("failed_tries_total", "counter", "Tries that failed, by class.", [
        (f'{{class="{cls}"}}', count) for cls, count in _retries(feed).items()
    ])  # fmt: skip
    for name, text, count in (
        ("total", "Bytes of all originals.", stats.bytes_total),
        ("sent", "Bytes of originals handed to the network, repeats included.", stats.bytes_sent),
        ("stored", "Bytes of originals that are safe.", stats.bytes_done),
    ):
        metric(f"{name}_bytes", "gauge", text, [("", count)])
    for stage in Stage:
        values = feed.view.latencies(stage)
        metric(f"{stage}_seconds", "summary", f"How long the stage {stage} of a file takes.", [
            *((f'{{quantile="{share:g}"}}', value) for share in _QUANTILES
              if (value := percentile(values, share)) is not None),
        ])  # fmt: skip
        lines.append(f"ic_bulk_{stage}_seconds_sum {sum(values):.15g}")
        lines.append(f"ic_bulk_{stage}_seconds_count {len(values)}")
    return "\n".join(lines) + "\n"


def _latency(feed: Feed, stage: Stage) -> dict[str, float | None]:
    values = feed.view.latencies(stage)
    return {f"p{share * 100:g}": percentile(values, share) for share in _QUANTILES}


def _retries(feed: Feed) -> dict[str, int]:
    rows = feed.view.rows("SELECT class, count(*) AS n FROM attempt GROUP BY class ORDER BY class")
    return {row["class"]: row["n"] for row in rows}
