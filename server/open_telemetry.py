"""Traces and metrics of this server, by OpenTelemetry's SDK. Imported only where somebody wants them.

Names follow OpenTelemetry's conventions for MCP, generative AI and HTTP where there are any; others begin with
`hoopai.`. No attribute holds an id or what a person, a model or a shop wrote: the SDK's own spans are cleaned of both.
"""

import threading
import time
import uuid
from collections.abc import Collection, Generator, Mapping, Sequence
from contextlib import contextmanager
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

from mcp.server.context import CallNext, HandlerResult, ServerMiddleware, ServerRequestContext
from mcp.shared.exceptions import MCPError
from mcp_types import CallToolResult, InputRequiredResult, TextContent
from mcp_types.methods import SPEC_CLIENT_METHODS, SPEC_CLIENT_NOTIFICATION_METHODS
from opentelemetry import trace
from opentelemetry.exporter.otlp.proto.http.metric_exporter import OTLPMetricExporter
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import PeriodicExportingMetricReader
from opentelemetry.sdk.resources import SERVICE_INSTANCE_ID, SERVICE_NAME, SERVICE_VERSION, Resource
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExporter, SpanExportResult
from opentelemetry.trace import SpanContext, SpanKind, Status, StatusCode

from ..products_api.operations import Operation
from ..products_api.watching import Reason
from ..prompts.budget import estimate
from ..prompts.template import NAMES as PROMPTS
from .command_parser import PROGRAM

if TYPE_CHECKING:
    from ..guard.writes import Done

_SCOPE = "hoopai_products_mcp"
_LAST_WORD_SECONDS = 3.0
"""How long the end of the process may be held up by what was not sent yet."""
_CALL_SECONDS = (0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 30, 60, 120, 300)
_REQUEST_SECONDS = (0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10, 30)
_TOKENS = (50, 100, 200, 500, 1000, 2000, 5000, 10_000, 20_000, 50_000, 100_000, 250_000)

KEPT_ATTRIBUTES = frozenset(
    {
        "error.type",
        "gen_ai.operation.name",
        "gen_ai.prompt.name",
        "gen_ai.tool.name",
        "hoopai.operation",
        "http.request.method",
        "http.response.status_code",
        "mcp.method.name",
        "mcp.protocol.version",
        "rpc.response.status_code",
        "server.address",
        "server.port",
        "url.template",
    }
)
"""What is left of a span; others may hold what somebody wrote."""
_OTHER = "other"
_FAILURES_BEGIN = 400
_PREVIEWS = frozenset({"dry_run", "confirmation_required", "waiting_for_approval"})
_METHODS = SPEC_CLIENT_METHODS | SPEC_CLIENT_NOTIFICATION_METHODS


class CleanSpans(SpanExporter):
    """Sends spans on with nothing in them that somebody wrote: no events, no texts of errors, no unknown names."""

    def __init__(self, exporter: SpanExporter, known: Collection[str]) -> None:
        self._exporter = exporter
        self.known = known

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        """Send them."""
        return self._exporter.export([self._clean(span) for span in spans])

    def shutdown(self) -> None:
        """End."""
        self._exporter.shutdown()

    def force_flush(self, timeout_millis: int = 30_000) -> bool:
        """Send what was not sent yet."""
        return self._exporter.force_flush(timeout_millis)

    def _clean(self, span: ReadableSpan) -> ReadableSpan:
        attributes = {key: value for key, value in (span.attributes or {}).items() if key in KEPT_ATTRIBUTES}
        method = attributes.get("mcp.method.name")
        name = span.name
        if method is not None:
            if method not in _METHODS:
                attributes["mcp.method.name"] = method = _OTHER
            name = str(method)
            for key in ("gen_ai.tool.name", "gen_ai.prompt.name"):
                if key in attributes and attributes[key] not in self.known:
                    del attributes[key]
                elif key in attributes:
                    name = f"{method} {attributes[key]}"
        elif span.instrumentation_scope is None or span.instrumentation_scope.name != _SCOPE:
            name = _OTHER
        return ReadableSpan(
            name=name,
            context=_ids_of(span.get_span_context()),
            parent=_ids_of(span.parent),
            resource=span.resource,
            attributes=attributes,
            kind=span.kind,
            status=Status(span.status.status_code),
            start_time=span.start_time,
            end_time=span.end_time,
            instrumentation_scope=span.instrumentation_scope,
        )


def _ids_of(context: SpanContext | None) -> SpanContext | None:
    """What joins a span to its trace, without what the client has written beside it (`tracestate`)."""
    if context is None:
        return None
    return SpanContext(context.trace_id, context.span_id, context.is_remote, context.trace_flags)


class _Answered:
    """A request to the API that is under way."""

    status: int | None = None


class OpenTelemetry:
    """Measures this process."""

    def __init__(self, tracers: TracerProvider, meters: MeterProvider, spans: CleanSpans | None) -> None:
        self._tracers = tracers
        self._meters = meters
        self._spans = spans
        self._tracer = tracers.get_tracer(_SCOPE)
        meter = meters.get_meter(_SCOPE)
        self._calls = meter.create_histogram(
            "mcp.server.operation.duration",
            "s",
            "How long a message of a client took to be answered.",
            explicit_bucket_boundaries_advisory=_CALL_SECONDS,
        )
        self._tokens = meter.create_histogram(
            "hoopai.tool.result.tokens",
            "{token}",
            "Tokens that the answer of a tool costs a model, estimated from above.",
            explicit_bucket_boundaries_advisory=_TOKENS,
        )
        self._requests = meter.create_histogram(
            "http.client.request.duration",
            "s",
            "How long a request to the Products API took.",
            explicit_bucket_boundaries_advisory=_REQUEST_SECONDS,
        )
        self._waits = meter.create_histogram(
            "hoopai.api.wait.duration",
            "s",
            "How long a request to the Products API waited for the rate limit.",
            explicit_bucket_boundaries_advisory=_CALL_SECONDS,
        )
        self._served = meter.create_histogram(
            "http.server.request.duration",
            "s",
            "How long a request over HTTP took, those that were refused among them.",
            explicit_bucket_boundaries_advisory=_REQUEST_SECONDS,
        )
        self._changes = meter.create_counter(
            "hoopai.changes", "{change}", "Writes that were let through, by road of approval and outcome."
        )

    @classmethod
    def started(cls, environ: Mapping[str, str]) -> "OpenTelemetry":
        """Begin to measure, and to send where the environment says."""
        resource = Resource.create(
            {
                SERVICE_NAME: environ.get("OTEL_SERVICE_NAME") or PROGRAM,
                SERVICE_VERSION: version(PROGRAM),
                # Several processes of one service would else write over each other's numbers.
                SERVICE_INSTANCE_ID: str(uuid.uuid4()),
            }
        )
        tracers = TracerProvider(resource=resource, shutdown_on_exit=False)
        spans: CleanSpans | None = None
        if environ.get("OTEL_TRACES_EXPORTER") != "none":
            spans = CleanSpans(OTLPSpanExporter(), frozenset())
            tracers.add_span_processor(BatchSpanProcessor(spans))
            # The SDK of MCP makes its spans with what is set here.
            trace.set_tracer_provider(tracers)
        measuring = environ.get("OTEL_METRICS_EXPORTER") != "none"
        readers = [PeriodicExportingMetricReader(OTLPMetricExporter())] if measuring else []
        meters = MeterProvider(readers, resource=resource, shutdown_on_exit=False)
        return cls(tracers, meters, spans)

    def middleware(self, tools: Collection[str]) -> ServerMiddleware[Any]:
        """Middleware that measures each message; names that are not among `tools` are not told."""
        if self._spans is not None:
            self._spans.known = {*tools, *PROMPTS}

        async def measure(ctx: ServerRequestContext[Any, Any], call_next: CallNext) -> HandlerResult:
            begun = time.perf_counter()
            told = {"mcp.method.name": ctx.method if ctx.method in _METHODS else _OTHER}
            name = (ctx.params or {}).get("name")
            if ctx.method == "tools/call" and name in tools:
                told["gen_ai.tool.name"] = str(name)
            try:
                result = await call_next(ctx)
            except MCPError as error:
                told["error.type"] = str(error.error.code)
                raise
            except BaseException as error:
                told["error.type"] = type(error).__qualname__
                raise
            else:
                if ctx.method == "tools/call":
                    self._result(told, result)
                return result
            finally:
                self._calls.record(time.perf_counter() - begun, told)

        return measure

    def _result(self, told: dict[str, str], result: HandlerResult) -> None:
        outcome, text = _outcome(result)
        told["hoopai.tool.outcome"] = outcome
        if outcome == "error":
            told["error.type"] = "tool_error"
        if text:
            tool = {"gen_ai.tool.name": told["gen_ai.tool.name"]} if "gen_ai.tool.name" in told else {}
            self._tokens.record(estimate(text), tool)

    def changed(self, tool: str, done: "Done") -> None:
        """A write was let through."""
        self._changes.add(
            1,
            {
                "gen_ai.tool.name": tool,
                "hoopai.approval.road": done.road.value,
                "hoopai.change.outcome": done.outcome.outcome,
            },
        )

    def answered(self, method: str, status: int, seconds: float) -> None:
        """A request over HTTP was answered."""
        known = method if method in {"GET", "POST", "DELETE"} else "_OTHER"
        self._served.record(
            seconds,
            {
                "http.request.method": known,
                "http.response.status_code": status,
                "http.route": "/mcp",
                "url.scheme": "http",
            },
        )

    @contextmanager
    def request(self, operation: Operation) -> Generator[_Answered]:
        """A request to the API is sent and answered within."""
        told: dict[str, str | int] = {
            "http.request.method": operation.method,
            "url.template": operation.path,
            "hoopai.operation": operation.key,
        }
        answered = _Answered()
        begun = time.perf_counter()
        with self._tracer.start_as_current_span(
            operation.name,
            kind=SpanKind.CLIENT,
            attributes=told,
            record_exception=False,
            set_status_on_exception=False,
        ) as span:
            try:
                yield answered
            except BaseException as error:
                told["error.type"] = type(error).__qualname__
                raise
            finally:
                if answered.status is not None:
                    told["http.response.status_code"] = answered.status
                    if answered.status >= _FAILURES_BEGIN:
                        told["error.type"] = str(answered.status)
                if "error.type" in told:
                    span.set_status(StatusCode.ERROR)
                span.set_attributes(told)
                self._requests.record(time.perf_counter() - begun, told)

    def waited(self, operation: Operation, reason: Reason, seconds: float) -> None:
        """A request had to wait for so long before it was sent."""
        self._waits.record(seconds, {"hoopai.operation": operation.key, "hoopai.wait.reason": reason})

    def close(self) -> None:
        """Send what was not sent yet; a few seconds at most."""
        # A collector that does not answer is asked again and again, whatever time is given for it.
        last = threading.Thread(target=self._send_the_rest, daemon=True)
        last.start()
        last.join(_LAST_WORD_SECONDS)

    def _send_the_rest(self) -> None:
        self._meters.shutdown()
        self._tracers.shutdown()


def _outcome(result: HandlerResult) -> tuple[str, str]:
    """How a call of a tool ended, in one word, and the text that it answered with."""
    if isinstance(result, InputRequiredResult):
        return "asked", ""
    found = result if isinstance(result, CallToolResult) else None
    if isinstance(result, Mapping):
        if "inputRequests" in result:
            return "asked", ""
        found = CallToolResult.model_validate(result)
    if found is None:
        return "ok", ""
    text = "".join(block.text for block in found.content if isinstance(block, TextContent))
    if found.is_error:
        return "error", text
    content: dict[str, Any] = found.structured_content or {}
    status = content.get("status")
    return (status if status in _PREVIEWS else "ok"), text
