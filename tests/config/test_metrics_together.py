"""What the processes of one machine count is shown together."""

from __future__ import annotations

import os
import subprocess
import sys

COUNT = """
import os
import django
django.setup()
from models_registry.observability import metrics
metrics.RETRIES.labels("training").inc()
"""
SHOW = """
import django
django.setup()
from config.metrics import _counters
from prometheus_client import generate_latest
print(generate_latest(_counters()).decode())
"""


def test_processes_that_share_a_directory_are_counted_together(tmp_path):
    shared = {"PROMETHEUS_MULTIPROC_DIR": str(tmp_path / "counted")}
    environment = {**os.environ, **shared, "DJANGO_SETTINGS_MODULE": "tests.settings"}
    shown = ""
    for code in (COUNT, COUNT, SHOW):
        shown = subprocess.run(
            [sys.executable, "-c", code],
            env=environment,
            capture_output=True,
            text=True,
            timeout=60,
            check=True,
        ).stdout

    assert 'modelpact_dispatch_retries_total{job_type="training"} 2.0' in shown
