"""What a model, a version and a job can be, and how each gets from one state to another."""

from __future__ import annotations

from django.db import models


class Action(models.TextChoices):
    """What a model can be asked to do; also the type of the job that does it."""

    TRAINING = "training"
    INFERENCE = "inference"


class Direction(models.TextChoices):
    """Which way data goes through an interface."""

    INPUT = "input"
    OUTPUT = "output"


INTERFACES: tuple[tuple[Action, Direction], ...] = tuple(
    (action, direction) for action in Action for direction in Direction
)


class ModelStatus(models.TextChoices):
    """A model is `active` from the first time one of its versions is, and stays so."""

    PENDING = "pending"
    ACTIVE = "active"


class VersionStatus(models.TextChoices):
    """Where a version stands.

    pending -> training: a training job was dispatched. pending -> active: made active by hand,
    or its job was completed before its dispatch was recorded. training -> active: its training
    succeeded (or was approved). training -> pending: taken back by hand. * -> failed: its
    training failed, or it was withdrawn. failed -> pending, training: another try.
    """

    PENDING = "pending"
    TRAINING = "training"
    ACTIVE = "active"
    FAILED = "failed"


VERSION_TRANSITIONS: dict[str, frozenset[str]] = {
    VersionStatus.PENDING: frozenset({"training", "active", "failed"}),
    VersionStatus.TRAINING: frozenset({"active", "failed", "pending"}),
    VersionStatus.FAILED: frozenset({"pending", "training"}),
    VersionStatus.ACTIVE: frozenset({"failed"}),
}


class JobStatus(models.TextChoices):
    """What a caller sees of a job.

    pending -> started: a worker claimed it. pending, started -> success, failure: its handler
    answered, or it can't be run, or its deadline passed. pending -> failure: it was cancelled.
    Nothing leaves success or failure.
    """

    PENDING = "pending"
    STARTED = "started"
    SUCCESS = "success"
    FAILURE = "failure"


OPEN_JOB = (JobStatus.PENDING, JobStatus.STARTED)


class Dispatch(models.TextChoices):
    """Where the call to a job's handler stands.

    queued -> claimed: one worker is making the call, until `due_at`. claimed -> dispatched: the
    handler has it and will call back, until `due_at`. claimed -> queued: the call failed for a
    passing reason; tried again at `due_at`. * -> done: the job has ended.
    """

    QUEUED = "queued"
    CLAIMED = "claimed"
    DISPATCHED = "dispatched"
    DONE = "done"


class Origin(models.TextChoices):
    """Who asked for a job: a caller, an update of the model, or another job's event."""

    MANUAL = "manual"
    AUTOMATIC = "automatic"
    TRIGGERED = "triggered"
