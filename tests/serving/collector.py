"""A collector of OpenTelemetry's, as far as whoever sends by OTLP over HTTP sees one."""

import gzip
import threading
from collections.abc import Generator, Iterable
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest


@dataclass
class Collector:
    """What was sent to it."""

    url: str
    bodies: list[tuple[str, bytes]] = field(default_factory=list[tuple[str, bytes]])

    def spans(self) -> list[tuple[str, dict[str, Any]]]:
        """Names and attributes of all spans."""
        found: list[tuple[str, dict[str, Any]]] = []
        for body in self._sent("/v1/traces"):
            for resource in ExportTraceServiceRequest.FromString(body).resource_spans:
                for scope in resource.scope_spans:
                    found += [(span.name, _plain(span.attributes)) for span in scope.spans]
        return found

    def points(self, name: str) -> list[tuple[dict[str, Any], float]]:
        """Attributes and number (of a counter) or sum (of a histogram) of the last points of a metric."""
        last: dict[str, tuple[dict[str, Any], float]] = {}
        for body in self._sent("/v1/metrics"):
            for resource in ExportMetricsServiceRequest.FromString(body).resource_metrics:
                for scope in resource.scope_metrics:
                    for metric in scope.metrics:
                        if metric.name != name:
                            continue
                        for point in metric.histogram.data_points:
                            told = _plain(point.attributes)
                            last[str(told)] = told, point.count
                        for point in metric.sum.data_points:
                            told = _plain(point.attributes)
                            last[str(told)] = told, point.as_int
        return list(last.values())

    def resources(self) -> list[dict[str, Any]]:
        """What was told of the process that was measured."""
        found: list[dict[str, Any]] = []
        for body in self._sent("/v1/traces"):
            found += [
                _plain(each.resource.attributes)
                for each in ExportTraceServiceRequest.FromString(body).resource_spans
            ]
        return found

    def _sent(self, path: str) -> list[bytes]:
        return [body for where, body in self.bodies if where == path]


def _plain(attributes: Iterable[Any]) -> dict[str, Any]:
    return {each.key: getattr(each.value, each.value.WhichOneof("value")) for each in attributes}


@contextmanager
def collecting() -> Generator[Collector]:
    """A running collector."""

    class Handler(BaseHTTPRequestHandler):
        """Takes what is sent."""

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            zipped = self.headers.get("Content-Encoding") == "gzip"
            collector.bodies.append((self.path, gzip.decompress(body) if zipped else body))
            self.send_response(200)
            self.send_header("Content-Type", "application/x-protobuf")
            self.end_headers()

        def log_message(self, format: str, *args: Any) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    collector = Collector(f"http://127.0.0.1:{server.server_port}")
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield collector
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
