"""The floor: a bare WSGI function that runs the same statements with psycopg, and nothing else.

It checks the token as the service does. It has no rules, no ORM and no framework: what it does in
a second is what Python, PostgreSQL and the web server allow at the most.
"""

from __future__ import annotations

import os
import threading
import zlib
from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")

import orjson
import psycopg
import redis
from uuid_utils.compat import uuid7

from config.api.authentication import principal_for
from models_registry.api.principals import Principal

SHOWN = "id, name, description, handlers, handler_contracts, metadata, status"
GET = """SELECT m.id, m.name, m.description, m.handlers, m.handler_contracts, m.metadata,
    m.status, v.version, v.description, v.metadata, v.status
    FROM models_registry_model m JOIN models_registry_modelversion v
    ON v.model_id = m.id AND v.number = m.last_number WHERE m.id = %s"""
TAG = """SELECT m.revision, v.number, v.revision
    FROM models_registry_model m JOIN models_registry_modelversion v
    ON v.model_id = m.id AND v.number = m.last_number WHERE m.id = %s"""
LIST = f"SELECT {SHOWN} FROM models_registry_model WHERE id > %s ORDER BY id LIMIT 101"
# What the service asks and writes, in the same number of statements.
KEY = """SELECT pg_try_advisory_xact_lock(%s), record.id FROM (SELECT 1) one
    LEFT JOIN models_registry_idempotencyrecord record
    ON record.caller = %s AND record.key = %s"""
LOCK = f"""SELECT {SHOWN}, last_number, last_automatic, revision FROM models_registry_model
    WHERE id = %s FOR NO KEY UPDATE"""
FIND = """SELECT id, status, metadata, handler_contracts FROM models_registry_modelversion
    WHERE model_id = %s AND version = %s"""
VERSION = """INSERT INTO models_registry_modelversion (model_id, number, version, description,
    metadata, handlers, handler_contracts, status, activations, revision, created_at)
    VALUES (%s, %s, %s, %s, %s, %s, %s, 'pending', 0, 1, %s) RETURNING id"""
LATEST = """SELECT input FROM models_registry_job WHERE model_id = %s AND job_type = 'training'
    AND origin = 'manual' ORDER BY id DESC LIMIT 1"""
UPDATE = """UPDATE models_registry_model SET name = %s, description = %s, handlers = %s,
    handler_contracts = %s, metadata = %s, last_number = %s, last_automatic = %s,
    revision = revision + 1, updated_at = %s WHERE id = %s"""
JOB = """WITH job AS (INSERT INTO models_registry_job (id, model_id, version_id, job_type, status,
    dispatch, origin, input, warnings, attempts, depth, request_id, traceparent, due_at,
    completion_digest, triggered_events, created_at) VALUES (%s, %s, %s, %s, 'pending', 'queued',
    %s, %s, '[]', 0, 0, '', '', now(), '', '[]', %s))
    INSERT INTO models_registry_auditentry (created_at, action, actor_kind, actor, client_id,
    model_id, version, job_id, before, after, request_id)
    VALUES (%s, %s, 'client', %s, %s, %s, %s, %s, NULL, %s, '')"""
ONCE = """INSERT INTO models_registry_idempotencyrecord (caller, key, digest, status, headers, body,
    created_at) VALUES (%s, %s, '', 200, '{}', %s, %s) RETURNING id"""


class _Own(threading.local):
    """What each thread of the server has for itself."""

    def __init__(self) -> None:
        url = os.environ["DATABASE_URL"]
        self.connection = psycopg.connect(url, autocommit=True, prepare_threshold=0)


own = _Own()
queue = redis.Redis.from_url(os.environ["REDIS_URL"])
Start = Callable[[str, list[tuple[str, str]]], Any]


def application(environ: dict[str, Any], start_response: Start) -> Iterable[bytes]:
    principal = principal_for(environ["HTTP_AUTHORIZATION"].removeprefix("Bearer "))
    method, path = environ["REQUEST_METHOD"], environ["PATH_INFO"].split("/")
    if method == "GET":
        model_id = path[3] if len(path) > 3 else ""
        return (_one if model_id else _list)(environ, model_id, start_response)
    body = orjson.loads(environ["wsgi.input"].read(int(environ["CONTENT_LENGTH"])))
    if method == "PUT":
        key = environ["HTTP_IDEMPOTENCY_KEY"]
        return _answer(start_response, "200 OK", _put(path[3], body, principal, key))
    return _answer(start_response, "202 Accepted", _infer(path[3], path[5], body, principal))


def _one(environ: dict[str, Any], model_id: str, start: Start) -> Iterable[bytes]:
    if "HTTP_IF_NONE_MATCH" in environ:
        tag = own.connection.execute(TAG, [model_id]).fetchone()
        assert tag
        if environ["HTTP_IF_NONE_MATCH"] == f'"{tag[0]}-{tag[1]}-{tag[2]}"':
            start("304 Not Modified", [("ETag", environ["HTTP_IF_NONE_MATCH"])])
            return []
    row = own.connection.execute(GET, [model_id]).fetchone()
    assert row
    shown = {"version": _version(*row[7:]), "model": _model(row[:7])}
    return _answer(start, "200 OK", orjson.dumps(shown))


def _list(environ: dict[str, Any], _: str, start: Start) -> Iterable[bytes]:
    after = environ.get("HTTP_X_AFTER", "")
    rows = own.connection.execute(LIST, [after]).fetchall()
    return _answer(start, "200 OK", orjson.dumps([_model(row) for row in rows[:100]]))


def _put(model_id: str, body: dict[str, Any], principal: Principal, key: str) -> bytes:
    texts = {name: orjson.dumps(body[name]).decode() for name in ("handlers", "handler_contracts")}
    metadata = orjson.dumps(body["metadata"]).decode()
    values = (body["name"], body["description"], *texts.values(), metadata)
    run, now, caller = own.connection.execute, datetime.now(UTC), principal.caller
    with own.connection.transaction():
        run(KEY, [zlib.crc32(key.encode()), caller, key]).fetchone()
        row = run(LOCK, [model_id]).fetchone()
        assert row
        number, automatic = row[7] + 1, row[8] + 1
        run(FIND, [model_id, str(automatic)]).fetchone()
        frozen = (body["description"], metadata, *texts.values(), now)
        made = run(VERSION, [model_id, number, str(automatic), *frozen]).fetchone()
        assert made
        latest = run(LATEST, [model_id]).fetchone()
        run(UPDATE, [*values, number, automatic, now, model_id])
        input = latest[0] if latest else "{}"
        job_id = _job(principal, (model_id, str(automatic), made[0]), "training", input, now)
        version = _version(str(automatic), body["description"], metadata, "pending")
        answer = orjson.dumps({"version": version, "model": _model((model_id, *values, "active"))})
        run(ONCE, [caller, key, answer, now])
    _ring(job_id)
    return answer


def _infer(model_id: str, version: str, body: dict[str, Any], principal: Principal) -> bytes:
    now = datetime.now(UTC)
    found = own.connection.execute(FIND, [model_id, version]).fetchone()
    assert found
    input = orjson.dumps(body["input"]).decode()
    with own.connection.transaction():
        job_id = _job(principal, (model_id, version, found[0]), "inference", input, now)
    _ring(job_id)
    return orjson.dumps({"inference_job_id": str(job_id)})


def _job(
    principal: Principal, of: tuple[str, str, int], job_type: str, input: str, now: datetime
) -> UUID:
    """Insert a job of (model, version, the version's key), and what the audit log says of it."""
    job_id, (model_id, version, version_id) = uuid7(), of
    job = (job_id, model_id, version_id, job_type, "automatic", input, now)
    by = (now, "job.requested", principal.subject, principal.client_id)
    own.connection.execute(JOB, [*job, *by, model_id, version, job_id, "{}"])
    return job_id


def _ring(job_id: UUID) -> None:
    queue.lpush("floor", job_id.bytes)
    queue.ltrim("floor", 0, 100)


def _model(row: tuple[Any, ...]) -> dict[str, Any]:
    id, name, description, handlers, contracts, metadata, status = row
    return {
        "id": id,
        "name": name,
        "description": description,
        "handlers": orjson.Fragment(handlers),
        "handler_contracts": orjson.Fragment(contracts) if contracts else None,
        "metadata": orjson.Fragment(metadata),
        "status": status,
    }


def _version(version: str, description: str, metadata: str, status: str) -> dict[str, Any]:
    fragment = orjson.Fragment(metadata)
    shown = {"version": version, "description": description, "metadata": fragment}
    return {**shown, "status": status}


def _answer(start: Start, status: str, body: bytes) -> Iterable[bytes]:
    headers = [("Content-Type", "application/json"), ("Content-Length", str(len(body)))]
    start(status, headers)
    return [body]
