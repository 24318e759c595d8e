"""Rows of every kind for the staff's pages, with any text wherever a caller may write one."""

from __future__ import annotations

from typing import Any

from django.contrib.admin import site
from django.utils import timezone

from config.staff.links import act_url, list_url, page_url
from models_registry.models import Job, Model, ModelVersion
from models_registry.services.completion import complete_job
from models_registry.services.versions import create_version
from subscriptions.models import EventSubscription, Revalidation
from subscriptions.services.firing import Fact, fire
from tests.factories import (
    ask_inference,
    ask_training,
    change_model,
    make_active_model,
    make_subscription,
)


def make_rows(text: str) -> Model:
    """Make models, versions, jobs, subscriptions, triggers and revalidations that bear `text`."""
    model = make_active_model(
        "first", name=text[:200], description=text, metadata={text: [text, {"deep": text}]}
    )
    make_active_model("second", name=text[:200], description=text)
    schema = {
        "type": "object",
        "title": text,
        "description": text,
        "required": [text],
        "properties": {text: {"enum": [text], "default": text, "description": text}},
    }
    subscription = make_subscription(
        "first", "second", trigger_event="inference_complete", input={text: text}, label=text[:200]
    )
    contracts = {"inference": {"input_schema": schema, "output_schema": {"const": text}}}
    change_model("second", description=text, metadata={text: text}, handler_contracts=contracts)
    change_model("first", description=text, metadata={text: text}, handler_contracts=contracts)
    create_version(model_id="first", version="by hand", description=text, metadata={text: text})
    ended = ask_inference("first", **{text: text})
    end(ended, status="success", output={text: text})
    failed = ask_training("first", **{text: text})
    end(failed, status="failure", error={"code": text, "message": text})
    fire(Fact("job:1", "first", "inference_complete", Job.objects.get(pk=ended.pk)))
    EventSubscription.objects.filter(pk=subscription.pk).update(warnings=[text], has_warnings=True)
    Job.objects.filter(pk=failed.pk).update(warnings=[text])
    return model


def end(job: Job, *, status: str, **outcome: Any) -> Job:
    """End a job as its handler would."""
    return complete_job(
        model_id=job.model_id,
        version=job.version.version,
        job_id=job.pk,
        status=status,
        output=outcome.get("output"),
        error=outcome.get("error"),
    )


def make_run(model_id: str = "first", **columns: Any) -> Revalidation:
    """Make a revalidation that is under way."""
    now = timezone.now()
    return Revalidation.objects.create(
        **{
            "model_id": model_id,
            "action": "inference",
            "fingerprint": "f" * 64,
            "version": "9",
            "status": "running",
            "total": 100,
            "checked": 10,
            "due_at": now,
            "created_at": now,
            **columns,
        }
    )


def all_pages() -> list[str]:
    """Return the address of every staff page: of each table its list, and a page of a row."""
    pages = ["/admin/", "/admin/login/", "/admin/password_change/", "/admin/chains/"]
    for table in site._registry:
        pages.append(list_url(table))
        row = table.objects.order_by("pk").last()
        if row is not None:
            pages.append(page_url(row))
    version = ModelVersion.objects.get(model_id="first", version="1")
    failed = Job.objects.filter(model_id="first", status="failure").first()
    return [
        *pages,
        *[page_url(job) for job in Job.objects.order_by("pk")[:8]],
        page_url(Model.objects.get(pk="second")),
        f"{page_url(Model.objects.get(pk='second')).replace('change', 'compare')}?old=1&new=2",
        list_url(EventSubscription, target__id__exact="second"),
        *[act_url(each, "accept") for each in EventSubscription.objects.all()[:1]],
        act_url(version, "activate"),
        act_url(version, "train"),
        *([act_url(failed, "retry")] if failed else []),
    ]
