"""Ids: UUIDv7, in the order of making, and never ahead of the clock."""

from __future__ import annotations

import time

from models_registry.models import new_id


def test_ids_of_one_process_sort_in_the_order_they_were_made():
    ids = [new_id() for _ in range(20_000)]

    assert ids == sorted(set(ids))
    assert {each.version for each in ids} == {7}


def test_many_ids_at_once_do_not_run_ahead_of_the_clock():
    """Else the ids that another process makes meanwhile would sort before them."""
    last = [new_id() for _ in range(20_000)][-1]

    assert last.int >> 80 <= time.time_ns() // 1_000_000
