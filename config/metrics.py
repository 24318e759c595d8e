"""`GET /metrics` for Prometheus: the counters of the processes, and gauges from the database.

The gauges are the same in every process and cover the whole deployment. They are cached for some
seconds, so frequent scrapes cost the database nothing.
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

from config.api.authentication import is_monitoring
from models_registry.observability import gauges as jobs
from subscriptions.revalidation.runs import open_progress
from subscriptions.services import staleness

# How long gauges are cached, in seconds: the usual ones, and those that are expensive to count.
CACHE_SECONDS, SLOW_CACHE_SECONDS = 5.0, 60.0
LOOPBACK = {"127.0.0.1", "::1"}


@require_safe
def show(request: HttpRequest) -> HttpResponse:
    """Return the metrics in Prometheus' text format; needs MONITORING_TOKEN."""
    if not settings.MONITORING_TOKEN and not _is_embedded_and_local(request):
        raise Http404
    if settings.MONITORING_TOKEN and not is_monitoring(request.headers.get("Authorization", "")):
        return HttpResponse(
            "This needs MONITORING_TOKEN as a bearer token.\n",
            status=401,
            headers={"WWW-Authenticate": "Bearer"},
            content_type="text/plain",
        )
    text = generate_latest(_counters()) + generate_latest(_gauges)
    return HttpResponse(
        text, content_type=CONTENT_TYPE_LATEST, headers={"Cache-Control": "no-store"}
    )


def _is_embedded_and_local(request: HttpRequest) -> bool:
    """Whether a local client asks directly; behind a proxy every client seems local."""
    is_direct = "X-Forwarded-For" not in request.headers and "Forwarded" not in request.headers
    return bool(settings.EMBEDDED) and is_direct and request.META.get("REMOTE_ADDR") in LOOPBACK


def _counters() -> CollectorRegistry:
    """Return the counters of this process, or of all processes that share a directory."""
    if not os.environ.get("PROMETHEUS_MULTIPROC_DIR"):
        return REGISTRY
    registry = CollectorRegistry()
    MultiProcessCollector(registry)  # type: ignore[no-untyped-call]
    return registry


class _CachedCollector(Collector):
    """Caches the metrics of `read` for some seconds; one thread reads at a time."""

    def __init__(self, read: Callable[[], Iterable[Metric]], seconds: float) -> None:
        self._read, self._seconds = read, seconds
        self._lock = threading.Lock()
        self._metrics: list[Metric] = []
        self._expires_at = 0.0

    def collect(self) -> Iterator[Metric]:
        with self._lock:
            if time.monotonic() >= self._expires_at:
                self._metrics = list(self._read())
                self._expires_at = time.monotonic() + self._seconds
        yield from self._metrics

    def clear(self) -> None:
        self._expires_at = 0.0


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
        yield _one("database_up", "Whether the database answers.", 0)
        return
    yield _one("database_up", "Whether the database answers.", 1)
    yield _gauge("open_jobs", "Jobs that are pending or started.", ("job_type", "status"), counts)
    text = "Age of the oldest pending job; 0 without one."
    yield _gauge("oldest_pending_job_age_seconds", text, ("job_type",), ages)
    yield _one(
        "overdue_jobs", "Jobs past their lease or deadline that no sweep has handled.", overdue
    )
    yield _one("revalidation_runs", "Revalidations in progress.", progress.runs)
    states = [(name, getattr(progress, name)) for name in ("total", "checked", "invalid")]
    yield _gauge(
        "revalidation_payloads",
        "Stored payloads of the revalidations in progress.",
        ("state",),
        [jobs.Gauge((state,), number) for state, number in states],
    )


def _read_stale() -> Iterator[Metric]:
    try:
        number = staleness.stale_subscriptions()
    except DatabaseError:
        return
    if number is not None:
        text = f"Stale subscriptions; counted up to {staleness.COUNT_LIMIT}."
        yield _one("stale_subscriptions", text, number)


COLLECTORS = (
    _CachedCollector(_read_jobs, CACHE_SECONDS),
    _CachedCollector(_read_stale, SLOW_CACHE_SECONDS),
)
_gauges = CollectorRegistry(auto_describe=False)
for _collector in COLLECTORS:
    _gauges.register(_collector)
