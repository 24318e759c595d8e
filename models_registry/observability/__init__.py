"""Observability: tracing, spans, actor, audit log, redaction, metrics, heartbeats, readiness."""
