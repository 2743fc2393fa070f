"""The folder for files: plain names only, nothing overwritten, no way out of it."""

import os
import socket
import stat
import unicodedata
from contextlib import closing
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from mcp.server.mcpserver.exceptions import ToolError
from mcp.shared.exceptions import MCPError
from mcp_types import INVALID_PARAMS, BlobResourceContents, TextResourceContents
from shop_session import ERAS, Era, shop_session

from hoopai_products_mcp.server.exports import LARGEST_RESOURCE
from hoopai_products_mcp.tools.file_folder import FileFolder, checked_name

pytestmark = pytest.mark.anyio

WAYS_OUT = [
    "../x.csv",
    "..",
    ".",
    ".hidden.csv",
    "/etc/passwd",
    "a/b.csv",
    "a\\b.csv",
    "C:\\x.csv",
    "C:x.csv",
    "x.csv:stream",
    "x.csv\0.txt",
    "x\n.csv",
    "x\u202e.csv",
    "con.csv",
    "NUL",
    "lpt1.xlsx",
    "x.csv.",
    "x.csv ",
    " x.csv",
    "~/x.csv",
    "$HOME.csv",
    "%2e%2e.csv",
    "x" * 101,
    "😀" * 20 + ".csv",
]


def folder(path: Path) -> FileFolder:
    return FileFolder(lambda: path, tells_path=True)


@pytest.mark.parametrize("name", WAYS_OUT)
async def test_a_name_that_is_no_plain_name_is_refused(name: str, tmp_path: Path) -> None:
    inside = tmp_path / "inside"
    async with shop_session(settings={"export_dir": inside}) as session:
        said = await session.refused("export_catalog", file=name, include=[])
        assert said.startswith("No file can be named “")
        assert "Nothing was changed." in said
        said = await session.refused("import_products", file=name, format="csv")
        assert said.startswith("No file can be named “")
        assert session.sent() == []
        assert os.listdir(tmp_path) == []


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=300)
@given(name=st.text(st.characters(exclude_categories=["Cs"]), max_size=20) | st.sampled_from(WAYS_OUT))
def test_whatever_a_name_is_it_is_a_file_of_the_folder_or_refused(name: str, tmp_path: Path) -> None:
    inside = tmp_path / "inside"
    inside.mkdir(exist_ok=True)
    try:
        checked_name(name)
    except ToolError:
        with pytest.raises(ToolError), folder(inside).writing(name):
            pass
    else:
        with folder(inside).writing(name) as file:
            file.write(b"x")
        written = {unicodedata.normalize("NFC", entry) for entry in os.listdir(inside)}
        assert written == {unicodedata.normalize("NFC", name)}
        for entry in inside.iterdir():
            entry.unlink()
    assert os.listdir(tmp_path) == ["inside"]


@pytest.mark.parametrize("taken", ["file", "folder", "link", "broken link"])
async def test_nothing_is_overwritten(taken: str, tmp_path: Path) -> None:
    inside, other = tmp_path / "inside", tmp_path / "other"
    inside.mkdir()
    other.write_text("mine")
    match taken:
        case "file":
            (inside / "x.csv").write_text("mine")
        case "folder":
            (inside / "x.csv").mkdir()
        case "link":
            (inside / "x.csv").symlink_to(other)
        case _:
            (inside / "x.csv").symlink_to(tmp_path / "nowhere")
    async with shop_session(settings={"export_dir": inside}) as session:
        said = await session.refused("export_catalog", file="x", include=[])
        assert said == (
            "There is a “x.csv” already, and nothing is overwritten. Nothing was changed. Give another name."
        )
        assert session.sent() == []
    assert other.read_text() == "mine"
    assert not (tmp_path / "nowhere").exists()
    assert os.listdir(inside) == ["x.csv"]


def test_who_takes_the_name_meanwhile_keeps_it(tmp_path: Path) -> None:
    def write() -> None:
        with folder(tmp_path).writing("x.csv") as file:
            file.write(b"ours")
            (tmp_path / "x.csv").write_text("theirs")

    with pytest.raises(ToolError, match="nothing is overwritten"):
        write()
    assert (tmp_path / "x.csv").read_text() == "theirs"
    assert os.listdir(tmp_path) == ["x.csv"]


def test_a_file_that_fails_half_way_was_never_there(tmp_path: Path) -> None:
    def write() -> None:
        with folder(tmp_path).writing("x.csv") as file:
            file.write(b"half")
            assert [name.startswith(".") for name in os.listdir(tmp_path)] == [True]
            raise TimeoutError

    # An OSError of its own, which the folder puts in words.
    with pytest.raises(ToolError, match="could not be written"):
        write()
    assert os.listdir(tmp_path) == []


def test_files_are_for_their_owner_alone(tmp_path: Path) -> None:
    inside = tmp_path / "a" / "b"
    with folder(inside).writing("x.csv") as file:
        file.write(b"x")
    assert stat.S_IMODE((inside / "x.csv").stat().st_mode) == 0o600
    assert stat.S_IMODE(inside.stat().st_mode) == 0o700


async def test_a_folder_that_cannot_be_written_to_is_said(tmp_path: Path) -> None:
    # A file stands where the folder would be made; that stops whoever runs the tests, root among them.
    (tmp_path / "file").write_text("")
    async with shop_session(settings={"export_dir": tmp_path / "file" / "inside"}) as session:
        said = await session.refused("export_catalog", file="x", include=[])
        assert (
            said
            == "“x.csv” could not be written: Not a directory. Nothing was changed. No file was left behind."
        )


def test_a_link_out_of_the_folder_is_not_followed(tmp_path: Path) -> None:
    inside, other = tmp_path / "inside", tmp_path / "secret.csv"
    inside.mkdir()
    other.write_text("Title\nSecret\n")
    (inside / "x.csv").symlink_to(other)
    with (
        pytest.raises(ToolError, match="not a plain file that can be read here"),
        folder(inside).reading("x.csv", 1000),
    ):
        pass


@pytest.mark.parametrize("kind", ["folder", "pipe", "socket"])
def test_what_is_no_plain_file_is_not_read_and_nobody_waits_for_it(kind: str, tmp_path: Path) -> None:
    path = tmp_path / "x.csv"
    with closing(socket.socket(socket.AF_UNIX)) as listening:
        match kind:
            case "folder":
                path.mkdir()
            case "pipe":
                os.mkfifo(path)
            case _:
                listening.bind(str(path))
        with (
            pytest.raises(ToolError, match="not a plain file that can be read here"),
            folder(tmp_path).reading("x.csv", 1000),
        ):
            pass


def test_a_missing_file_is_told_with_those_there_are(tmp_path: Path) -> None:
    with pytest.raises(ToolError) as caught, folder(tmp_path / "none").reading("x.csv", 10):
        pass
    assert str(caught.value) == f"There is no “x.csv” in the folder {tmp_path / 'none'}. It is empty."
    for number in range(12):
        (tmp_path / f"may-{number:02}.csv").write_text("")
    (tmp_path / ".hidden").write_text("")
    with pytest.raises(ToolError) as caught, folder(tmp_path).reading("x.csv", 10):
        pass
    assert str(caught.value).endswith("“may-09.csv” and 2 others.")
    assert "hidden" not in str(caught.value)
    unseen = FileFolder(lambda: tmp_path, tells_path=False)
    with (
        pytest.raises(ToolError, match="in the server's folder for files") as caught,
        unseen.reading("x.csv", 10),
    ):
        pass
    assert str(tmp_path) not in str(caught.value)


# Exports as resources


@pytest.mark.parametrize("era", ERAS)
@pytest.mark.parametrize(
    ("name", "mime_type"),
    [
        ("csv", "text/csv"),
        ("jsonl", "application/x-ndjson"),
        ("xlsx", "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"),
    ],
)
async def test_an_export_is_a_resource(era: Era, name: str, mime_type: str, tmp_path: Path) -> None:
    async with shop_session(era=era, settings={"export_dir": tmp_path}) as session:
        content = await session.call("export_catalog", format=name, file="Spring price list (2)", include=[])
        assert content["file"] == f"Spring price list (2).{name}"
        assert content["uri"] == f"hoopai://exports/Spring%20price%20list%20%282%29.{name}"
        assert content["path"] == str(tmp_path / content["file"])
        assert content["bytes"] == (tmp_path / content["file"]).stat().st_size
        (read,) = (await session.client.read_resource(content["uri"])).contents
        assert read.mime_type == mime_type
        if name == "xlsx":
            assert isinstance(read, BlobResourceContents)
        else:
            assert isinstance(read, TextResourceContents)
            assert len(read.text.splitlines()) == content["rows"] + (name == "csv")
            assert read.text[0] != "\ufeff"


@pytest.mark.parametrize("era", ERAS)
@pytest.mark.parametrize(
    "uri",
    ["none.csv", "..%2Fsecret.csv", "%2E%2E/secret.csv", ".hidden.csv", "link.csv", "secret.txt", "%00.csv"],
)
async def test_what_is_no_export_is_no_resource(era: Era, uri: str, tmp_path: Path) -> None:
    inside = tmp_path / "inside"
    inside.mkdir()
    for path in (tmp_path / "secret.csv", inside / ".hidden.csv", inside / "secret.txt"):
        path.write_text("secret")
    (inside / "link.csv").symlink_to(tmp_path / "secret.csv")
    async with shop_session(era=era, settings={"export_dir": inside}) as session:
        with pytest.raises(MCPError) as refused:
            await session.client.read_resource(f"hoopai://exports/{uri}")
        assert refused.value.code == INVALID_PARAMS
        assert "secret\n" not in str(refused.value)


async def test_an_export_that_is_too_large_to_be_sent_says_so(tmp_path: Path) -> None:
    (tmp_path / "x.csv").write_bytes(b"x" * (LARGEST_RESOURCE + 1))
    async with shop_session(settings={"export_dir": tmp_path}) as session:
        with pytest.raises(MCPError, match=r"has 5\.0 MB; at most 5\.0 MB are read"):
            await session.client.read_resource("hoopai://exports/x.csv")


async def test_the_exports_of_the_invented_shop_go_with_the_server(tmp_path: Path) -> None:
    async with shop_session() as session:
        content = await session.call("export_catalog", include=[])
        path = Path(content["path"])
        assert path.exists()  # noqa: ASYNC240 - nothing waits for it
    assert not path.exists()  # noqa: ASYNC240
    async with shop_session(settings={"data_dir": tmp_path}) as session:
        content = await session.call("export_catalog", include=[], file="kept")
        assert content["path"] == str(tmp_path / "exports" / session.sandbox.location_id / "kept.csv")
    assert (tmp_path / "exports" / session.sandbox.location_id / "kept.csv").exists()


async def test_over_http_no_path_of_the_server_is_told(tmp_path: Path) -> None:
    async with shop_session(settings={"export_dir": tmp_path, "transport": "http"}) as session:
        content = await session.call("export_catalog", include=[], file="kept")
        assert "path" not in content
        assert content["uri"] == "hoopai://exports/kept.csv"
        assert str(tmp_path) not in await session.refused("import_products", file="none.csv")
