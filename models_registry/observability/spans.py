"""OpenTelemetry spans where its packages are installed; without them this does nothing.

Only its API is used. The process's own configuration decides where spans go, such as
`opentelemetry-instrument` takes it from the environment.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import replace
from typing import Any, Literal

from models_registry.observability.tracing import Trace, present_trace, tracing

try:
    from opentelemetry import trace as opentelemetry
    from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator
except ImportError:
    HAS_OPENTELEMETRY = False
else:
    HAS_OPENTELEMETRY = True

Kind = Literal["server", "consumer", "client"]
Value = str | int


class Part:
    """A running span; does nothing without OpenTelemetry."""

    def __init__(self, span: Any = None) -> None:
        self._span = span

    def name(self, name: str, **attributes: Value) -> None:
        """Give it a name and attributes that are known only at its end."""
        if self._span is not None:
            self._span.update_name(name)
            self._span.set_attributes(attributes)

    def failed(self, why: str) -> None:
        """Mark it as failed; `why` is a fixed word."""
        if self._span is not None:
            self._span.set_status(opentelemetry.StatusCode.ERROR, why)


NO_SPAN = nullcontext(Part())


def span(
    name: str, kind: Kind, *, parent: str = "", **attributes: Value
) -> AbstractContextManager[Part]:
    """Run the block in a span of the trace `parent` (a `traceparent`).

    Without a parent, or inside another span, it is a child of the present span. Logs, events and
    jobs that are made inside get its ids.
    """
    if not HAS_OPENTELEMETRY or _nobody_makes_spans():
        return NO_SPAN
    return _span(name, kind, parent, attributes)


@contextmanager
def _span(name: str, kind: Kind, parent: str, attributes: dict[str, Value]) -> Iterator[Part]:
    kinds = opentelemetry.SpanKind
    with (
        _tracer().start_as_current_span(
            name, context=_context(parent), kind=kinds[kind.upper()], attributes=attributes
        ) as begun,
        tracing(_trace_of(begun)),
    ):
        yield Part(begun)


def _nobody_makes_spans() -> bool:
    """Return whether only OpenTelemetry's API is installed, so that spans go nowhere."""
    return isinstance(opentelemetry.get_tracer_provider(), opentelemetry.ProxyTracerProvider)


def _tracer() -> Any:
    return opentelemetry.get_tracer("modelpact")


def _context(parent: str) -> Any:
    """Return the parent context of a span; None is the present one."""
    if not parent or opentelemetry.get_current_span().get_span_context().is_valid:
        return None
    return TraceContextTextMapPropagator().extract({"traceparent": parent})


def _trace_of(begun: Any) -> Trace:
    """Return the present trace with the ids of a span, if the span is recorded."""
    present, context = present_trace(), begun.get_span_context()
    if not context.is_valid or not hasattr(begun, "attributes"):
        return present
    return replace(
        present,
        trace_id=opentelemetry.format_trace_id(context.trace_id),
        span_id=opentelemetry.format_span_id(context.span_id),
        flags=f"{int(context.trace_flags):02x}",
    )
