"""The first steps of somebody who sets something wrong: what is missing, in words, and no traceback."""

from pathlib import Path

import pytest
from at_a_terminal import piped


@pytest.mark.parametrize(
    ("given", "missing"),
    [
        ({"HOOPAI_CLIENT_ID": "app1"}, "  HOOPAI_CLIENT_SECRET the client secret of the OAuth app\n"),
        ({"HOOPAI_CLIENT_SECRET": "canary"}, "  HOOPAI_CLIENT_ID     the client id of the OAuth app\n"),
    ],
)
def test_half_of_an_app_is_told_its_other_half(given: dict[str, str], missing: str, tmp_path: Path) -> None:
    code, stdout, stderr = piped(HOOPAI_LOCATION_ID="loc1", HOOPAI_DATA_DIR=str(tmp_path), **given)
    assert (code, stdout) == (2, "")
    assert stderr.startswith(
        f"hoopai-products-mcp: there is no shop to work on. Set in the server's environment:\n{missing}or try it"
    )
    assert "canary" not in stderr


@pytest.mark.parametrize("command", [(), ("doctor",)])
def test_a_folder_that_an_invented_shop_cannot_be_kept_in_is_said(
    command: tuple[str, ...], tmp_path: Path
) -> None:
    (tmp_path / "file").touch()
    folder = str(tmp_path / "file" / "data")
    code, stdout, stderr = piped(*command, HOOPAI_SANDBOX="true", HOOPAI_DATA_DIR=folder)
    assert (code, stdout) == (1, "")
    assert stderr == (
        f"hoopai-products-mcp: the invented shop cannot be kept in {folder}: Not a directory. Nothing was changed.\n"
        "Give another folder with --data-dir, or none: then it is in memory.\n"
    )
