"""Holds every answer against the project's own OpenAPI document, so that neither drifts away."""

from __future__ import annotations

import copy
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

import jsonschema_rs

METHODS = ("get", "put", "post", "delete", "patch", "head", "options", "trace")


class Drift(AssertionError):
    """The API did what its document does not say."""


@dataclass(frozen=True)
class Exchange:
    """One request and its answer; bodies are decoded JSON, None when there is none."""

    method: str
    # With its query, as it was sent.
    path: str
    status: int
    body: Any
    content_type: str
    headers: Mapping[str, str] = field(default_factory=dict)
    request_body: Any = None

    def __str__(self) -> str:
        return f"{self.method} {self.path} -> {self.status}"


@dataclass(frozen=True)
class _Route:
    template: str
    pattern: re.Pattern[str]
    item: dict[str, Any]


class Document:
    """An OpenAPI 3.1 document, and the check of one exchange against it.

    Its object schemas are closed first: where the document lists properties and does not say
    that others may follow, an answer with others is drift as well.
    """

    def __init__(self, document: dict[str, Any]) -> None:
        self.raw = document
        closed = copy.deepcopy(document)
        _close(closed)
        self._components = closed.get("components", {})
        prefix = urlsplit(closed.get("servers", [{}])[0].get("url", "")).path.rstrip("/")
        self._routes = [
            _Route(path, _pattern(prefix + path), item) for path, item in closed["paths"].items()
        ]
        self._validators: dict[int, jsonschema_rs.Draft202012Validator] = {}

    def check(self, exchange: Exchange) -> None:
        """Raise Drift unless the document foresees `exchange`."""
        route = self._route(exchange)
        if route is None:
            self._check_envelope(exchange, allowed=range(400, 500), what="an unknown path")
            return
        method = "get" if exchange.method == "HEAD" else exchange.method.lower()
        operation = route.item.get(method)
        if operation is None:
            self._check_envelope(exchange, allowed=(405,), what="an unknown method")
            if not exchange.headers.get("Allow"):
                raise Drift(f"{exchange}: a 405 must say what is allowed (RFC 9110, 15.5.6).")
            return
        pointer = (route.template, method)
        self._check_answer(exchange, operation, pointer)
        if exchange.status < 400:
            self._check_request(exchange, route.item, operation, pointer)

    def operation_ids(self) -> set[str]:
        return {operation["operationId"] for operation in self.operations()}

    def operations(self) -> Iterator[dict[str, Any]]:
        for item in self.raw["paths"].values():
            yield from (item[method] for method in METHODS if method in item)

    def _route(self, exchange: Exchange) -> _Route | None:
        path = unquote(urlsplit(exchange.path).path)
        found = [route for route in self._routes if route.pattern.fullmatch(path)]
        return min(found, key=lambda route: route.template.count("{"), default=None)

    def _check_envelope(self, exchange: Exchange, *, allowed: Any, what: str) -> None:
        if exchange.status not in allowed:
            raise Drift(f"{exchange}: the document has no such operation, so this is {what}.")
        if exchange.method != "HEAD":
            body = exchange.body
            if not isinstance(body, dict) or body.get("success") is not False:
                raise Drift(f"{exchange}: not the error envelope: {body!r}")

    def _check_answer(
        self, exchange: Exchange, operation: dict[str, Any], pointer: tuple[str, ...]
    ) -> None:
        responses = operation.get("responses", {})
        key = str(exchange.status)
        if key not in responses:
            raise Drift(f"{exchange}: {operation.get('operationId')} documents {list(responses)}.")
        response = self._resolve(responses[key])
        for name, header in response.get("headers", {}).items():
            if self._resolve(header).get("required") and name not in exchange.headers:
                raise Drift(f"{exchange}: the documented header {name} is missing.")
        content = response.get("content") or {}
        if not content:
            if exchange.body is not None:
                raise Drift(f"{exchange}: documented without a body, came with {exchange.body!r}")
            return
        if exchange.method == "HEAD":
            return
        media_type = exchange.content_type.split(";")[0]
        if media_type not in content:
            raise Drift(f"{exchange}: came as {media_type!r}, documented as {list(content)}.")
        self._check_body(exchange.body, content[media_type], (*pointer, key, media_type), exchange)
        self._check_code(exchange, content[media_type])

    def _check_code(self, exchange: Exchange, media: dict[str, Any]) -> None:
        """A refusal must have one of the codes that the document shows for its status."""
        if exchange.status < 400:
            return
        shown = {each["value"]["code"] for each in media.get("examples", {}).values()}
        code = exchange.body.get("code")
        if shown and code not in shown:
            raise Drift(f"{exchange}: the code {code!r} is not among those shown: {sorted(shown)}.")

    def _check_request(
        self,
        exchange: Exchange,
        item: dict[str, Any],
        operation: dict[str, Any],
        pointer: tuple[str, ...],
    ) -> None:
        """What the API accepted must be what the document allows to send."""
        parameters = [
            self._resolve(each)
            for each in (*item.get("parameters", ()), *operation.get("parameters", ()))
        ]
        known = {each["name"] for each in parameters if each["in"] == "query"}
        for name, _ in parse_qsl(urlsplit(exchange.path).query, keep_blank_values=True):
            if name not in known:
                raise Drift(f"{exchange}: accepted the undocumented query parameter {name!r}.")
        if exchange.request_body is None:
            return
        content = self._resolve(operation.get("requestBody", {})).get("content", {})
        if "application/json" not in content:
            raise Drift(f"{exchange}: accepted a body; the document has none.")
        self._check_body(
            exchange.request_body,
            content["application/json"],
            (*pointer, "request"),
            exchange,
            what="accepted the body",
        )

    def _check_body(
        self,
        body: Any,
        media: dict[str, Any],
        pointer: tuple[str, ...],
        exchange: Exchange,
        what: str = "the body",
    ) -> None:
        schema = media.get("schema")
        if schema is None:
            raise Drift(f"{exchange}: the document gives no schema for {'/'.join(pointer)}.")
        if not exchange.content_type.startswith("application/json"):
            return
        faults = [
            f"{'/'.join(map(str, fault.instance_path)) or '(whole)'}: {fault.message}"
            for fault in self._validator(schema).iter_errors(body)
        ]
        if faults:
            raise Drift(f"{exchange}: {what} is not as documented: {'; '.join(faults[:5])}")

    def _validator(self, schema: dict[str, Any]) -> jsonschema_rs.Draft202012Validator:
        # By identity: the closed document keeps every schema of it alive.
        found = self._validators.get(id(schema))
        if found is None:
            found = self._validators[id(schema)] = jsonschema_rs.Draft202012Validator(
                {**schema, "components": self._components}, validate_formats=True
            )
        return found

    def _resolve(self, node: dict[str, Any]) -> dict[str, Any]:
        reference = node.get("$ref")
        if reference is None:
            return node
        found: Any = {"components": self._components}
        for part in reference.removeprefix("#/").split("/"):
            found = found[part.replace("~1", "/").replace("~0", "~")]
        return self._resolve(found)


def _pattern(template: str) -> re.Pattern[str]:
    """Return what matches a path of `template`, such as "/v2/models/{model_id}"."""
    literals = re.split(r"\{[^}]+\}", template)
    return re.compile("[^/]+".join(map(re.escape, literals)))


def _close(node: Any) -> None:
    """Forbid, in place, properties that an object schema does not list and does not invite."""
    if isinstance(node, list):
        for each in node:
            _close(each)
    if isinstance(node, dict):
        for each in node.values():
            _close(each)
        if node.get("type") == "object" and "properties" in node:
            node.setdefault("additionalProperties", False)
