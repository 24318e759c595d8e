"""What a test must leave as it was: state of the whole process that the next test would meet.

Tests run in another order each time, so what one leaves behind fails another, far from its cause.
"""

from __future__ import annotations

import logging
import signal
from collections.abc import Generator
from typing import Any

import pytest
from django.urls import get_script_prefix
from django.utils import timezone, translation

BEFORE = pytest.StashKey[dict[str, Any]]()
WATCHED_SIGNALS = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGQUIT)


def state() -> dict[str, Any]:
    """Return it by name: {"path of a mount": "/", "levels of logs": {"django": 20}, …}."""
    loggers = {"root": logging.root, **logging.root.manager.loggerDict}
    return {
        "path of a mount": get_script_prefix(),
        "language": translation.get_language(),
        "time zone": timezone.get_current_timezone_name(),
        "signal handlers": {each.name: signal.getsignal(each) for each in WATCHED_SIGNALS},
        "record factory": logging.getLogRecordFactory(),
        # Of loggers that were made meanwhile none has a level that was not set.
        "levels of logs": {
            name: logger.level
            for name, logger in loggers.items()
            if isinstance(logger, logging.Logger) and logger.level
        },
        "logs turned off": {
            name for name, logger in loggers.items() if getattr(logger, "disabled", False)
        },
    }


@pytest.hookimpl(wrapper=True)
def pytest_runtest_setup(item: pytest.Item) -> Generator[None]:
    item.stash[BEFORE] = state()
    return (yield)


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtest_teardown(item: pytest.Item) -> Generator[None]:
    yield
    before, after = item.stash[BEFORE], state()
    left = {what: (before[what], after[what]) for what in after if before[what] != after[what]}
    if left:
        pytest.fail(f"The test leaves behind, as it was and as it is: {left}", pytrace=False)
