"""Models, their versions and their jobs: columns and constraints."""

from __future__ import annotations

from typing import Any, ClassVar, TypedDict
from uuid import UUID

from django.db import models
from django.db.models import Q
from uuid_utils.compat import uuid7

from models_registry.db.json_field import JSONTextField
from models_registry.observability.audit_log import AuditEntry
from models_registry.observability.heartbeats import Heartbeat
from models_registry.states import (
    INTERFACES,
    OPEN_JOB,
    VERSION_TRANSITIONS,
    Action,
    Direction,
    Dispatch,
    JobStatus,
    ModelStatus,
    Origin,
    VersionStatus,
)

__all__ = [
    "INTERFACES",
    "OPEN_JOB",
    "VERSION_TRANSITIONS",
    "Action",
    "AuditEntry",
    "Direction",
    "Dispatch",
    "Heartbeat",
    "IdempotencyRecord",
    "InterfaceChange",
    "Job",
    "JobStatus",
    "Model",
    "ModelStatus",
    "ModelValues",
    "ModelVersion",
    "Origin",
    "VersionStatus",
    "new_id",
]


def new_id() -> UUID:
    """Return a UUIDv7 (RFC 9562): ids of one process sort in the order they were made.

    Its time is the clock's, however many are made at once; a generator that ran ahead of it would
    sort the ids of other processes wrongly.
    """
    return uuid7()


class ModelValues(TypedDict):
    """What a caller gives a model beside its handlers and contracts: columns of it."""

    name: str
    description: str
    metadata: dict[str, Any]


class Model(models.Model):
    """A machine-learning model: its present values, which the next version will freeze.

    The four `*_fingerprint` columns are the model's interfaces (its schema for an action and a
    direction, else its handler) in the form in which they are compared.
    """

    id = models.CharField(primary_key=True, max_length=128)
    name = models.CharField(max_length=200)
    description = models.TextField()
    handlers = JSONTextField()
    handler_contracts = JSONTextField(null=True)
    metadata = JSONTextField()
    status = models.CharField(
        max_length=8, choices=ModelStatus.choices, default=ModelStatus.PENDING
    )
    # The version activated last; None until there is one, and when none is active any more.
    current_version = models.ForeignKey(
        "ModelVersion", null=True, on_delete=models.SET_NULL, related_name="+"
    )
    # The `number` of the newest version.
    last_number = models.PositiveIntegerField(default=0)
    # The last automatic version string; strings taken by hand are skipped.
    last_automatic = models.PositiveIntegerField(default=0)
    training_input_fingerprint = models.CharField(max_length=64)
    training_output_fingerprint = models.CharField(max_length=64)
    inference_input_fingerprint = models.CharField(max_length=64)
    inference_output_fingerprint = models.CharField(max_length=64)
    # Grows with every change of this row that a reader can see; part of the ETag. It starts at
    # a random number, so that a model made anew under an old id never repeats an old ETag.
    revision = models.PositiveBigIntegerField()
    created_at = models.DateTimeField()
    updated_at = models.DateTimeField()

    # The columns that the API shows, in this order; the audit log keeps them too.
    SHOWN: ClassVar = (
        "id",
        "name",
        "description",
        "handlers",
        "handler_contracts",
        "metadata",
        "status",
    )

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(status__in=ModelStatus.values), name="model_status_known"
            ),
        ]
        indexes = [models.Index(fields=["status", "id"], name="model_by_status")]

    def __str__(self) -> str:
        return self.id

    def fingerprint(self, action: str, direction: str) -> str:
        """Return the fingerprint of this model's present interface."""
        value: str = getattr(self, f"{action}_{direction}_fingerprint")
        return value


class ModelVersion(models.Model):
    """One version of a model, with the handlers and contracts frozen when it was made."""

    # No index of its own: those below begin with it. Here and elsewhere.
    model = models.ForeignKey(
        Model, on_delete=models.CASCADE, related_name="versions", db_index=False
    )
    # 1, 2, 3 ... in the order of making, over automatic and hand-made versions alike.
    number = models.PositiveIntegerField()
    version = models.CharField(max_length=128)
    description = models.TextField()
    metadata = JSONTextField()
    handlers = JSONTextField()
    handler_contracts = JSONTextField(null=True)
    status = models.CharField(
        max_length=8, choices=VersionStatus.choices, default=VersionStatus.PENDING
    )
    # How often it was activated; names the event of each activation.
    activations = models.PositiveIntegerField(default=0)
    revision = models.PositiveIntegerField(default=1)
    created_at = models.DateTimeField()
    activated_at = models.DateTimeField(null=True)

    # The columns that the API shows beside a model and in lists, in this order.
    SHOWN: ClassVar = ("version", "description", "metadata", "status")
    # The columns that a version has of its model; the first two may be given by hand.
    OF_MODEL: ClassVar = ("description", "metadata", "handlers", "handler_contracts")

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["model", "number"], name="version_number_unique"),
            models.UniqueConstraint(fields=["model", "version"], name="version_unique"),
            models.CheckConstraint(
                condition=Q(status__in=VersionStatus.values), name="version_status_known"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.model_id} {self.version}"

    def schema(self, action: str, direction: str) -> dict[str, Any] | None:
        """Return the frozen schema for an action and a direction; None if there is none."""
        contract = (self.handler_contracts or {}).get(action) or {}
        found: dict[str, Any] | None = contract.get(f"{direction}_schema")
        return found


class Job(models.Model):
    """One call of a version's handler.

    `due_at` is when somebody must look at it again: while queued, when to dispatch; while
    claimed, when the claim lapses; while dispatched, its deadline; None when it has ended.
    """

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    model = models.ForeignKey(Model, on_delete=models.CASCADE, related_name="+", db_index=False)
    version = models.ForeignKey(ModelVersion, on_delete=models.CASCADE, related_name="+")
    job_type = models.CharField(max_length=9, choices=Action.choices)
    status = models.CharField(max_length=7, choices=JobStatus.choices, default=JobStatus.PENDING)
    dispatch = models.CharField(max_length=10, choices=Dispatch.choices, default=Dispatch.QUEUED)
    origin = models.CharField(max_length=9, choices=Origin.choices)
    input = JSONTextField()
    output = JSONTextField(null=True)
    error = JSONTextField(null=True)
    warnings = JSONTextField(default=list)
    # Tries, and apart from them the calls that the other side had no room for: a process of the
    # version before, which knows only of tries, must not count these among them.
    attempts = models.PositiveSmallIntegerField(default=0)
    throttled = models.PositiveSmallIntegerField(default=0, db_default=0)
    # What made it, and the job whose event that was; None when a caller or an update did.
    triggered_by_id = models.UUIDField(null=True)
    triggered_by_job_id = models.UUIDField(null=True)
    # The failed job that this one repeats; None when it is no repetition. The id alone, since the
    # failed one may be deleted before.
    retry_of = models.UUIDField(null=True)
    # How many jobs stand before it in its chain; 0 when a caller or an update made it.
    depth = models.PositiveSmallIntegerField(default=0)
    # What the request that led to it is called in logs and traces ("" in old rows). With defaults
    # in the database, so that a process of the version before can still make jobs.
    request_id = models.CharField(max_length=128, default="", db_default="", blank=True)
    traceparent = models.CharField(max_length=55, default="", db_default="", blank=True)
    # The claim that may record an outcome; a claim that lapsed has another one.
    claim = models.UUIDField(null=True)
    due_at = models.DateTimeField(null=True)
    # Canonical digest of the completion that ended it, and what that completion was told.
    completion_digest = models.CharField(max_length=64, default="")
    triggered_events = JSONTextField(default=list)
    created_at = models.DateTimeField()
    started_at = models.DateTimeField(null=True)
    completed_at = models.DateTimeField(null=True)

    # Of one that this process has claimed: when it began to, by its monotonic clock, in seconds.
    claimed_from: float

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(status__in=JobStatus.values), name="job_status_known"
            ),
            models.CheckConstraint(
                condition=Q(status__in=OPEN_JOB, due_at__isnull=False)
                | Q(status__in=("success", "failure"), due_at__isnull=True),
                name="open_job_is_due",
            ),
        ]
        indexes = [
            # Each kind of what is due has its own stretch: no backlog of one is in another's way.
            models.Index(
                fields=["dispatch", "due_at"],
                name="job_due_by_dispatch",
                condition=Q(due_at__isnull=False),
            ),
            models.Index(
                fields=["job_type", "due_at"], name="job_queued", condition=Q(dispatch="queued")
            ),
            models.Index(fields=["model", "-id"], name="job_by_model"),
            models.Index(fields=["status", "-id"], name="job_by_status"),
            models.Index(
                fields=["triggered_by_job_id"],
                name="job_by_cause",
                condition=Q(triggered_by_job_id__isnull=False),
            ),
            models.Index(
                fields=["model"], name="job_open_by_model", condition=Q(due_at__isnull=False)
            ),
            models.Index(
                fields=["model", "-id"],
                name="job_manual_training",
                condition=Q(job_type="training", origin="manual"),
            ),
            models.Index(
                fields=["version", "-id"],
                name="job_training_of_version",
                condition=Q(job_type="training"),
            ),
        ]

    def __str__(self) -> str:
        return str(self.id)

    @property
    def calls(self) -> int:
        """How often its handler was called, or was to be: what the API shows as `attempts`."""
        return self.attempts + self.throttled


class InterfaceChange(models.Model):
    """One interface of a model as it was from `changed_at` on, until the next such row."""

    model = models.ForeignKey(Model, on_delete=models.CASCADE, related_name="+", db_index=False)
    action = models.CharField(max_length=9, choices=Action.choices)
    direction = models.CharField(max_length=6, choices=Direction.choices)
    fingerprint = models.CharField(max_length=64)
    # The schema, or the handler when there is none; `is_schema` says which.
    definition = JSONTextField()
    is_schema = models.BooleanField()
    # The version that the update made (or, on a pending model, changed in place).
    version = models.CharField(max_length=128)
    changed_at = models.DateTimeField()

    class Meta:
        indexes = [
            models.Index(fields=["model", "action", "direction", "id"], name="interface_history")
        ]

    def __str__(self) -> str:
        return f"{self.model_id} {self.action} {self.direction} {self.version}"


class IdempotencyRecord(models.Model):
    """The first answer to a request that bore an Idempotency-Key, kept to be given again."""

    caller = models.CharField(max_length=300)
    key = models.CharField(max_length=255)
    # SHA-256 over method, path and body: the same key may not stand for another request.
    digest = models.CharField(max_length=64)
    status = models.PositiveSmallIntegerField()
    headers = JSONTextField()
    body = models.BinaryField()
    created_at = models.DateTimeField(db_index=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["caller", "key"], name="idempotency_once")]

    def __str__(self) -> str:
        return self.key
