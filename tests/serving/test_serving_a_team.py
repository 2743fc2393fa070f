"""The server as a process for several people: where it listens, what it says on stderr, and how it starts wrongly."""

import json
import signal
import urllib.error
import urllib.request
from pathlib import Path

import pytest
from server_process import free_port, serving, stream
from web_server import ANN, message

BASE = ("--sandbox", "--transport=http")


def status_of(port: int, key: str) -> int:
    request = urllib.request.Request(
        f"http://127.0.0.1:{port}/mcp",
        json.dumps(message("tools/list")).encode(),
        {
            "Content-Type": "application/json",
            "Accept": "application/json, text/event-stream",
            "MCP-Protocol-Version": "2026-07-28",
            "Mcp-Method": "tools/list",
            "Authorization": f"Bearer {key}",
        },
    )
    try:
        with urllib.request.urlopen(request, timeout=30) as answer:
            return int(answer.status)
    except urllib.error.HTTPError as error:
        error.close()
        return error.code


@pytest.mark.parametrize("ending", [signal.SIGTERM, signal.SIGINT])
def test_with_keys_it_listens_to_the_network_and_writes_a_line_for_each_request(
    ending: signal.Signals,
) -> None:
    port = free_port()
    options = ("--host=0.0.0.0", f"--port={port}", "--http-auth=key", "--log=json")
    with serving(*BASE, *options, HOOPAI_HTTP_KEYS=f"ann={ANN}") as process:
        assert (
            stream(process.stderr).readline()
            == f"Serving MCP at http://0.0.0.0:{port}/mcp; Ctrl-C ends it.\n"
        )
        assert [status_of(port, ANN), status_of(port, "wrong")] == [200, 401]
        process.send_signal(ending)
        stdout, stderr = process.communicate(timeout=60)
    assert process.returncode == {signal.SIGTERM: -15, signal.SIGINT: 130}[ending]
    assert stdout == ""
    lines = [json.loads(line) for line in stderr.splitlines()]
    said = [(line["message"], line["status"], line["caller"], "request_id" in line) for line in lines]
    assert said == [("request", 200, "ann", True), ("request", 401, "local", True)]
    assert ANN not in stderr


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        (None, "cannot be read: No such file or directory"),
        ("", "holds no key; each looks like name = key"),
        (
            "ann = secret",
            "has as its first entry a key that can be guessed: at least 24 random characters are needed",
        ),
    ],
)
def test_a_file_without_keys_serves_nobody(text: str | None, problem: str, tmp_path: Path) -> None:
    file = tmp_path / "keys"
    if text is not None:
        file.write_text(text)
    with serving(*BASE, f"--port={free_port()}", "--http-auth=key", f"--http-keys-file={file}") as process:
        stdout, stderr = process.communicate(timeout=60)
    assert (process.returncode, stdout) == (2, "")
    assert stderr == f"hoopai-products-mcp: the file that HOOPAI_HTTP_KEYS_FILE names {problem}\n"


def test_a_person_cannot_approve_on_a_page_that_a_network_reaches() -> None:
    port = free_port()
    options = ("--host=0.0.0.0", f"--port={port}", "--http-auth=key", "--confirmation=human")
    with serving(*BASE, *options, HOOPAI_HTTP_KEYS=f"ann={ANN}") as process:
        stream(process.stderr).readline()
        with pytest.raises(urllib.error.HTTPError, match="404") as caught:
            urllib.request.urlopen(f"http://127.0.0.1:{port}/approvals", timeout=30)
        caught.value.close()
        process.send_signal(signal.SIGTERM)
        assert "approval" not in process.communicate(timeout=60)[1]
