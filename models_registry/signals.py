"""The facts that the registry announces, each inside the transaction that makes it true.

Receivers write rows, bounded, without network or validation. What a receiver of `version_activated`
or `job_completed` returns, a list of `{"subscription_id", "job_id"}` or `{"subscription_id",
"error"}`, becomes the announcer's `triggered_events`.

interface_changed(model, version, changes)   `changes`: the InterfaceChange rows of an update.
version_activated(version, job)              training -> active, or trained again; `job` is the
                                             training job, None when it was done by hand.
job_completed(job, version)                  An inference job ended in success.
inference_requested(job, version, remember)  Recorded; `remember` asks to replay it later on.
"""

from __future__ import annotations

from django.dispatch import Signal

interface_changed = Signal()
version_activated = Signal()
job_completed = Signal()
inference_requested = Signal()
