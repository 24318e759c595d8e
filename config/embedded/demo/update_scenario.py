"""The first scenario: an update of an active model trains its next version."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import Any

from config.embedded.demo.api import Api, Unexpected
from config.embedded.demo.display import Display
from config.embedded.demo.polling import Json, ModelPoller, Snapshot
from config.embedded.demo.scenario import FEATURES, Step
from models_registry.api.openapi.examples import CREATE_MODEL, UPDATE_MODEL

FIRST, SECOND = "1", "2"


class UpdateScenario:
    """Register, train and update a model; the training of version 2 starts by itself."""

    title = "An update of an active model trains its next version in the background"

    def __init__(self, api: Api, display: Display) -> None:
        self._api = api
        self._display = display
        self._model_id = ""

    def steps(self) -> Sequence[Step]:
        return (
            Step("Register a model", self._register),
            Step("Train version 1", self._train),
            Step("Version 1 and the model are active", self._first_is_active),
            Step("Update the model, which creates version 2", self._update),
            Step("Version 2 is trained in the background", self._second_is_trained),
            Step("Version 2 is active", self._second_is_active),
            Step("Version 2 predicts", self._infer),
        )

    def _register(self) -> str:
        """Register the example under its own id, or with the first free suffix."""
        for number in itertools.count(1):
            example = CREATE_MODEL["id"]
            self._model_id = example if number == 1 else f"{example}-{number}"
            status, answer = self._api.answer(
                "POST", "/models", {**CREATE_MODEL, "id": self._model_id}
            )
            if status != 409:
                break
        if status != 201:
            raise Unexpected(f"POST /v2/models answered {status}: {answer}")
        self._poller = ModelPoller(self._api, self._model_id, self._display.show)
        _expect(answer["version"], version=FIRST, status="pending")
        _expect(answer["model"], id=self._model_id, status="pending")
        self._poller.show_answer(answer)
        return f"{self._model_id}, version 1, pending"

    def _train(self) -> str:
        answer = self._api.post(
            f"{self._version_path(FIRST)}/training", {"input": {}}, expected=202
        )
        job = self._poller.until_succeeded(answer["training_job_id"])
        return _outcome(job)

    def _first_is_active(self) -> str:
        self._poller.until_active(FIRST)
        _expect(self._poller.poll().model, status="active")
        return "both active"

    def _update(self) -> str:
        answer = self._api.put(f"/models/{self._model_id}", UPDATE_MODEL)
        _expect(answer["version"], version=SECOND, status="pending")
        _expect(answer["model"], status="active", handlers=UPDATE_MODEL["handlers"])
        self._poller.show_answer(answer)
        self._poller.poll()
        return "version 2, pending; the model stays active"

    def _second_is_trained(self) -> str:
        """Find the automatic training job, and wait for its end."""
        job = self._poller.until("a training job of version 2", _training_of_second)
        return _outcome(self._poller.until_succeeded(job["id"]))

    def _second_is_active(self) -> str:
        self._poller.until_active(SECOND)
        frozen = self._api.get(self._version_path(SECOND))
        _expect(frozen, handler_contracts=UPDATE_MODEL["handler_contracts"])
        return f"since {frozen['activated_at']}"

    def _infer(self) -> str:
        body = {"input": {"features": FEATURES}}
        path = f"{self._version_path(SECOND)}/inference"
        answer = self._api.post(path, body, expected=202)
        job = self._poller.until_succeeded(answer["inference_job_id"])
        predictions = job["output"].get("predictions") or []
        if len(predictions) != len(FEATURES):
            raise Unexpected(f"{len(FEATURES)} features should give as many predictions: {job}")
        pairs = zip(FEATURES, predictions, strict=True)
        return ", ".join(f"{feature:g} → {prediction:.3f}" for feature, prediction in pairs)

    def _version_path(self, version: str) -> str:
        return f"/models/{self._model_id}/versions/{version}"


def _training_of_second(snapshot: Snapshot) -> Json | None:
    wanted = {"job_type": "training", "model_version": SECOND}
    return next((job for job in snapshot.jobs if wanted.items() <= job.items()), None)


def _outcome(job: Json) -> str:
    output = job["output"] or {}
    return f"job {job['id']} succeeded, trained on {output.get('trained_on', 'its input')}"


def _expect(answer: Json, **wanted: Any) -> None:
    for name, value in wanted.items():
        if answer[name] != value:
            raise Unexpected(f"{name} is {answer[name]!r}, not {value!r}")
