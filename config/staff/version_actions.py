"""What staff may do with a version: make it the current one, train it again."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from django.db.models import Q

from config.staff.actions import StaffAction
from config.staff.base import page_url
from config.staff.paging import count_some
from models_registry.models import VERSION_TRANSITIONS, Action, Job, ModelVersion, VersionStatus
from models_registry.services.jobs import request_training
from models_registry.services.versions import set_version_status
from subscriptions.models import EventSubscription, SubscriptionStatus, TriggerEvent


class Activate(StaffAction[ModelVersion]):
    """Makes a version the current one; for an older one that is the way back."""

    name = "activate"
    label = "Activate"
    permission = "models_registry.change_modelversion"
    is_dangerous = True

    def is_offered(self, row: ModelVersion) -> bool:
        if row.status == VersionStatus.ACTIVE:
            return row.model.current_version_id != row.pk
        return VersionStatus.ACTIVE in VERSION_TRANSITIONS[row.status]

    def foresee(self, row: ModelVersion) -> Iterator[str]:
        current = row.model.current_version
        yield f"Version {row.version} of {row.model_id} becomes the current one, which events run."
        if current is not None and current.pk == row.pk:
            yield "It is the current one already: nothing changes."
        elif current is not None:
            is_back = current.number > row.number
            way = "This is a roll back from" if is_back else "It takes the place of"
            yield f"{way} version {current.version}, which stays active."
        if row.status != VersionStatus.TRAINING:
            yield "No subscription fires: that happens only when a training ends with it."
        else:
            fires = count_some(_fires(row.model_id))
            yield f"Subscriptions that fire on the end of its training, each with a job: {fires}."

    def carry_out(self, row: ModelVersion) -> str:
        change = set_version_status(model_id=row.model_id, version=row.version, status="active")
        fired = len(change.triggered_events)
        return f"Version {row.version} of {row.model_id} is current. Subscriptions fired: {fired}."

    def page_after(self, row: ModelVersion) -> str:
        return page_url(row.model)


class TrainAgain(StaffAction[ModelVersion]):
    """Asks for another training of a version, with the input of the last one."""

    name = "train"
    label = "Train again"
    permission = "models_registry.operate_modelversion"

    def foresee(self, row: ModelVersion) -> Iterator[str]:
        yield f"A training job for version {row.version} of {row.model_id} is made and dispatched."
        last = _last_training(row.model_id)
        yield (
            "Its input is empty: no training of this model was started by hand."
            if last is None
            else f"Its input is that of the last training started by hand, job {last.pk}."
        )
        if row.status == VersionStatus.ACTIVE:
            yield "The version stays active and serves meanwhile."
        else:
            yield "The version is in training until the handler reports the end."
        fires = count_some(_fires(row.model_id))
        yield f"If it succeeds, it becomes the current version. Subscriptions that fire: {fires}."
        yield "If it fails, the version has failed, and the last active one, if any, is current."

    def carry_out(self, row: ModelVersion) -> str:
        last = _last_training(row.model_id)
        given: dict[str, Any] = {} if last is None else last.input
        job = request_training(model_id=row.model_id, version=row.version, input=given)
        return f"Training job {job.pk} was made."

    def page_after(self, row: ModelVersion) -> str:
        return page_url(row.model)


def _fires(model_id: str) -> Any:
    """Return the subscriptions that the end of a model's training sets off."""
    fires = Q(state=SubscriptionStatus.ACTIVE, target_differs=False, source_differs=False)
    return EventSubscription.objects.with_status().filter(
        fires, source_id=model_id, trigger_event=TriggerEvent.TRAINING_COMPLETE
    )


def _last_training(model_id: str) -> Job | None:
    by_hand = Job.objects.filter(model_id=model_id, job_type=Action.TRAINING, origin="manual")
    return by_hand.order_by("-id").first()
