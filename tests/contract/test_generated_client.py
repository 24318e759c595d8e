"""A client that a public generator makes of the document completes the whole story."""

from __future__ import annotations

import importlib
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from tests.examples import CREATE_MODEL, INFER, UPDATE_MODEL
from tests.tokens import token
from tests.waiting import eventually

DOCUMENT = Path(__file__).parent / "openapi.json"
OPERATIONS = {
    "models": ("create_model", "update_model", "get_model"),
    "versions": ("get_model_version",),
    "work": ("train_model_version", "infer_model_version"),
    "jobs": ("get_job", "complete_model_job"),
}
BODIES = (
    "CreateModelRequest",
    "UpdateModelRequest",
    "TrainRequest",
    "InferRequest",
    "CompleteJobRequest",
)


@pytest.fixture(scope="module")
def generated(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SimpleNamespace]:
    """The generated package: its operations, its bodies and its client class, by name."""
    folder = tmp_path_factory.mktemp("generated")
    generator = "from openapi_python_client.cli import app; app()"
    arguments = ("--path", str(DOCUMENT), "--output-path", str(folder / "client"))
    subprocess.run(
        [sys.executable, "-c", generator, "generate", *arguments, "--meta", "none"],
        check=True,
        timeout=120,
        capture_output=True,
    )
    (folder / "client").rename(folder / "modelpact_client")
    sys.path.insert(0, str(folder))
    made = SimpleNamespace(**vars(importlib.import_module("modelpact_client")))
    for module in ("models", "client"):
        vars(made).update(vars(importlib.import_module(f"modelpact_client.{module}")))
    for tag, names in OPERATIONS.items():
        for name in names:
            setattr(made, name, importlib.import_module(f"modelpact_client.api.{tag}.{name}").sync)
    yield made
    sys.path.remove(str(folder))


@pytest.fixture
def client(generated: SimpleNamespace, live_server: Any) -> Iterator[Any]:
    """The generated client, with a token of an admin."""
    with generated.AuthenticatedClient(base_url=live_server.url, token=token()) as made:
        yield made


@pytest.mark.django_db(transaction=True)
def test_a_generated_client_registers_trains_updates_and_infers(
    generated, client, local_lambda, run_due_jobs
):
    def call(operation: Any, *path: str, body: Any = None, kind: str = "") -> Any:
        sent = {"body": getattr(generated, kind).from_dict(body)} if kind else {}
        answer = operation(*path, client=client, **sent)
        assert not isinstance(answer, generated.Error), answer
        return answer

    made = call(generated.create_model, body=CREATE_MODEL, kind="CreateModelRequest")
    model_id = made.model.id
    call(generated.train_model_version, model_id, "1", body={}, kind="TrainRequest")
    run_due_jobs()
    eventually(lambda: call(generated.get_model_version, model_id, "1").status.value == "active")

    updated = call(generated.update_model, model_id, body=UPDATE_MODEL, kind="UpdateModelRequest")
    assert updated.version.version == "2"
    assert updated.model.handlers.training.arn == UPDATE_MODEL["handlers"]["training"]["arn"]
    run_due_jobs()
    eventually(lambda: call(generated.get_model, model_id).version.status.value == "active")

    body = {"input": {"features": [0.5]}}
    asked = call(generated.infer_model_version, model_id, "2", body=body, kind="InferRequest")
    run_due_jobs()
    job = call(generated.get_job, asked.inference_job_id)
    assert job.status.value == "success"
    assert len(job.output["predictions"]) == 1

    asked = call(generated.infer_model_version, model_id, "1", body=INFER, kind="InferRequest")
    path = (model_id, "1", str(asked.inference_job_id))
    report = {"status": "success", "output": {"price": 120}}
    done = call(generated.complete_model_job, *path, body=report, kind="CompleteJobRequest")
    assert (str(done.job_id), done.triggered_events) == (path[2], [])


def test_a_refusal_is_an_error_with_its_faults(generated, client, active_model):
    body = generated.InferRequest.from_dict({"input": {}})
    answer = generated.infer_model_version("nobody", "1", client=client, body=body)

    assert isinstance(answer, generated.Error)
    assert answer.code == "model_not_found"
