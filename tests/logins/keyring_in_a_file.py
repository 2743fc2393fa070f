"""A keyring for tests: a JSON file that a variable names, chosen with PYTHON_KEYRING_BACKEND."""

import json
import os
from pathlib import Path
from typing import Any

from keyring.backend import KeyringBackend


def _path() -> Path:
    return Path(os.environ["KEYRING_IN_A_FILE"])


def _read() -> dict[str, str]:
    return json.loads(_path().read_text("utf-8")) if _path().exists() else {}


class FileKeyring(KeyringBackend):
    priority: Any = 1

    def get_password(self, service: str, username: str) -> str | None:
        return _read().get(f"{service} {username}")

    def set_password(self, service: str, username: str, password: str) -> None:
        _path().write_text(json.dumps({**_read(), f"{service} {username}": password}), "utf-8")

    def delete_password(self, service: str, username: str) -> None:
        _path().write_text(
            json.dumps({key: value for key, value in _read().items() if key != f"{service} {username}"}),
            "utf-8",
        )
