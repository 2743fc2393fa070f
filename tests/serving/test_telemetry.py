"""Traces and metrics: what a collector is told of a server at work, and what it is never told."""

import asyncio
import logging
import os
import signal
import sys
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from collector import Collector, collecting
from mcp.client import Client
from mcp.client.stdio import StdioServerParameters, stdio_client
from mcp.shared.exceptions import MCPError
from web_server import ANN, ERAS, KEYS, Era, call, connected, first_product, post, refused
from workers import COMMAND, Worker

from hoopai_products_mcp.server.telemetry import telemetry_of

pytestmark = pytest.mark.anyio

SECRET = "kept-between-us"
NOT_THERE = "6" * 24


@asynccontextmanager
async def measured(endpoint: str, data: Path) -> AsyncGenerator[str]:
    """The address of a server as a process of its own, which is ended with the block."""
    worker = Worker(
        {
            **{name: value for name, value in os.environ.items() if not name.startswith("HOOPAI_")},
            "HOOPAI_SANDBOX": "true",
            "HOOPAI_DATA_DIR": str(data),
            "HOOPAI_HTTP_AUTH": "key",
            "HOOPAI_HTTP_KEYS": KEYS["http_keys"],
            "OTEL_EXPORTER_OTLP_ENDPOINT": endpoint,
        }
    )
    await worker.start()
    try:
        yield f"http://127.0.0.1:{worker.port}/mcp"
    finally:
        async with asyncio.timeout(60):
            await worker.end(signal.SIGINT)


def told(collector: Collector, metric: str, *names: str) -> set[tuple[Any, ...]]:
    """These attributes of all points of a metric."""
    return {tuple(point.get(name) for name in names) for point, _ in collector.points(metric)}


@pytest.mark.parametrize("era", ERAS)
async def test_calls_requests_and_approvals_are_told_and_nothing_that_somebody_wrote(
    era: Era, tmp_path: Path
) -> None:
    with collecting() as collector:
        async with measured(collector.url, tmp_path) as url:
            asked: list[str] = []
            async with connected(url, ANN, era=era, asked=asked) as client:
                product = await first_product(client)
                await call(client, "list_products", search=SECRET)
                await call(client, "update_product", product_id=product["id"], description=SECRET)
                await call(client, "delete_product", product_id=product["id"])
                await refused(client, "get_product", product_id=NOT_THERE)
                for name in (SECRET, "delete_product_of_ann"):
                    with pytest.raises(MCPError):
                        await client.call_tool(name, {"product_id": product["id"]})
                with pytest.raises(MCPError):
                    await client.get_prompt(SECRET)
                with pytest.raises(MCPError):
                    await client.read_resource(f"hoopai://products/{SECRET}")
            assert (await post(url, Authorization="Bearer wrong")).status_code == 401
        assert len(asked) == 1

        calls = told(
            collector,
            "mcp.server.operation.duration",
            "mcp.method.name",
            "gen_ai.tool.name",
            "hoopai.tool.outcome",
        )
        assert {
            ("tools/call", "list_products", "ok"),
            ("tools/call", "update_product", "ok"),
            ("tools/call", "delete_product", "ok"),
            ("tools/call", "get_product", "error"),
            ("tools/call", None, None),
            ("prompts/get", None, None),
            ("resources/read", None, None),
        } <= calls
        if era != "legacy":
            assert ("tools/call", "delete_product", "asked") in calls
        assert {("list_products",), ("delete_product",)} <= told(
            collector, "hoopai.tool.result.tokens", "gen_ai.tool.name"
        )
        assert told(
            collector, "hoopai.changes", "gen_ai.tool.name", "hoopai.approval.road", "hoopai.change.outcome"
        ) == {("update_product", "not_needed", "done"), ("delete_product", "person", "done")}
        requests = told(
            collector,
            "http.client.request.duration",
            "hoopai.operation",
            "url.template",
            "http.response.status_code",
        )
        assert {
            ("list_products", "/products/", 200),
            ("delete_product", "/products/{productId}", 200),
            ("get_product", "/products/{productId}", 400),
        } <= requests
        assert ("delete_product", "budget") in told(
            collector, "hoopai.api.wait.duration", "hoopai.operation", "hoopai.wait.reason"
        )
        assert {(200,), (401,)} <= told(
            collector, "http.server.request.duration", "http.response.status_code"
        )

        spans = collector.spans()
        names = {name for name, _ in spans}
        assert {
            "tools/call delete_product",
            "DELETE /products/{productId}",
            "tools/call",
            "prompts/get",
        } <= names
        assert {resource["service.name"] for resource in collector.resources()} == {"hoopai-products-mcp"}
        everything = b"".join(body for _, body in collector.bodies)
        for kept in (
            SECRET,
            ANN,
            "ann",
            product["id"],
            product["name"],
            "jsonrpc.request.id",
            "hoopai://",
            NOT_THERE,
        ):
            assert kept.encode() not in everything


async def test_what_a_client_says_beside_the_ids_of_its_trace_is_not_told(tmp_path: Path) -> None:
    trace = "0af7651916cd43dd8448eb211c80319c"
    said = {"traceparent": f"00-{trace}-b7ad6b7169203331-01", "tracestate": f"client={SECRET}"}
    with collecting() as collector:
        async with measured(collector.url, tmp_path) as url:
            params = {"name": "list_products", "arguments": {"limit": 1}, "_meta": said}
            answer = await post(url, "tools/call", params, Authorization=f"Bearer {ANN}")
            assert answer.status_code == 200
        assert "tools/call list_products" in {name for name, _ in collector.spans()}
        everything = b"".join(body for _, body in collector.bodies)
        assert bytes.fromhex(trace) in everything
        assert SECRET.encode() not in everything


async def test_a_server_on_a_pipe_tells_of_its_calls_when_its_client_goes(tmp_path: Path) -> None:
    with collecting() as collector:
        environment = {
            **os.environ,
            "HOOPAI_SANDBOX": "true",
            "HOOPAI_DATA_DIR": str(tmp_path),
            "OTEL_EXPORTER_OTLP_ENDPOINT": collector.url,
            "OTEL_TRACES_EXPORTER": "none",
            "OTEL_SERVICE_NAME": "shop",
        }
        parameters = StdioServerParameters(command=COMMAND, args=[], env=environment)
        async with Client(stdio_client(parameters)) as client:
            await first_product(client)
        assert ("list_products",) in told(collector, "mcp.server.operation.duration", "gen_ai.tool.name")
        assert collector.spans() == []


async def test_without_a_collector_it_works_and_ends_as_ever(tmp_path: Path) -> None:
    async with measured("http://127.0.0.1:9", tmp_path) as url, connected(url, ANN) as client:
        await first_product(client)


OFF = "OTEL_EXPORTER_OTLP_ENDPOINT"


def test_it_is_off_until_somebody_says_where_to(caplog: pytest.LogCaptureFixture) -> None:
    assert telemetry_of({}) is None
    assert telemetry_of({OFF: ""}) is None
    assert telemetry_of({OFF: "http://127.0.0.1:9", "OTEL_SDK_DISABLED": "true"}) is None
    assert caplog.records == []


def test_what_cannot_be_measured_is_said(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    caplog.set_level(logging.WARNING)
    assert telemetry_of({OFF: "http://127.0.0.1:9", "OTEL_EXPORTER_OTLP_PROTOCOL": "grpc"}) is None
    monkeypatch.setitem(sys.modules, "opentelemetry.exporter.otlp.proto.http", None)
    assert telemetry_of({OFF: "http://127.0.0.1:9"}) is None
    assert [record.getMessage() for record in caplog.records] == [
        "Nothing is measured: OpenTelemetry is sent as http/protobuf only, and another is set",
        "Nothing is measured: OpenTelemetry is not installed. pip install 'hoopai-products-mcp[telemetry]'",
    ]


def test_a_setting_of_opentelemetry_that_is_wrong_stops_no_server(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    caplog.set_level(logging.WARNING, logger="hoopai_products_mcp.server")
    monkeypatch.setenv(OFF, "http://127.0.0.1:9")
    monkeypatch.setenv("OTEL_BSP_SCHEDULE_DELAY", "0")
    assert telemetry_of() is None
    said = [record.getMessage() for record in caplog.records if record.name == "hoopai_products_mcp.server"]
    assert said == ["Nothing is measured: a setting of OpenTelemetry (OTEL_...) cannot be used: ValueError"]
