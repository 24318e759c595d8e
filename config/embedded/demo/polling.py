"""Polls a model of the service, with a time-out, until the expected state is reached."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from config.embedded.demo.api import Api, Unexpected

Json = dict[str, Any]

TIMEOUT_SECONDS = 60.0
INTERVAL_SECONDS = 0.05


@dataclass(frozen=True)
class Snapshot:
    """A model with its versions and jobs as the API returns them, newest first."""

    model: Json
    versions: list[Json]
    jobs: list[Json]

    def version(self, name: str) -> Json | None:
        return next((each for each in self.versions if each["version"] == name), None)

    def job(self, job_id: str) -> Json | None:
        return next((each for each in self.jobs if each["id"] == job_id), None)

    def statuses(self) -> Iterator[tuple[str, str]]:
        """Yield the statuses that each object has or had, in the order of creation."""
        model_id = self.model["id"]
        yield f"model {model_id}", self.model["status"]
        for version in reversed(self.versions):
            yield f"{model_id} version {version['version']}", version["status"]
        for job in reversed(self.jobs):
            # The end of the id distinguishes jobs and is short.
            name = (
                f"{job['job_type']} {job['id'][-6:]} of {model_id} version {job['model_version']}"
            )
            # The timestamps tell which statuses it had between two polls.
            yield name, "pending"
            if job["started_at"]:
                yield name, "started"
            yield name, job["status"]


class ModelPoller:
    """Polls one model, and passes each snapshot to `show`."""

    def __init__(self, api: Api, model_id: str, show: Callable[[Snapshot], None]) -> None:
        self._api = api
        self._path = f"/models/{model_id}"
        self._show = show

    def poll(self) -> Snapshot:
        snapshot = Snapshot(
            model=self._api.get(self._path)["model"],
            versions=self._api.get(f"{self._path}/versions"),
            jobs=self._api.get(f"{self._path}/jobs?limit=20"),
        )
        self._show(snapshot)
        return snapshot

    def show_answer(self, answer: Json) -> None:
        """Show the response of a change: a model and one of its versions."""
        self._show(Snapshot(model=answer["model"], versions=[answer["version"]], jobs=[]))

    def until(self, what: str, find: Callable[[Snapshot], Json | None]) -> Json:
        """Return what `find` finds in a snapshot. Raises Unexpected after a minute."""
        return wait_for(what, lambda: find(self.poll()))

    def until_succeeded(self, job_id: str) -> Json:
        """Return the job once it succeeds. Raises Unexpected if it fails."""
        return self.until(
            f"job {job_id} to succeed", lambda snapshot: _success(snapshot.job(job_id))
        )

    def until_active(self, version: str) -> Json:
        """Return the version once it is active. Raises Unexpected if it fails."""
        return self.until(
            f"version {version} to be active", lambda snapshot: _active(snapshot.version(version))
        )


def wait_for(what: str, find: Callable[[], Json | None]) -> Json:
    """Return what `find` finds. Raises Unexpected after a minute."""
    ends_at = time.monotonic() + TIMEOUT_SECONDS
    while (found := find()) is None:
        if time.monotonic() > ends_at:
            raise Unexpected(f"Waited {TIMEOUT_SECONDS:.0f} seconds for {what}.")
        time.sleep(INTERVAL_SECONDS)
    return found


def _success(job: Json | None) -> Json | None:
    if job is not None and job["status"] == "failure":
        raise Unexpected(f"The {job['job_type']} job {job['id']} failed: {job['error']}")
    return job if job is not None and job["status"] == "success" else None


def _active(version: Json | None) -> Json | None:
    if version is not None and version["status"] == "failed":
        raise Unexpected(f"Version {version['version']} failed.")
    return version if version is not None and version["status"] == "active" else None
