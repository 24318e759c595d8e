"""The second scenario: a chain of two models, and the effect of a changed contract on it."""

from __future__ import annotations

import itertools
from collections.abc import Sequence

from config.embedded.demo.api import Api, Unexpected
from config.embedded.demo.display import Display
from config.embedded.demo.polling import Json, ModelPoller, wait_for
from config.embedded.demo.scenario import FEATURES, Step
from models_registry.api.openapi.examples import UPDATE_MODEL

SOURCE, TARGET = "demand", "forecast"
# A stricter contract for the features, and features that satisfy it.
STRICT: Json = {"type": "array", "items": {"type": "number", "maximum": 100}}
FIXED = [0.5, 18.2, 84.6]


class ChainScenario:
    """Retraining one model runs another, until the contract of the other one changes."""

    title = "Retraining one model runs another one, until its contract changes"

    def __init__(self, api: Api, display: Display) -> None:
        self._api = api
        self._display = display

    def steps(self) -> Sequence[Step]:
        return (
            Step("Register and train two models", self._register),
            Step(
                "Subscribe: when the first is trained, the second runs inference", self._subscribe
            ),
            Step("Retrain the first: the second runs", lambda: self._chain_runs("1")),
            Step("Make the contract of the second stricter", self._make_stricter),
            Step("The subscription is stale immediately", self._is_stale),
            Step("The revalidation finds the invalid payload", self._is_checked),
            Step("Retrain the first: a stale subscription does not fire", self._nothing_runs),
            Step("Fix the payload, which accepts the new contract", self._fix),
            Step("Retrain the first: the second runs again", lambda: self._chain_runs("2")),
        )

    def _register(self) -> str:
        suffix = self._free_suffix()
        self._source, self._target = f"{SOURCE}{suffix}", f"{TARGET}{suffix}"
        self._pollers = {}
        for model_id in (self._source, self._target):
            body = {**UPDATE_MODEL, "id": model_id, "name": model_id.capitalize()}
            self._api.post("/models", body, expected=201)
            self._pollers[model_id] = ModelPoller(self._api, model_id, self._display.show)
            self._retrain(model_id)
            self._pollers[model_id].until_active("1")
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
        self._pollers[self._target].until_active(version)
        trained = self._retrain(self._source)
        poller = self._pollers[self._target]
        job = poller.until("the triggered job", lambda snapshot: _caused_by(snapshot.jobs, trained))
        done = poller.until_succeeded(job["id"])
        if done["model_version"] != version:
            raise Unexpected(f"It should have run on version {version}: {done}")
        predictions = ", ".join(f"{value:.3f}" for value in done["output"]["predictions"])
        return f"{self._target} version {version} predicted {predictions}"

    def _make_stricter(self) -> str:
        contracts = {**UPDATE_MODEL["handler_contracts"]}
        schema = {"type": "object", "properties": {"features": STRICT}}
        contracts["inference"] = {**contracts["inference"], "input_schema": schema}
        body = {**UPDATE_MODEL, "name": self._target, "handler_contracts": contracts}
        answer = self._api.put(f"/models/{self._target}", body)
        self._pollers[self._target].show_answer(answer)
        return "each feature is at most 100"

    def _is_stale(self) -> str:
        subscription = self._api.get(self._path)
        reasons = subscription.get("stale_because") or []
        if subscription["status"] != "stale" or not reasons:
            raise Unexpected(f"The subscription should be stale and say why: {subscription}")
        reason = reasons[0]
        what = f"the {reason['side']}'s {reason['action']} {reason['direction']}"
        return f"{what} changed with version {reason['version']}"

    def _is_checked(self) -> str:
        run = wait_for("the revalidation", self._finished_run)
        (warning, *_) = self._api.get(self._path).get("warnings") or [""]
        if not warning:
            raise Unexpected(f"The payload should have a warning after {run}")
        return f"{run['invalid']} of {run['total']} payloads: {warning}"

    def _nothing_runs(self) -> str:
        trained = self._retrain(self._source)
        snapshot = self._pollers[self._target].poll()
        if _caused_by(snapshot.jobs, trained) is not None:
            raise Unexpected("A stale subscription has fired.")
        return f"{self._source} is trained, {self._target} did not run"

    def _fix(self) -> str:
        changed = self._api.put(self._path, {"input": {"features": FIXED}})
        if changed["status"] != "active" or changed.get("warnings"):
            raise Unexpected(f"The subscription should be active and without warnings: {changed}")
        return f"active, with the stored payload {FIXED}"

    def _retrain(self, model_id: str) -> Json:
        path = f"/models/{model_id}/versions/1/training"
        answer = self._api.post(path, {"input": {}}, expected=202)
        return self._pollers[model_id].until_succeeded(answer["training_job_id"])

    def _finished_run(self) -> Json | None:
        runs = self._api.get(f"/models/{self._target}/revalidations")
        return next((run for run in runs if run["status"] == "success"), None)

    def _free_suffix(self) -> str:
        """Return the first suffix of "", "-2", "-3" ... that neither model has yet."""
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
