"""The breaker: what has been failing is left alone for a while, in forked processes too."""

from __future__ import annotations

import os

import pytest

from models_registry.queue.circuit_breaker import CircuitBreaker


# Python 3.12 and newer warn of forking where threads run; Celery does just that.
@pytest.mark.filterwarnings("ignore:.*multi-threaded:DeprecationWarning")
def test_a_process_forked_while_a_thread_records_can_record_itself():
    breaker = CircuitBreaker(failures=2, pause_seconds=60)
    breaker.record(success=False)
    with breaker._lock:
        child = os.fork()
        if child == 0:
            can_record = breaker._lock.acquire(timeout=5)
            if can_record:
                breaker._lock.release()
                breaker.record(success=False)
            os._exit(0 if can_record and not breaker.allows() else 1)

    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
