"""Whether this server measures itself.

Traces and metrics are OpenTelemetry's, sent by OTLP over HTTP where `OTEL_EXPORTER_OTLP_ENDPOINT` says, and off without
it. Nothing of OpenTelemetry's SDK is imported then.
"""

import logging
import os
from collections.abc import Mapping
from importlib.util import find_spec
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .open_telemetry import OpenTelemetry

log = logging.getLogger("hoopai_products_mcp.server")

ENDPOINTS = (
    "OTEL_EXPORTER_OTLP_ENDPOINT",
    "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT",
    "OTEL_EXPORTER_OTLP_METRICS_ENDPOINT",
)
_PROTOCOLS = ("OTEL_EXPORTER_OTLP_PROTOCOL", "OTEL_EXPORTER_OTLP_TRACES_PROTOCOL")
_MODULES = ("opentelemetry.sdk", "opentelemetry.exporter.otlp.proto.http")


def telemetry_of(environ: Mapping[str, str] = os.environ) -> "OpenTelemetry | None":
    """What measures this process; None where nothing is set, or what is set cannot be done, which the log says."""
    if not any(environ.get(name) for name in ENDPOINTS):
        return None
    if environ.get("OTEL_SDK_DISABLED", "").strip().lower() == "true":
        return None
    if any(environ.get(name, "http/protobuf") != "http/protobuf" for name in _PROTOCOLS):
        log.warning("Nothing is measured: OpenTelemetry is sent as http/protobuf only, and another is set")
        return None
    if not _is_installed():
        log.warning(
            "Nothing is measured: OpenTelemetry is not installed. pip install 'hoopai-products-mcp[telemetry]'"
        )
        return None
    from .open_telemetry import OpenTelemetry

    try:
        return OpenTelemetry.started(environ)
    except Exception as error:
        # Its text may repeat the value, and headers with a key are among such settings.
        log.warning(
            "Nothing is measured: a setting of OpenTelemetry (OTEL_...) cannot be used: %s",
            type(error).__name__,
        )
        return None


def _is_installed() -> bool:
    try:
        return all(find_spec(module) for module in _MODULES)
    except ModuleNotFoundError:
        return False
