"""Every request that the document shows works as it stands, against the embedded default.

The requests are those of the served document: its paths filled with its examples, its bodies. Only
the ids of jobs and subscriptions, which a service makes, are taken from answers.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from config.embedded.worker import QUEUES
from config.management.commands.serve import FUNCTIONS
from tests.serving import Serving
from tests.waiting import eventually

# The function of the update's example never calls back; that of the first one's inference is slow.
SILENT_TRAINING = "def handler(event, context):\n    return {}\n"
SLOW_INFERENCE = """
import time
from pathlib import Path

def handler(event, context):
    while not (Path(__file__).parent / "released").exists():
        time.sleep(0.05)
    return {"predictions": []}
"""
JOBS = "/models/model_price_reco_v1/jobs"


class Reader:
    """Reads the document and does what it shows, operation by operation."""

    def __init__(self, service: Serving) -> None:
        self.api = service.api()
        self.document = self.api.get("/openapi.json")
        self.done: set[tuple[str, str | None]] = set()
        self._operations = {
            operation["operationId"]: (method, path, operation)
            for path, methods in self.document["paths"].items()
            for method, operation in methods.items()
        }

    def shown(self) -> set[tuple[str, str | None]]:
        """Return every request that the document shows: an operation and the name of a body."""
        return {
            (name, body)
            for name, (_, _, operation) in self._operations.items()
            for body in (_bodies(operation) or [None])
        }

    def sends(self, operation_id: str, body: str | None = None, **ids: str) -> Any:
        """Send one request as it is shown; it must be answered with the documented success."""
        method, path, operation = self._operations[operation_id]
        for parameter in operation.get("parameters", ()):
            if parameter["in"] == "path":
                name = parameter["name"]
                value = ids.get(name) or parameter["examples"]["Example"]["value"]
                path = path.replace(f"{{{name}}}", value)
        content = _bodies(operation)[body]["value"] if body else None
        (success,) = [int(status) for status in operation["responses"] if status.startswith("2")]
        answer = self.api.call(method.upper(), path.removeprefix("/v2"), content, expected=success)
        self.done.add((operation_id, body))
        return answer

    def sends_all(self, operation_id: str, **ids: str) -> list[Any]:
        """Send each request of an operation, one for each body."""
        bodies = _bodies(self._operations[operation_id][2]) or [None]
        return [self.sends(operation_id, body, **ids) for body in bodies]

    def jobs(self, **wanted: str) -> list[Any]:
        """Return the model's jobs that are so, newest first."""
        return [job for job in self.api.get(JOBS) if wanted.items() <= job.items()]


def _bodies(operation: Any) -> dict[str, Any]:
    content = operation.get("requestBody", {}).get("content", {})
    found: dict[str, Any] = content.get("application/json", {}).get("examples", {})
    return found


@pytest.fixture
def functions(tmp_path: Path) -> Path:
    functions = Path(shutil.copytree(FUNCTIONS, tmp_path / "functions"))
    (functions / "train.py").write_text((functions / "train_model.py").read_text())
    (functions / "train_model.py").write_text(SILENT_TRAINING)
    (functions / "infer.py").write_text(SLOW_INFERENCE)
    return functions


@pytest.fixture
def reader(tmp_path: Path, functions: Path) -> Iterator[Reader]:
    with Serving(tmp_path / "data", "--port", "0", "--functions", str(functions)) as service:
        yield Reader(service)


def test_every_request_that_the_document_shows_works(reader: Reader, functions: Path) -> None:
    """In the order of the guide at its head."""
    for read in ("getHealth", "getReadiness"):
        reader.sends(read)
    reader.sends_all("createModel")
    reader.sends_all("trainModelVersion")
    eventually(lambda: len(reader.jobs(status="success")) == 2, seconds=60)
    reader.sends_all("createModelEventSubscription")
    reader.sends_all("checkContract")

    _finish_some_jobs(reader, functions)

    reader.sends_all("createModelVersion")
    reader.sends_all("setModelVersionStatus")
    subscription = reader.sends("listModelEventSubscriptions")[0]["id"]
    reader.sends_all("updateModelEventSubscription", subscription_id=subscription)
    reader.sends_all("acceptSubscriptions")
    job = reader.jobs(model_version="1")[0]["id"]
    for read in [name for name, _ in reader.shown() if name.startswith(("get", "list"))]:
        reader.sends(read, job_id=job, subscription_id=subscription)

    reader.sends("deleteModelEventSubscription", subscription_id=subscription)
    reader.sends("deleteModel")
    assert reader.done == reader.shown()


def _finish_some_jobs(reader: Reader, functions: Path) -> None:
    """Infer, update, complete, retry and cancel; no job is open afterwards."""
    # More than are called at a time, so that the last one waits.
    for _ in range(QUEUES["sync"]):
        reader.sends_all("inferModelVersion")
    eventually(lambda: len(reader.jobs(status="started")) == QUEUES["sync"], seconds=60)
    reader.sends("cancelJob", "Cancel", job_id=reader.jobs(status="pending")[0]["id"])

    reader.sends_all("updateModel")
    reported = []
    for outcome in ("Failure", "Success"):
        eventually(lambda: reader.jobs(model_version="2", status="started"), seconds=60)
        job = reader.jobs(model_version="2", status="started")[0]
        reader.sends("completeModelJob", outcome, model_version="2", job_id=job["id"])
        reported.append(job["id"])
        if outcome == "Failure":
            reader.sends("retryJob", "Retry", job_id=job["id"])
    assert len(set(reported)) == 2

    (functions / "released").touch()
    is_open = ("pending", "started")
    eventually(
        lambda: not [job for status in is_open for job in reader.jobs(status=status)], seconds=60
    )
