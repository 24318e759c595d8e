"""The life of a job, from the request for it to its end, and all that moves it.

The row of the job is the queue; a message only wakes a worker, and may be lost. Two columns hold
the job's state: `status`, which callers see, and `dispatch`, where the call of its handler stands.
`due_at` says when somebody must look at the row again, in the database's time.

    request          services/jobs.py, or subscriptions on an event: the row is inserted in the
                     transaction that asks for it, as pending and queued, due at once. After the
                     commit the publisher thread sends a wake-up (wakeups.py, publisher.py).
    queued ->        A worker claims it (claim.py), named by a message or found because it is due
    claimed          (due_jobs.py, worker.py): status started, one try more, a new claim id, and as
                     `due_at` the end of the lease: the longest call of its handler type and a
                     minute to record the outcome. The claim is committed before the call.
    the call         worker.py calls the handler outside any transaction, and outcomes.py records
                     what became of it, for as long as the lease lasts:
    claimed -> done        The handler answered (success), or failed (failure).
    claimed -> dispatched  It accepted the event, or nobody knows whether it did: it will call
                           back; `due_at` is the job's deadline.
    claimed -> queued      It could not be reached, for a reason that may pass: `due_at` is the
                           end of a back-off with jitter. After the last try: -> done (failure).
    dispatched ->    The handler calls back (services/completion.py); its success activates the
    done             version or fires subscriptions, in the same transaction.

What goes wrong is found by the sweep (sweeper.py), which beat starts every few seconds:

    queued, due      The wake-up was lost, or a back-off is over: a new wake-up.
    claimed, due     The worker died: -> queued, or after the last try -> done (failure,
                     dispatch_crashed).
    dispatched, due  The handler never called back: -> done (failure, deadline_exceeded).

A caller may cancel a job while its status is pending (services/reruns.py).

Every transition is a compare-and-set: one `UPDATE ... WHERE` names the state, and where it matters
the claim, from which the job must come; whoever changes no row was late, and drops what it has. So
messages may come twice, sweeps may overlap, and a worker that stood still can undo nothing. An
answer of the handler counts whoever brings it first; failures and retries count only under the
claim of their own call. Calls are therefore made at least once, and jobs end exactly once.

A function that can't be reached is called again only when its circuit breaker lets one trial call
through (circuit_breaker.py); jobs of other functions are dispatched meanwhile. Publishing stops for
a while in the same way when the broker is away.

Synchronous calls, whose output comes back with the call, and calls that are answered by a callback
have queues and workers of their own; the handler type decides, by the type of the job
(handlers/protocol.py). Celery's tasks (tasks.py) carry only ids.
"""
