"""Deleting a model while work is asked of it, on PostgreSQL with real threads."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from django.db import connection
from django.db.models.deletion import Collector

from models_registry.models import Job, Model
from models_registry.services import jobs
from models_registry.services.jobs import request_inference
from models_registry.services.lookups import ModelNotFound
from models_registry.services.models import ModelInUse, delete_model
from tests import examples, factories

pytestmark = [pytest.mark.postgres, pytest.mark.django_db(transaction=True)]


def _in_a_thread(function: Any) -> Any:
    def run() -> Any:
        try:
            return function()
        finally:
            connection.close()

    with ThreadPoolExecutor(1) as pool:
        return pool.submit(run).result(20)


def _request() -> Job:
    return request_inference(model_id=examples.MODEL_ID, version="1", input={})


def test_a_job_asked_for_under_the_deletion_of_its_model_stops_it(monkeypatch):
    factories.make_active_model()
    asked: list[Job] = []
    delete = Collector.delete

    def ask_and_delete(collected: Collector) -> Any:
        if not asked:
            asked.append(_in_a_thread(_request))
        return delete(collected)

    monkeypatch.setattr(Collector, "delete", ask_and_delete)
    with pytest.raises(ModelInUse):
        delete_model(model_id=examples.MODEL_ID)

    assert Job.objects.get().pk == asked[0].pk


def test_a_model_that_is_deleted_while_a_job_is_asked_for_is_not_found(monkeypatch):
    factories.make_active_model()
    new_job = jobs.new_job

    def delete_and_make(*given: Any, **known: Any) -> Job:
        if Model.objects.exists():
            _in_a_thread(lambda: delete_model(model_id=examples.MODEL_ID))
        return new_job(*given, **known)

    monkeypatch.setattr(jobs, "new_job", delete_and_make)
    with pytest.raises(ModelNotFound):
        _request()

    assert not Model.objects.exists()
    assert not Job.objects.exists()
