"""Impact reports: an update of an interface writes a pending row, and a worker fills it in."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, TypedDict
from uuid import UUID, uuid4

from django.conf import settings
from django.db.models import F
from django.db.models.functions import Now
from django.utils import timezone

from models_registry.db.transactions import transactional
from models_registry.models import InterfaceChange, Model, ModelVersion
from models_registry.queue.sweeper import log_findings
from models_registry.services.lookups import get_version
from subscriptions import wakeups
from subscriptions.impact.preview import Impact, preview_update, unchanged
from subscriptions.models import ReportStatus, UpdateReport
from subscriptions.services.interfaces import Interfaces, interfaces_at, interfaces_of

logger = logging.getLogger(__name__)

# A report that killed so many workers is given up.
ATTEMPTS_LIMIT = 5


@dataclass(frozen=True)
class VersionChanges:
    """The impact of the update that made a version; `impact` is None until it is known.

    It is that at `finished_at`: subscriptions accepted before then are not counted.
    """

    version: str
    status: str
    created_at: datetime
    finished_at: datetime | None
    impact: Impact | None


def start_report(model: Model, changes: Sequence[InterfaceChange]) -> UpdateReport:
    """Insert the pending report of an update; must be inside the update's transaction.

    `changes` are those that the update recorded. Writes one row for any number of subscriptions.
    """
    ids = [change.pk for change in changes]
    report = UpdateReport.objects.create(
        model=model,
        version=changes[0].version,
        first_change_id=min(ids),
        last_change_id=max(ids),
        due_at=Now(),
        created_at=timezone.now(),
    )
    wakeups.wake_reporter(report.pk)
    return report


def fill_in(report_id: UUID) -> bool:
    """Fill in the report on an update; False if that is done already, or given up.

    Must be outside any transaction: it may take seconds. Several workers may do this at once; the
    result of the last claim is kept.
    """
    claimed = _claim(report_id)
    if claimed is None:
        return False
    old, new = _interfaces(claimed)
    impact = preview_update(model_id=claimed.model_id, old=old, new=new)
    for warning in impact["warnings"]:
        logger.warning(
            "contract.warning model=%s version=%s: %s", claimed.model_id, claimed.version, warning
        )
    return bool(
        UpdateReport.objects.filter(
            pk=report_id, claim=claimed.claim, status=ReportStatus.PENDING
        ).update(status=ReportStatus.DONE, report=impact, due_at=None, finished_at=Now())
    )


class Findings(TypedDict):
    """How many reports a sweep found that were not filled in within a lease."""

    reports_waiting: int


def sweep() -> Findings:
    """Wake workers for reports that nobody has filled in; at most SWEEP_BATCH of them.

    `fill_in` ends a report with too many attempts. Must be outside any transaction: it publishes
    messages.
    """
    due = UpdateReport.objects.filter(due_at__lte=Now()).order_by("due_at")
    report_ids = list(due.values_list("pk", flat=True)[: settings.SWEEP_BATCH])
    # Not at every sweep: the message may still wait for a free worker.
    UpdateReport.objects.filter(pk__in=report_ids, due_at__lte=Now()).update(due_at=_lease())
    for report_id in report_ids:
        wakeups.publish_report_wakeup(report_id)
    findings = Findings(reports_waiting=len(report_ids))
    log_findings(findings)
    return findings


def changes_of_version(*, model_id: str, version: str) -> VersionChanges:
    """Return the impact of the update that made a version; of several in place, the latest.

    Raises ModelNotFound, VersionNotFound.
    """
    found = get_version(model_id, version)
    report = (
        UpdateReport.objects.filter(model_id=model_id, version=version)
        .order_by("-last_change")
        .first()
    )
    if report is None:
        return _unchanged(found)
    return VersionChanges(
        version, report.status, report.created_at, report.finished_at, report.report
    )


def _unchanged(version: ModelVersion) -> VersionChanges:
    """Return the empty impact of a version that changed no interface, or was created by hand."""
    impact = unchanged(interfaces_of(version))
    done = str(ReportStatus.DONE)
    return VersionChanges(version.version, done, version.created_at, version.created_at, impact)


@transactional
def _claim(report_id: UUID) -> UpdateReport | None:
    """Claim a pending report for the time of a lease; opens a transaction."""
    pending = UpdateReport.objects.select_for_update().filter(
        pk=report_id, status=ReportStatus.PENDING
    )
    report = pending.first()
    if report is None:
        return None
    if report.attempts >= ATTEMPTS_LIMIT:
        logger.error("report.given_up model=%s version=%s", report.model_id, report.version)
        pending.update(status=ReportStatus.FAILED, due_at=None, finished_at=Now())
        return None
    report.claim = uuid4()
    claimed: dict[str, Any] = {"claim": report.claim, "attempts": F("attempts") + 1}
    UpdateReport.objects.filter(pk=report_id).update(due_at=_lease(), **claimed)
    return report


def _lease() -> Any:
    """Return when a claim made now expires: comparing four contracts may take most of a minute."""
    return Now() + timedelta(seconds=2 * settings.REVALIDATION_LEASE_SECONDS)


def _interfaces(report: UpdateReport) -> tuple[Interfaces, Interfaces]:
    """Return a model's interfaces before and after the update of a report."""
    before = interfaces_at(report.model_id, report.first_change_id - 1)
    return before, interfaces_at(report.model_id, report.last_change_id)
