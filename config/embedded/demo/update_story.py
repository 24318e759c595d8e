"""The first story: an active model is updated, its next version trained in the background."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import Any

from config.embedded.demo.api import Api, Unexpected
from config.embedded.demo.bodies import CREATE_MODEL, FEATURES, UPDATE_MODEL
from config.embedded.demo.stage import Stage
from config.embedded.demo.story import Step
from config.embedded.demo.watching import Json, Sight, Watch

FIRST, SECOND = "1", "2"


class UpdateStory:
    """Register, train, update, and see version 2 trained without anybody asking for it."""

    title = "Updating an active model trains its next version in the background"

    def __init__(self, api: Api, stage: Stage) -> None:
        self._api = api
        self._stage = stage
        self._model_id = ""

    def steps(self) -> Sequence[Step]:
        return (
            Step("Register a model", self._register),
            Step("Train version 1", self._train),
            Step("Version 1 is active, and the model with it", self._first_is_active),
            Step("Update the model, which makes version 2", self._update),
            Step("Version 2 is trained in the background", self._second_is_trained),
            Step("Version 2 is active", self._second_is_active),
            Step("Version 2 predicts", self._infer),
        )

    def _register(self) -> str:
        """Register the example under its own id, or the first one after it that is free."""
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
        self._watch = Watch(self._api, self._model_id, self._stage.show)
        _expect(answer["version"], version=FIRST, status="pending")
        _expect(answer["model"], id=self._model_id, status="pending")
        self._watch.saw(answer)
        return f"{self._model_id}, version 1, pending"

    def _train(self) -> str:
        answer = self._api.post(
            f"{self._version_path(FIRST)}/training", {"input": {}}, expected=202
        )
        job = self._watch.until_succeeded(answer["training_job_id"])
        return _told(job)

    def _first_is_active(self) -> str:
        self._watch.until_active(FIRST)
        _expect(self._watch.look().model, status="active")
        return "both active"

    def _update(self) -> str:
        answer = self._api.put(f"/models/{self._model_id}", UPDATE_MODEL)
        _expect(answer["version"], version=SECOND, status="pending")
        _expect(answer["model"], status="active", handlers=UPDATE_MODEL["handlers"])
        self._watch.saw(answer)
        self._watch.look()
        return "version 2, pending; the model stays active"

    def _second_is_trained(self) -> str:
        """Find the training job that nobody asked for, and wait for its end."""
        job = self._watch.until("a training job of version 2", _training_of_second)
        return _told(self._watch.until_succeeded(job["id"]))

    def _second_is_active(self) -> str:
        self._watch.until_active(SECOND)
        frozen = self._api.get(self._version_path(SECOND))
        _expect(frozen, handler_contracts=UPDATE_MODEL["handler_contracts"])
        return f"since {frozen['activated_at']}"

    def _infer(self) -> str:
        body = {"input": {"features": FEATURES}}
        path = f"{self._version_path(SECOND)}/inference"
        answer = self._api.post(path, body, expected=202)
        job = self._watch.until_succeeded(answer["inference_job_id"])
        predictions = job["output"].get("predictions") or []
        if len(predictions) != len(FEATURES):
            raise Unexpected(f"{len(FEATURES)} features should give as many predictions: {job}")
        pairs = zip(FEATURES, predictions, strict=True)
        return ", ".join(f"{feature:g} → {prediction:.3f}" for feature, prediction in pairs)

    def _version_path(self, version: str) -> str:
        return f"/models/{self._model_id}/versions/{version}"


def _training_of_second(sight: Sight) -> Json | None:
    wanted = {"job_type": "training", "model_version": SECOND}
    return next((job for job in sight.jobs if wanted.items() <= job.items()), None)


def _told(job: Json) -> str:
    output = job["output"] or {}
    return f"job {job['id']} succeeded, trained on {output.get('trained_on', 'its input')}"


def _expect(answer: Json, **wanted: Any) -> None:
    for name, value in wanted.items():
        if answer[name] != value:
            raise Unexpected(f"{name} is {answer[name]!r}, not {value!r}")
