"""Runs it, with a PostgreSQL, a Redis and a Lambda of its own, which it takes away again and again.

    python -m tests.faults.soak [--minutes 10] [--seed NUMBER]

The seed is printed: the same one makes the same choices, though not the same moments. Ends with
status 0 only if every count adds up.
"""

from __future__ import annotations

import argparse
import os
import random
import secrets
import sys
import tempfile
import time
from pathlib import Path

from tests.faults import outages


def main() -> int:
    options = _options()
    print(f"Seed {options.seed}, {options.minutes:g} minutes", flush=True)
    with tempfile.TemporaryDirectory(prefix="modelpact-soak-") as folder:
        Path(folder).chmod(0o755)
        place = Path(folder, "postgres")
        place.mkdir()
        postgres = outages.OwnPostgres(place)
        redis = outages.OwnRedis(Path(folder))
        try:
            _prepare(postgres, redis)
            # What follows needs the settings, which are read now.
            from tests.faults.soak.run import run

            return run(
                Path(folder), postgres, redis, random.Random(options.seed), options.minutes * 60
            )
        finally:
            redis.stop()
            postgres.stop(as_by_a_power_cut=True)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.faults.soak", description=__doc__)
    parser.add_argument("--minutes", type=float, default=10.0)
    parser.add_argument("--seed", type=int, default=secrets.randbelow(10**9))
    return parser.parse_args()


def _prepare(postgres: outages.OwnPostgres, redis: outages.OwnRedis) -> None:
    os.environ |= {
        "DJANGO_SETTINGS_MODULE": "tests.settings",
        "DATABASE_URL": postgres.url,
        "REDIS_URL": redis.url,
        "LOG_LEVEL": "ERROR",
        "LAMBDA_ACCOUNTS": "123456789012",
        # What a call led to may be unknown: then the deadline ends the job.
        "INFERENCE_DEADLINE_SECONDS": "15",
        "TRAINING_DEADLINE_SECONDS": "15",
        "DISPATCH_MAX_ATTEMPTS": "1000",
        "DISPATCH_BACKOFF_CAP_SECONDS": "2",
    }
    import django
    from django.core.management import call_command

    django.setup()
    call_command("migrate", verbosity=0)


if __name__ == "__main__":
    begun = time.monotonic()
    status = main()
    print(f"{'All adds up' if status == 0 else 'FAILED'} after {time.monotonic() - begun:.0f} s")
    sys.exit(status)
