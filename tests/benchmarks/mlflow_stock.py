"""The same number of models for MLflow, copied inside its database from one that it made."""

from __future__ import annotations

import psycopg

from tests.benchmarks.competitors import Server
from tests.benchmarks.names import MODELS


def make_registered_models(server: Server, database_url: str) -> None:
    """Register one model over HTTP and copy its row, under the ids that our models have."""
    path = "/api/2.0/mlflow/registered-models/create"
    answer = server.ask("POST", path, {"name": "template", "description": "example"})
    assert answer.status == 200, answer.status
    table = "registered_models"
    with psycopg.connect(database_url, autocommit=True) as connection:
        found = connection.execute(
            "SELECT column_name FROM information_schema.columns WHERE table_name = %s", [table]
        ).fetchall()
        columns = [name for (name,) in found]
        values = ["'m' || lpad(n::text, 6, '0')" if name == "name" else name for name in columns]
        connection.execute(
            f"INSERT INTO {table} ({', '.join(columns)}) SELECT {', '.join(values)}"  # type: ignore[arg-type]
            f" FROM {table}, generate_series(0, %s - 1) n WHERE name = 'template'",
            [MODELS],
        )
        connection.execute("VACUUM ANALYZE")
