"""The second story: models in a chain, and what a changed contract does to it."""

from __future__ import annotations

import itertools
import time
from collections.abc import Callable, Sequence
from typing import Any

from config.embedded.demo.api import Api, Unexpected
from config.embedded.demo.bodies import FEATURES, UPDATE_MODEL
from config.embedded.demo.stage import Stage
from config.embedded.demo.story import Step
from config.embedded.demo.watching import PAUSE_SECONDS, WITHIN_SECONDS, Json, Watch

SOURCE, TARGET = "demand", "forecast"
# What the tightened contract asks of each feature, and features that it takes.
TIGHT: Json = {"type": "array", "items": {"type": "number", "maximum": 100}}
MENDED = [0.5, 18.2, 84.6]


class ChainStory:
    """Retraining one model runs another, until that one's contract changes under the payload."""

    title = "When one model is retrained, another one runs, until its contract changes"

    def __init__(self, api: Api, stage: Stage) -> None:
        self._api = api
        self._stage = stage

    def steps(self) -> Sequence[Step]:
        return (
            Step("Register two models and train them", self._register),
            Step("Subscribe: when the first is retrained, the second predicts", self._subscribe),
            Step("Retrain the first: the chain runs", lambda: self._chain_runs("1")),
            Step("Tighten the contract of the second", self._tighten),
            Step("The subscription is stale at once", self._is_stale),
            Step("The background check finds the payload that breaks", self._is_checked),
            Step("Retrain the first: a stale subscription never fires", self._nothing_runs),
            Step("Mend the payload, which accepts the new contract", self._mend),
            Step("Retrain the first: the chain runs again", lambda: self._chain_runs("2")),
        )

    def _register(self) -> str:
        suffix = self._free_suffix()
        self._source, self._target = f"{SOURCE}{suffix}", f"{TARGET}{suffix}"
        self._watches = {}
        for model_id in (self._source, self._target):
            body = {**UPDATE_MODEL, "id": model_id, "name": model_id.capitalize()}
            self._api.post("/models", body, expected=201)
            self._watches[model_id] = Watch(self._api, model_id, self._stage.show)
            self._retrain(model_id)
            self._watches[model_id].until_active("1")
        return f"{self._source} and {self._target}, both active"

    def _subscribe(self) -> str:
        body = {
            "trigger_event": "training_complete",
            "target_model_id": self._target,
            "target_action": "inference",
            "input_source": "stored",
            "input": {"features": FEATURES},
            "label": "forecast after each training",
        }
        made = self._api.post(f"/models/{self._source}/event-subscriptions", body, expected=201)
        self._path = f"/models/{self._source}/event-subscriptions/{made['id']}"
        return f"{made['status']}, with the stored payload {FEATURES}"

    def _chain_runs(self, version: str) -> str:
        self._watches[self._target].until_active(version)
        trained = self._retrain(self._source)
        watch = self._watches[self._target]
        job = watch.until("the triggered job", lambda sight: _caused_by(sight.jobs, trained))
        done = watch.until_succeeded(job["id"])
        if done["model_version"] != version:
            raise Unexpected(f"It should have run on version {version}: {done}")
        predictions = ", ".join(f"{value:.3f}" for value in done["output"]["predictions"])
        return f"{self._target} version {version} predicted {predictions}"

    def _tighten(self) -> str:
        contracts = {**UPDATE_MODEL["handler_contracts"]}
        schema = {"type": "object", "properties": {"features": TIGHT}}
        contracts["inference"] = {**contracts["inference"], "input_schema": schema}
        body = {**UPDATE_MODEL, "name": self._target, "handler_contracts": contracts}
        answer = self._api.put(f"/models/{self._target}", body)
        self._watches[self._target].saw(answer)
        return "each feature at most 100 from now on"

    def _is_stale(self) -> str:
        subscription = self._api.get(self._path)
        reasons = subscription.get("stale_because") or []
        if subscription["status"] != "stale" or not reasons:
            raise Unexpected(f"The subscription should be stale and say why: {subscription}")
        reason = reasons[0]
        what = f"the {reason['side']}'s {reason['action']} {reason['direction']}"
        return f"{what} changed with version {reason['version']}"

    def _is_checked(self) -> str:
        run = _wait("the check of the stored payloads", self._finished_run)
        (warning, *_) = self._api.get(self._path).get("warnings") or [""]
        if not warning:
            raise Unexpected(f"The payload should have a warning after {run}")
        return f"{run['invalid']} of {run['total']} payloads: {warning}"

    def _nothing_runs(self) -> str:
        trained = self._retrain(self._source)
        sight = self._watches[self._target].look()
        if _caused_by(sight.jobs, trained) is not None:
            raise Unexpected("A stale subscription has fired.")
        return f"{self._source} is trained, {self._target} was left alone"

    def _mend(self) -> str:
        changed = self._api.put(self._path, {"input": {"features": MENDED}})
        if changed["status"] != "active" or changed.get("warnings"):
            raise Unexpected(f"The subscription should be active and without warnings: {changed}")
        return f"active, with the stored payload {MENDED}"

    def _retrain(self, model_id: str) -> Json:
        path = f"/models/{model_id}/versions/1/training"
        answer = self._api.post(path, {"input": {}}, expected=202)
        return self._watches[model_id].until_succeeded(answer["training_job_id"])

    def _finished_run(self) -> Json | None:
        runs = self._api.get(f"/models/{self._target}/revalidations")
        return next((run for run in runs if run["status"] == "success"), None)

    def _free_suffix(self) -> str:
        """Return "", or the first "-2", "-3" ... under which neither model is there yet."""
        for number in itertools.count(1):
            suffix = "" if number == 1 else f"-{number}"
            names = (f"{SOURCE}{suffix}", f"{TARGET}{suffix}")
            if all(self._api.answer("GET", f"/models/{name}")[0] == 404 for name in names):
                return suffix
        raise AssertionError("unreachable: there is always another number")


def _caused_by(jobs: Sequence[Json], cause: Json) -> Json | None:
    """Return the job that `cause` triggered."""
    return next(
        (job for job in jobs if (job["triggered_by"] or {}).get("job_id") == cause["id"]), None
    )


def _wait(what: str, found: Callable[[], Any]) -> Any:
    """Return what `found` finds. Raises Unexpected when it found nothing within a minute."""
    ends_at = time.monotonic() + WITHIN_SECONDS
    while (seen := found()) is None:
        if time.monotonic() > ends_at:
            raise Unexpected(f"Waited {WITHIN_SECONDS:.0f} seconds for {what}.")
        time.sleep(PAUSE_SECONDS)
    return seen
