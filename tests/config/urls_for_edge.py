"""Paths for the tests of what stands around every view: bodies, errors, pages, ETags."""

from __future__ import annotations

from typing import Any

from django.contrib.auth.models import User
from django.core.exceptions import BadRequest, PermissionDenied, SuspiciousOperation
from django.db import InterfaceError, OperationalError
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseNotAllowed
from django.http.request import UnreadablePostError
from django.urls import path
from rest_framework import exceptions, viewsets
from rest_framework.authentication import BaseAuthentication
from rest_framework.permissions import AllowAny
from rest_framework.request import Request
from rest_framework.response import Response

from config.api import errors
from models_registry.api.etags import not_modified, precondition
from models_registry.api.fields import (
    IdField,
    JSONObjectField,
    NameField,
    StrictBooleanField,
    StrictChoiceField,
    StrictSerializer,
    StrictUUIDField,
    TextField,
)
from models_registry.api.pages import PAGING, page
from models_registry.api.paths import check_path
from models_registry.api.queries import Query
from models_registry.errors import Conflict, Fault, Unprocessable

ETAG = '"3-1-4"'
# What must not get out.
SECRET = "CANARY-5f3a"


class OpenViewSet(viewsets.ViewSet):
    authentication_classes = ()
    permission_classes = (AllowAny,)
    http_method_names = ("get", "head", "post", "put", "delete")  # type: ignore[assignment]


class EchoViewSet(OpenViewSet):
    def take(self, request: Request) -> Response:
        return Response(request.data)

    def show(self, request: Request) -> Response:
        return Response({"query": request.query_params.get("q", "")})


class InnerRequest(StrictSerializer):
    arn = NameField()
    retry = StrictBooleanField(required=False)


class OuterRequest(StrictSerializer):
    id = IdField(required=False)
    name = NameField()
    description = TextField()
    kind = StrictChoiceField(choices=["stored", "trigger_output"], required=False)
    source = StrictUUIDField(required=False)
    metadata = JSONObjectField()
    label = NameField(required=False, allow_null=True, default=None)
    handler = InnerRequest(required=False)
    steps = InnerRequest(many=True, required=False)


class FormViewSet(OpenViewSet):
    def take(self, request: Request) -> Response:
        form = OuterRequest(data=request.data)
        form.is_valid(raise_exception=True)
        return Response(form.validated_data)


class ETagViewSet(OpenViewSet):
    def show(self, request: Request) -> Response:
        return not_modified(request, ETAG) or Response({"a": 1}, headers={"ETag": ETAG})

    def change(self, request: Request) -> Response:
        precondition(request, ETAG)
        return Response({"a": 2})


class IdViewSet(OpenViewSet):
    def show(self, request: Request, **kwargs: str) -> Response:
        check_path(kwargs)
        return Response(kwargs)


class UserViewSet(OpenViewSet):
    """Lists of rows: by one column, by two, and as dicts."""

    def by_name(self, request: Request) -> Response:
        query = Query(request, (*PAGING, "q"))
        rows, headers = page(request, User.objects.all(), key=("-username",), query=query)
        return Response([user.username for user in rows], headers=headers)

    def by_date(self, request: Request) -> Response:
        users = User.objects.values("id", "username", "date_joined")
        rows, headers = page(request, users, key=("-date_joined", "id"))
        return Response([row["username"] for row in rows], headers=headers)


class Refuse(BaseAuthentication):
    def authenticate(self, request: Request) -> None:
        raise exceptions.AuthenticationFailed("No.")

    def authenticate_header(self, request: Request) -> str:
        return "Bearer"


class LockedViewSet(EchoViewSet):
    authentication_classes = (Refuse,)


RAISED: dict[str, Exception] = {
    "conflict": Conflict("Taken."),
    "faults": Unprocessable(faults=[Fault("/a/b", "Wrong."), Fault("", "Worse.")]),
    "many_faults": Unprocessable(faults=[Fault("/holds/" + "k" * 9000, "Wrong.")] * 1234),
    "http404": Http404(),
    "forbidden": PermissionDenied(SECRET),
    "drf_forbidden": exceptions.PermissionDenied("This needs the scope 'x'."),
    "throttled": exceptions.Throttled(wait=2.2),
    "operational": OperationalError(SECRET),
    "interface": InterfaceError(SECRET),
    "suspicious": SuspiciousOperation(SECRET),
    "bad": BadRequest(SECRET),
    "cut_off": UnreadablePostError(SECRET),
    "bug": ZeroDivisionError(SECRET),
}


class RaisingViewSet(OpenViewSet):
    def show(self, request: Request, name: str) -> Response:
        raise RAISED[name]


def plain(request: HttpRequest, name: str) -> HttpResponse:
    """A view that DRF knows nothing of."""
    if name == "method":
        return HttpResponseNotAllowed(["POST"])
    if name == "html":
        return HttpResponse("<p>teapot</p>", status=418)
    raise RAISED[name]


def _as_view(view: type[OpenViewSet], **actions: str) -> Any:
    return view.as_view(actions)


urlpatterns = [
    path("v2/echo", _as_view(EchoViewSet, get="show", post="take", put="take")),
    path("v2/locked", _as_view(LockedViewSet, get="show", post="take")),
    path("v2/form", _as_view(FormViewSet, post="take")),
    path("v2/etag", _as_view(ETagViewSet, get="show", put="change")),
    path("v2/users/by_name", _as_view(UserViewSet, get="by_name")),
    path("v2/users/by_date", _as_view(UserViewSet, get="by_date")),
    path("v2/models/<str:model_id>", _as_view(IdViewSet, get="show")),
    path(
        "v2/models/<str:model_id>/versions/<str:model_version>/jobs/<str:job_id>",
        _as_view(IdViewSet, get="show"),
    ),
    path("v2/raise/<str:name>", _as_view(RaisingViewSet, get="show")),
    path("v2/plain/<str:name>", plain),
    path("other/<str:name>", plain),
]

handler400 = errors.handler400
handler403 = errors.handler403
handler404 = errors.handler404
handler500 = errors.handler500
