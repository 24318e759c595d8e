"""Prometheus counters and histograms; no label holds an id or a caller's text.

Each process has its own; with PROMETHEUS_MULTIPROC_DIR the processes of one machine share them.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from prometheus_client import Counter, Histogram, disable_created_metrics

disable_created_metrics()  # type: ignore[no-untyped-call]

REQUEST_SECONDS = Histogram(
    "modelpact_http_request_duration_seconds",
    "Requests by method, route (the pattern of the path) and status.",
    ["method", "route", "status"],
    buckets=(0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10),
)
JOBS_ENDED = Counter(
    "modelpact_jobs_ended", "Jobs that ended, by type and outcome.", ["job_type", "outcome"]
)
DISPATCH_SECONDS = Histogram(
    "modelpact_dispatch_latency_seconds",
    "From the making of a job to the first call of its handler.",
    ["job_type"],
    buckets=(0.01, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 1800, 3600),
)
CALL_SECONDS = Histogram(
    "modelpact_handler_call_duration_seconds",
    "Calls of handlers: answered, accepted, failed, retry or unknown.",
    ["job_type", "outcome"],
    buckets=(0.01, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120),
)
RETRIES = Counter(
    "modelpact_dispatch_retries",
    "Calls that failed for a passing reason and will be made again.",
    ["job_type"],
)
SWEEP_FINDINGS = Counter(
    "modelpact_sweep_findings", "Rows that a sweep found left behind, by what for.", ["finding"]
)
HINTS_NOT_SENT = Counter(
    "modelpact_hints_not_sent",
    "Messages to workers that the broker did not take, and ids for which there was no more room.",
)
MESSAGES_DROPPED = Counter(
    "modelpact_messages_dropped", "Items of a queue that no worker could read.", ["reason"]
)
VALIDATORS = Counter(
    "modelpact_validator_cache_lookups",
    "Compiled contracts looked for in the cache: hit or miss.",
    ["result"],
)


def count_findings(findings: Mapping[str, Any]) -> None:
    """Count what a sweep found, by the names of its findings."""
    for finding, number in findings.items():
        SWEEP_FINDINGS.labels(finding).inc(number)
