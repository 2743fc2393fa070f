"""Serving, in a process of its own: how it starts, what it says where, and how it ends."""

import http.client
import json
import os
import pty
import signal
import socket
import subprocess
from pathlib import Path

import pytest
from server_process import free_port, line_with, serving, stream

from hoopai_products_mcp.sandbox.identity import LOCATION_ID, TOKEN

HELLO = json.dumps(
    {
        "jsonrpc": "2.0",
        "id": 1,
        "method": "initialize",
        "params": {
            "protocolVersion": "2025-11-25",
            "capabilities": {},
            "clientInfo": {"name": "test", "version": "1"},
        },
    }
)
ACCEPT = "application/json, text/event-stream"


def post(port: int, **headers: str) -> tuple[int, str]:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    try:
        connection.request(
            "POST", "/mcp", HELLO, {"Content-Type": "application/json", "Accept": ACCEPT, **headers}
        )
        answer = connection.getresponse()
        return answer.status, answer.read().decode()
    finally:
        connection.close()


def test_it_answers_over_stdio_and_ends_with_its_client() -> None:
    with serving("--sandbox") as process:
        stdout, stderr = process.communicate(HELLO + "\n", timeout=60)
    assert [json.loads(line)["id"] for line in stdout.splitlines()] == [1]
    assert (process.returncode, stderr) == (0, "")


def test_it_starts_for_a_real_shop_without_asking_the_shop() -> None:
    with serving(HOOPAI_ACCESS_TOKEN="pit-1", HOOPAI_LOCATION_ID="loc1") as process:
        stdout, stderr = process.communicate(HELLO + "\n", timeout=60)
    assert len(stdout.splitlines()) == 1
    assert (process.returncode, stderr) == (0, "")


def test_it_says_at_start_that_confirmation_is_off() -> None:
    with serving("--sandbox", "--confirmation=off", stdin=subprocess.DEVNULL) as process:
        stdout, stderr = process.communicate(timeout=60)
    assert (process.returncode, stdout) == (0, "")
    assert (
        stderr
        == "hoopai-products-mcp: confirmation is off: destructive calls will run without asking anybody.\n"
    )


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (
            (),
            "a client that cannot ask cannot change anything: approvals are in memory. Add --data-dir FOLDER.\n",
        ),
        (("--data-dir={}",), ""),
    ],
)
def test_where_a_person_has_to_approve_it_says_at_start_if_nobody_could(
    options: tuple[str, ...], said: str, tmp_path: Path
) -> None:
    folder = [option.format(tmp_path) for option in options]
    with serving("--sandbox", "--confirmation=human", *folder, stdin=subprocess.DEVNULL) as process:
        stdout, stderr = process.communicate(timeout=60)
    assert (process.returncode, stdout, stderr.removeprefix("hoopai-products-mcp: ")) == (0, "", said)


def test_ctrl_c_ends_it_quietly_while_the_client_is_still_there() -> None:
    with serving("--sandbox") as process:
        stream(process.stdin).write(HELLO + "\n")
        stream(process.stdin).flush()
        stream(process.stdout).readline()
        process.send_signal(signal.SIGINT)
        assert process.wait(timeout=60) == 130
        assert (stream(process.stdout).read(), stream(process.stderr).read()) == ("", "")


def test_at_a_terminal_it_says_what_it_is() -> None:
    mine, its = pty.openpty()
    try:
        with serving("--sandbox", stdin=its) as process:
            line_with(stream(process.stderr), "or try `hoopai-products-mcp demo`")
            process.send_signal(signal.SIGINT)
            assert process.wait(timeout=60) == 130
            assert stream(process.stdout).read() == ""
    finally:
        os.close(mine)
        os.close(its)


def test_over_http_it_answers_this_machine_and_nobody_sent_from_elsewhere() -> None:
    port = free_port()
    with serving("--sandbox", "--transport=http", f"--port={port}", stdin=subprocess.DEVNULL) as process:
        assert stream(process.stderr).readline() == (
            f"Serving MCP at http://127.0.0.1:{port}/mcp; Ctrl-C ends it.\n"
        )
        status, body = post(port)
        assert (status, "serverInfo" in body) == (200, True)
        assert post(port, Host=f"localhost:{port}")[0] == 200
        assert post(port, Origin=f"http://localhost:{port}")[0] == 200
        assert post(port, Host="shop.example.com")[0] == 421
        assert post(port, Origin="https://shop.example.com")[0] == 403
        process.send_signal(signal.SIGINT)
        assert process.wait(timeout=60) == 130
        assert stream(process.stdout).read() == ""
        assert "Traceback" not in stream(process.stderr).read()


def get(port: int, path: str) -> tuple[int, str]:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    try:
        connection.request("GET", path)
        answer = connection.getresponse()
        return answer.status, answer.read().decode()
    finally:
        connection.close()


@pytest.mark.parametrize("confirmation", ["ask", "human"])
def test_over_http_it_says_that_it_is_up_without_a_shop_to_ask(confirmation: str) -> None:
    port = free_port()
    with serving(
        *("--transport=http", f"--port={port}", f"--confirmation={confirmation}"),
        stdin=subprocess.DEVNULL,
        HOOPAI_ACCESS_TOKEN="pit-1",
        HOOPAI_LOCATION_ID="loc1",
        HOOPAI_BASE_URL="http://127.0.0.1:9",
    ) as process:
        line_with(stream(process.stderr), "Ctrl-C ends it.")
        assert get(port, "/healthz") == (200, "ok")
        assert get(port, "/healthy")[0] == 404


def test_over_http_it_says_when_the_port_is_taken() -> None:
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        listening.listen()
        port = listening.getsockname()[1]
        with serving("--sandbox", "--transport=http", f"--port={port}", stdin=subprocess.DEVNULL) as process:
            stdout, stderr = process.communicate(timeout=60)
    assert (process.returncode, stdout, stderr) == (
        1,
        "",
        f"hoopai-products-mcp: cannot listen on 127.0.0.1, port {port}: Address already in use\n",
    )


def test_the_sandbox_is_served_as_an_api_of_its_own(tmp_path: Path) -> None:
    arguments = ("sandbox", "--port=0", f"--data={tmp_path / 'shop.db'}")
    with serving(*arguments, stdin=subprocess.DEVNULL) as process:
        port = int(line_with(stream(process.stdout), "http://127.0.0.1:").rpartition(":")[2])
        line_with(stream(process.stdout), "Ctrl-C")
        with socket.create_connection(("127.0.0.1", port), timeout=30) as connection:
            connection.sendall(b"GET /products/ HTTP/1.1\r\nHost: sandbox\r\nConnection: close\r\n\r\n")
            assert connection.recv(12) == b"HTTP/1.1 401"
        process.send_signal(signal.SIGINT)
        assert process.wait(timeout=60) == 0
        assert "Traceback" not in stream(process.stderr).read()


def test_the_rate_limit_of_the_sandbox_is_a_setting() -> None:
    with serving("sandbox", "--port=0", "--rate-limit=1", stdin=subprocess.DEVNULL) as process:
        port = int(line_with(stream(process.stdout), "http://127.0.0.1:").rpartition(":")[2])
        line_with(stream(process.stdout), "Ctrl-C")
        answers: list[int] = []
        for _ in range(2):
            connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
            headers = {"Authorization": f"Bearer {TOKEN}", "Version": "2021-07-28"}
            connection.request("GET", f"/products/?locationId={LOCATION_ID}", headers=headers)
            answers.append(connection.getresponse().status)
            connection.close()
        assert answers == [200, 429]
        process.send_signal(signal.SIGINT)
        assert process.wait(timeout=60) == 0


def test_the_sandbox_says_when_its_port_is_taken() -> None:
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        listening.listen()
        port = listening.getsockname()[1]
        with serving("sandbox", f"--port={port}", stdin=subprocess.DEVNULL) as process:
            stdout, stderr = process.communicate(timeout=60)
    assert (process.returncode, stdout) == (1, "")
    assert stderr == (
        f"hoopai-products-mcp: the sandbox cannot listen on 127.0.0.1, port {port}: Address already in use\n"
    )


def test_the_sandbox_says_when_its_file_holds_something_else(tmp_path: Path) -> None:
    (tmp_path / "letter.txt").write_text("Dear customer,\n" * 1000)
    with serving("sandbox", f"--data={tmp_path / 'letter.txt'}", stdin=subprocess.DEVNULL) as process:
        stdout, stderr = process.communicate(timeout=60)
    assert (process.returncode, stdout) == (1, "")
    assert stderr == (
        "hoopai-products-mcp: the sandbox cannot keep its shop in that file: file is not a database\n"
    )
