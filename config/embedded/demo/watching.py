"""Waiting, within bounds, until the service shows what should happen."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from config.embedded.demo.api import Api, Unexpected

Json = dict[str, Any]

WITHIN_SECONDS = 60.0
PAUSE_SECONDS = 0.05


@dataclass(frozen=True)
class Sight:
    """A model with its versions and its jobs as the API shows them, newest first."""

    model: Json
    versions: list[Json]
    jobs: list[Json]

    def version(self, name: str) -> Json | None:
        return next((each for each in self.versions if each["version"] == name), None)

    def job(self, job_id: str) -> Json | None:
        return next((each for each in self.jobs if each["id"] == job_id), None)

    def statuses(self) -> Iterator[tuple[str, str]]:
        """Yield the statuses that each thing has or had, in the order of making."""
        model_id = self.model["id"]
        yield f"model {model_id}", self.model["status"]
        for version in reversed(self.versions):
            yield f"{model_id} version {version['version']}", version["status"]
        for job in reversed(self.jobs):
            # The end of its id tells jobs apart, and fits into a line.
            name = (
                f"{job['job_type']} {job['id'][-6:]} of {model_id} version {job['model_version']}"
            )
            # It tells by its times what it went through between two looks.
            yield name, "pending"
            if job["started_at"]:
                yield name, "started"
            yield name, job["status"]


class Watch:
    """Looks at one model again and again, and shows each sight to whoever is `looking`."""

    def __init__(self, api: Api, model_id: str, looking: Callable[[Sight], None]) -> None:
        self._api = api
        self._path = f"/models/{model_id}"
        self._looking = looking

    def look(self) -> Sight:
        sight = Sight(
            model=self._api.get(self._path)["model"],
            versions=self._api.get(f"{self._path}/versions"),
            jobs=self._api.get(f"{self._path}/jobs?limit=20"),
        )
        self._looking(sight)
        return sight

    def saw(self, answer: Json) -> None:
        """Show what a change answered: a model beside one of its versions."""
        self._looking(Sight(model=answer["model"], versions=[answer["version"]], jobs=[]))

    def until(self, what: str, found: Callable[[Sight], Json | None]) -> Json:
        """Return what `found` finds. Raises Unexpected when it found nothing within a minute."""
        ends_at = time.monotonic() + WITHIN_SECONDS
        while (seen := found(sight := self.look())) is None:
            if time.monotonic() > ends_at:
                raise Unexpected(f"Waited {WITHIN_SECONDS:.0f} seconds for {what}; saw {sight}")
            time.sleep(PAUSE_SECONDS)
        return seen

    def until_succeeded(self, job_id: str) -> Json:
        """Return the job when it is a success. Raises Unexpected when it is a failure."""
        return self.until(f"job {job_id} to succeed", lambda sight: _success(sight.job(job_id)))

    def until_active(self, version: str) -> Json:
        """Return the version when it is active. Raises Unexpected when it has failed."""
        return self.until(
            f"version {version} to be active", lambda sight: _active(sight.version(version))
        )


def _success(job: Json | None) -> Json | None:
    if job is not None and job["status"] == "failure":
        raise Unexpected(f"The {job['job_type']} job {job['id']} failed: {job['error']}")
    return job if job is not None and job["status"] == "success" else None


def _active(version: Json | None) -> Json | None:
    if version is not None and version["status"] == "failed":
        raise Unexpected(f"Version {version['version']} failed.")
    return version if version is not None and version["status"] == "active" else None
