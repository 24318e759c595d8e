"""The registry's paths below /v2; none ends in a slash."""

from __future__ import annotations

from django.urls import path

from models_registry.api.job_views import AuditViewSet, HealthViewSet, JobViewSet, RerunViewSet
from models_registry.api.views import ModelViewSet, VersionViewSet

VERSION = "models/<str:model_id>/versions/<str:model_version>"

urlpatterns = [
    path("health", HealthViewSet.as_view({"get": "health"})),
    path("health/ready", HealthViewSet.as_view({"get": "ready"})),
    path("audit", AuditViewSet.as_view({"get": "list"})),
    path("models", ModelViewSet.as_view({"get": "list", "post": "create"})),
    path(
        "models/<str:model_id>",
        ModelViewSet.as_view({"get": "retrieve", "put": "update", "delete": "destroy"}),
    ),
    path("models/<str:model_id>/new_version", VersionViewSet.as_view({"post": "create"})),
    path("models/<str:model_id>/versions", VersionViewSet.as_view({"get": "list"})),
    path(VERSION, VersionViewSet.as_view({"get": "retrieve"})),
    path(f"{VERSION}/new_status", VersionViewSet.as_view({"post": "set_status"})),
    path(f"{VERSION}/training", VersionViewSet.as_view({"post": "train"})),
    path(f"{VERSION}/inference", VersionViewSet.as_view({"post": "infer"})),
    path(f"{VERSION}/jobs/<str:job_id>", JobViewSet.as_view({"get": "retrieve_of_version"})),
    path(f"{VERSION}/jobs/<str:job_id>/complete", JobViewSet.as_view({"post": "complete"})),
    path("models/<str:model_id>/jobs", JobViewSet.as_view({"get": "list_of_model"})),
    path("jobs", JobViewSet.as_view({"get": "list"})),
    path("jobs/<str:job_id>", JobViewSet.as_view({"get": "retrieve"})),
    path("jobs/<str:job_id>/retry", RerunViewSet.as_view({"post": "retry"})),
    path("jobs/<str:job_id>/cancel", RerunViewSet.as_view({"post": "cancel"})),
]
