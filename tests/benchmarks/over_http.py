"""Parts that go over HTTP: updating, reading, listing and asking for inference."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from functools import partial
from typing import Any

from tests import examples
from tests.benchmarks.competitors import Server
from tests.benchmarks.names import FLOOR, MLFLOW, MODELS, SERVICE, model_id
from tests.benchmarks.rounds import Drive, interleave, summary

# How many different models the requests of one measurement go to.
SPREAD = 500
MLFLOW_PATH = "/api/2.0/mlflow"
Servers = dict[str, Server]
Requests = dict[str, list[str]]


def put(servers: Servers) -> Requests:
    """An update of an active model with four schemas, with a key of its own each time."""
    body = examples.update_model()
    made = {
        name: [
            server.request(
                "PUT", f"/v2/models/{model_id(number)}", body, Idempotency_Key="k{{unique}}"
            )
            for number in range(SPREAD)
        ]
        for name, server in servers.items()
        if name != MLFLOW
    }
    if MLFLOW in servers:
        path = f"{MLFLOW_PATH}/model-versions/create"
        made[MLFLOW] = [
            servers[MLFLOW].request("POST", path, {"name": model_id(number), "source": "s3://b/a"})
            for number in range(SPREAD)
        ]
    return made


def get(servers: Servers) -> Requests:
    """One model by its id."""
    numbers = range(SPREAD, 2 * SPREAD)
    return _reads(
        servers,
        [f"/v2/models/{model_id(number)}" for number in numbers],
        [f"/registered-models/get?name={model_id(number)}" for number in numbers],
    )


def not_modified(servers: Servers) -> Requests:
    """The same for a reader who has it already."""
    made: Requests = {SERVICE: [], FLOOR: []}
    for number in range(SPREAD, SPREAD + 50):
        path = f"/v2/models/{model_id(number)}"
        tag = servers[SERVICE].ask("GET", path).headers["ETag"]
        for name in made:
            made[name].append(servers[name].request("GET", path, If_None_Match=tag))
    return made


def list_first(servers: Servers) -> Requests:
    """The first hundred of a hundred thousand models."""
    theirs = ["/registered-models/search?max_results=100"]
    return _reads(servers, ["/v2/models?limit=100"], theirs)


def list_last(servers: Servers) -> Requests:
    """The last hundred but some: the page after most of the others."""
    after = model_id(MODELS - 150)
    made = _reads(servers, [f"/v2/models?limit=100&cursor={_cursor(servers[SERVICE])}"], [])
    path = "/v2/models?limit=100"
    made[FLOOR] = [servers[FLOOR].request("GET", path, X_After=after)]
    return made


def infer(servers: Servers) -> Requests:
    """An inference request whose input is held against the contract."""
    body = {"input": {"features": [number / 10 for number in range(30)]}}
    return {
        name: [
            server.request("POST", f"/v2/models/{model_id(number)}/versions/1/inference", body)
            for number in range(2 * SPREAD, 3 * SPREAD)
        ]
        for name, server in servers.items()
        if name != MLFLOW
    }


PARTS: dict[str, tuple[str, Callable[[Servers], Requests]]] = {
    "put": ("PUT on an active model", put),
    "get": ("GET one model", get),
    "304": ("GET one model, 304", not_modified),
    "list": ("list of 100, first page", list_first),
    "list-last": ("list of 100, last page", list_last),
    "infer": ("inference request", infer),
}


def measure(part: str, servers: Servers, drive: Drive, rounds: int) -> dict[str, Any]:
    """Run one part of the table."""
    _, make = PARTS[part]
    made: dict[str, Callable[[], dict[str, Any]]] = {
        name: partial(drive, servers[name], requests) for name, requests in make(servers).items()
    }
    return summary(interleave(made, rounds))


def _reads(servers: Servers, paths: list[str], theirs: list[str]) -> Requests:
    made = {
        name: [servers[name].request("GET", path) for path in paths] for name in (SERVICE, FLOOR)
    }
    if MLFLOW in servers and theirs:
        made[MLFLOW] = [servers[MLFLOW].request("GET", f"{MLFLOW_PATH}{path}") for path in theirs]
    return made


def _cursor(server: Server) -> str:
    """Walk the list to its last page but one thousand rows, and return the cursor there."""
    cursor, path = "", "/v2/models?limit=1000"
    while True:
        answer = server.ask("GET", path + (f"&cursor={cursor}" if cursor else ""))
        found = re.search(r"cursor=([^&>]+)", answer.headers.get("Link", ""))
        if found is None or json.loads(answer.body)[-1]["id"] >= model_id(MODELS - 1500):  # type: ignore[attr-defined]
            return cursor
        cursor = found[1]
