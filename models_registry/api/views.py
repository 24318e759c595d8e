"""The operations on models and versions; each makes one service call or one read."""

from __future__ import annotations

from typing import Any, ClassVar

from rest_framework import serializers, status
from rest_framework.request import Request

from models_registry.api import representations as show
from models_registry.api.etags import has_precondition, not_modified, precondition
from models_registry.api.idempotency import idempotent
from models_registry.api.openapi import model_operations
from models_registry.api.pages import page, stored_page
from models_registry.api.response_types import StatusChangeObject
from models_registry.api.responses import Response
from models_registry.api.serializers import (
    CreateModelRequest,
    CreateVersionRequest,
    InferRequest,
    SetStatusRequest,
    TrainRequest,
    UpdateModelRequest,
)
from models_registry.api.viewset import ApiViewSet
from models_registry.db.read_models import model_etag, stored_models, version_etag
from models_registry.models import Action, Job, Model, ModelVersion
from models_registry.services import jobs, lookups, models, versions

Bodies = dict[str, type[serializers.Serializer[Any]]]
Scopes = dict[str, str]


class ModelViewSet(ApiViewSet):
    """Models."""

    scopes: ClassVar[Scopes] = {
        "list": "read_models",
        "create": "manage_models",
        "retrieve": "read_models",
        "update": "manage_models",
        "destroy": "manage_models",
    }
    bodies: ClassVar[Bodies] = {"create": CreateModelRequest, "update": UpdateModelRequest}
    costly = frozenset({"create", "update"})

    @model_operations.list_models
    def list(self, request: Request) -> Response:
        rows, headers = stored_page(request, Model, stored_models)
        return Response([show.stored_model_object(model) for model in rows], headers=headers)

    @model_operations.create_model
    @idempotent
    def create(self, request: Request) -> Response:
        model, version = models.register_model(**self.body)
        response = _shown(model, version, status.HTTP_201_CREATED)
        response["Location"] = request.build_absolute_uri(f"/v2/models/{model.id}")
        return response

    @model_operations.get_model
    def retrieve(self, request: Request, model_id: str) -> Response:
        model, newest = lookups.get_stored_model(model_id)
        etag = model_etag(model, newest)
        return not_modified(request, etag) or Response(
            show.stored_model_and_version(model, newest), headers={"ETag": etag}
        )

    @model_operations.update_model
    @idempotent
    def update(self, request: Request, model_id: str) -> Response:
        model, version = models.update_model(
            model_id=model_id, precondition=_if_match(request), **self.body
        )
        return _shown(model, version)

    @model_operations.delete_model
    def destroy(self, request: Request, model_id: str) -> Response:
        models.delete_model(model_id=model_id, precondition=_if_match(request))
        return Response(status=status.HTTP_204_NO_CONTENT)


class VersionViewSet(ApiViewSet):
    """Versions of a model, their statuses and the work they are asked to do."""

    scopes: ClassVar[Scopes] = {
        "list": "read_models",
        "retrieve": "read_models",
        "create": "manage_models",
        "set_status": "manage_models",
        "train": "run_training",
        "infer": "run_inference",
    }
    bodies: ClassVar[Bodies] = {
        "create": CreateVersionRequest,
        "set_status": SetStatusRequest,
        "train": TrainRequest,
        "infer": InferRequest,
    }
    costly = frozenset({"train", "infer"})

    @model_operations.list_model_versions
    def list(self, request: Request, model_id: str) -> Response:
        lookups.require_model(model_id)
        versions_of = ModelVersion.objects.filter(model_id=model_id)
        rows, headers = page(request, versions_of, key=("-number",))
        return Response([show.version_object(version) for version in rows], headers=headers)

    @model_operations.get_model_version
    def retrieve(self, request: Request, model_id: str, model_version: str) -> Response:
        version = lookups.get_version(model_id, model_version)
        etag = version_etag(version)
        return not_modified(request, etag) or Response(
            show.frozen_version_object(version), headers={"ETag": etag}
        )

    @model_operations.create_model_version
    @idempotent
    def create(self, request: Request, model_id: str) -> Response:
        model, version = versions.create_version(model_id=model_id, **self.body)
        response = _shown(model, version, status.HTTP_201_CREATED)
        response["Location"] = request.build_absolute_uri(
            f"/v2/models/{model_id}/versions/{version.version}"
        )
        return response

    @model_operations.set_model_version_status
    def set_status(self, request: Request, model_id: str, model_version: str) -> Response:
        change = versions.set_version_status(
            model_id=model_id, version=model_version, status=self.body["status"]
        )
        shown = show.model_and_version(change.model, change.version)
        return Response(StatusChangeObject(**shown, triggered_events=change.triggered_events))

    @model_operations.train_model_version
    @idempotent
    def train(self, request: Request, model_id: str, model_version: str) -> Response:
        job = jobs.request_training(model_id=model_id, version=model_version, **self.body)
        return _accepted(request, job, model_version)

    @model_operations.infer_model_version
    @idempotent
    def infer(self, request: Request, model_id: str, model_version: str) -> Response:
        job = jobs.request_inference(model_id=model_id, version=model_version, **self.body)
        return _accepted(request, job, model_version)


def _shown(model: Model, version: ModelVersion, status_code: int = status.HTTP_200_OK) -> Response:
    return Response(
        show.model_and_version(model, version),
        status=status_code,
        headers={"ETag": model_etag(model, version)},
    )


def _if_match(request: Request) -> models.Precondition | None:
    if not has_precondition(request):
        return None
    return lambda model, newest: precondition(request, model_etag(model, newest))


def _accepted(request: Request, job: Job, model_version: str) -> Response:
    name = "training_job_id" if job.job_type == Action.TRAINING else "inference_job_id"
    path = f"/v2/models/{job.model_id}/versions/{model_version}/jobs/{job.pk}"
    return Response(
        {name: str(job.pk)},
        status=status.HTTP_202_ACCEPTED,
        headers={"Location": request.build_absolute_uri(path)},
    )
