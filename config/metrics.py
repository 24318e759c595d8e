"""`GET /metrics`, for Prometheus: what the processes have counted, and what the database says.

The database's part is the same from every process, workers' and others' work included; it is read
at most once in some seconds, however often it is asked for.
"""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Iterable, Iterator

from django.conf import settings
from django.db import DatabaseError
from django.http import Http404, HttpRequest, HttpResponse
from django.views.decorators.http import require_safe
from prometheus_client import CONTENT_TYPE_LATEST, REGISTRY, CollectorRegistry, generate_latest
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.multiprocess import MultiProcessCollector
from prometheus_client.registry import Collector

from config.api.monitoring import is_monitoring
from models_registry.observability import gauges as jobs
from subscriptions.revalidation.runs import open_progress
from subscriptions.services import staleness

# How old the database's part may be, in seconds; of what costs more to count, the second.
FRESH_SECONDS, SLOW_FRESH_SECONDS = 5.0, 60.0
LOOPBACK = {"127.0.0.1", "::1"}


@require_safe
def show(request: HttpRequest) -> HttpResponse:
    """Answer in Prometheus' text format, to whoever has MONITORING_TOKEN."""
    if not settings.MONITORING_TOKEN and not _is_embedded_and_local(request):
        raise Http404
    if settings.MONITORING_TOKEN and not is_monitoring(request.headers.get("Authorization", "")):
        return HttpResponse(
            "This needs the bearer token of MONITORING_TOKEN.\n",
            status=401,
            headers={"WWW-Authenticate": "Bearer"},
            content_type="text/plain",
        )
    text = generate_latest(_counted()) + generate_latest(_of_database)
    return HttpResponse(
        text, content_type=CONTENT_TYPE_LATEST, headers={"Cache-Control": "no-store"}
    )


def _is_embedded_and_local(request: HttpRequest) -> bool:
    """Nobody else is on this machine's loopback; behind a proxy everybody would seem to be."""
    is_direct = "X-Forwarded-For" not in request.headers and "Forwarded" not in request.headers
    return bool(settings.EMBEDDED) and is_direct and request.META.get("REMOTE_ADDR") in LOOPBACK


def _counted() -> CollectorRegistry:
    """Return what this process has counted, or all of this machine that share a directory."""
    if not os.environ.get("PROMETHEUS_MULTIPROC_DIR"):
        return REGISTRY
    registry = CollectorRegistry()
    MultiProcessCollector(registry)  # type: ignore[no-untyped-call]
    return registry


class _Kept(Collector):
    """The metrics that `read` gives, kept for some seconds; one caller reads at a time."""

    def __init__(self, read: Callable[[], Iterable[Metric]], seconds: float) -> None:
        self._read, self._seconds = read, seconds
        self._lock = threading.Lock()
        self._metrics: list[Metric] = []
        self._good_until = 0.0

    def collect(self) -> Iterator[Metric]:
        with self._lock:
            if time.monotonic() >= self._good_until:
                self._metrics = list(self._read())
                self._good_until = time.monotonic() + self._seconds
        yield from self._metrics

    def forget(self) -> None:
        self._good_until = 0.0


def _gauge(name: str, text: str, names: tuple[str, ...], values: Iterable[jobs.Gauge]) -> Metric:
    family = GaugeMetricFamily(f"modelpact_{name}", text, labels=names)
    for labels, value in values:
        family.add_metric(labels, value)
    return family


def _one(name: str, text: str, value: float) -> Metric:
    return _gauge(name, text, (), [jobs.Gauge((), value)])


def _read_jobs() -> Iterator[Metric]:
    try:
        counts, ages = jobs.open_jobs(), list(jobs.queue_ages())
        overdue, progress = jobs.overdue_jobs(), open_progress()
    except DatabaseError:
        yield _one("database_up", "Whether the database could be asked.", 0)
        return
    yield _one("database_up", "Whether the database could be asked.", 1)
    yield _gauge("open_jobs", "Jobs that have not ended.", ("job_type", "status"), counts)
    text = "How long the oldest pending job has waited; 0 without one."
    yield _gauge("oldest_pending_job_age_seconds", text, ("job_type",), ages)
    yield _one(
        "overdue_jobs", "Jobs past their lease or deadline that no sweep has found.", overdue
    )
    yield _one("revalidation_runs", "Revalidations under way.", progress.runs)
    states = [(name, getattr(progress, name)) for name in ("total", "checked", "invalid")]
    yield _gauge(
        "revalidation_payloads",
        "Stored payloads of the revalidations under way.",
        ("state",),
        [jobs.Gauge((state,), number) for state, number in states],
    )


def _read_stale() -> Iterator[Metric]:
    try:
        number = staleness.stale_subscriptions()
    except DatabaseError:
        return
    if number is not None:
        text = f"Subscriptions that are stale; counted up to {staleness.COUNT_LIMIT}."
        yield _one("stale_subscriptions", text, number)


KEPT = (_Kept(_read_jobs, FRESH_SECONDS), _Kept(_read_stale, SLOW_FRESH_SECONDS))
_of_database = CollectorRegistry(auto_describe=False)
for _collector in KEPT:
    _of_database.register(_collector)
