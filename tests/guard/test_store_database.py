"""The store itself: where it lies, who may read it, its structure, and its troubles in words."""

import os
import sqlite3
import stat
import subprocess
import sys
import tempfile
import threading
import tomllib
from pathlib import Path

import psycopg
import pytest
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import delete, insert, select, text

from hoopai_products_mcp.guard import tables
from hoopai_products_mcp.guard.database import Database, StoreError
from hoopai_products_mcp.guard.keys import sealing_keys

ROOT = Path(__file__).resolve().parents[2]
MIGRATIONS = ROOT / "guard" / "migrations"

OPENED_UNPRIVILEGED = """
import os, sys
from hoopai_products_mcp.guard.database import Database, StoreError

# Everything that is imported late comes in while there is the right to read it.
Database.open("sqlite://").close()
if os.getuid() == 0:
    os.setgid(65534)
    os.setuid(65534)
try:
    Database.open(sys.argv[1])
except StoreError as error:
    print(error)
"""


def rights(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def count_keys(database: Database) -> int:
    with database.reading() as connection:
        return len(connection.execute(select(tables.keys)).all())


def add_key(database: Database) -> None:
    with database.transaction() as connection:
        connection.execute(insert(tables.keys).values(key=b"k" * 32, created=database.clock()))


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "data" / "store.db"


def test_only_its_owner_can_read_a_file_or_anything_beside_it(path: Path) -> None:
    before = os.umask(0)
    try:
        database = Database.open(f"sqlite:///{path}")
        add_key(database)
    finally:
        os.umask(before)
    found = {str(entry.relative_to(path.parent)): rights(entry) for entry in path.parent.rglob("*")}
    assert found == {
        "store.db": 0o600,
        "store.db-shm": 0o600,
        "store.db-wal": 0o600,
        "store.db.lock": 0o600,
        "processes": 0o700,
        "processes/all": 0o600,
        f"processes/{database.process}.lock": 0o600,
    }
    assert rights(path.parent) == 0o700
    database.close()


def test_a_file_that_others_could_read_is_closed_to_them(path: Path) -> None:
    Database.open(f"sqlite:///{path}").close()
    path.chmod(0o644)
    path.parent.chmod(0o755)
    Database.open(f"sqlite:///{path}").close()
    # The folder may be anybody's: it is left as it was found.
    assert (rights(path), rights(path.parent)) == (0o600, 0o755)


def test_what_was_written_is_there_after_opening_again(shared_url: str) -> None:
    database = Database.open(shared_url)
    keys = sealing_keys(database)
    assert [len(key) for key in keys] == [32]
    database.close()
    database = Database.open(shared_url)
    assert sealing_keys(database) == keys
    database.close()


def test_the_newest_key_comes_first(database: Database) -> None:
    first = sealing_keys(database)
    add_key(database)
    assert sealing_keys(database) == [b"k" * 32, *first]


def test_a_transaction_that_fails_leaves_nothing(database: Database) -> None:
    def fail() -> None:
        with database.transaction() as connection:
            connection.execute(insert(tables.keys).values(key=b"k" * 32, created=1.0))
            raise LookupError

    with pytest.raises(LookupError):
        fail()
    assert count_keys(database) == 0


def test_a_reader_sees_one_state_throughout(shared_url: str) -> None:
    database = Database.open(shared_url)
    with database.reading() as connection:
        before = connection.execute(select(tables.keys)).all()
        writer = threading.Thread(target=add_key, args=(database,))
        writer.start()
        writer.join()
        assert connection.execute(select(tables.keys)).all() == before
    assert count_keys(database) == 1
    database.close()


def test_what_is_kept_in_memory_is_seen_by_every_thread() -> None:
    database = Database.open("sqlite://")
    threads = [threading.Thread(target=add_key, args=(database,)) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert count_keys(database) == 4
    database.close()


def test_two_stores_in_memory_are_two() -> None:
    first, second = Database.open("sqlite://"), Database.open("sqlite:///:memory:")
    add_key(first)
    assert (count_keys(first), count_keys(second)) == (1, 0)
    first.close()
    second.close()


# Structure


def test_the_scripts_make_the_tables_that_the_code_knows(database: Database) -> None:
    with database.reading() as connection:
        context = MigrationContext.configure(
            connection, opts={"compare_type": True, "version_table": tables.VERSION_TABLE}
        )
        assert compare_metadata(context, tables.metadata) == []


def test_the_code_knows_all_scripts() -> None:
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    scripts = ScriptDirectory.from_config(config)
    assert tuple(script.revision for script in scripts.walk_revisions())[::-1] == tables.VERSIONS


def test_the_scripts_are_part_of_the_package() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
    folders = {path.parent.relative_to(ROOT).as_posix() for path in MIGRATIONS.rglob("*.py")}
    packages = {f"hoopai_products_mcp.{folder.replace('/', '.')}" for folder in folders}
    assert packages
    assert packages - set(project["tool"]["setuptools"]["packages"]) == set()


def test_a_store_that_is_up_to_date_is_opened_without_the_migrator(path: Path) -> None:
    Database.open(f"sqlite:///{path}").close()
    script = (
        "import sys\nfrom hoopai_products_mcp.guard.database import Database\n"
        "Database.open(sys.argv[1]).close()\nprint('alembic' in sys.modules)"
    )
    said = subprocess.run(
        [sys.executable, "-c", script, f"sqlite:///{path}"], capture_output=True, text=True, check=True
    )
    assert said.stdout == "False\n"


def test_making_a_store_says_nothing_on_standard_output(
    path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    Database.open(f"sqlite:///{path}").close()
    assert capfd.readouterr().out == ""


def test_a_store_of_a_newer_version_is_refused(shared_url: str) -> None:
    database = Database.open(shared_url)
    with database.transaction() as connection:
        connection.execute(text("UPDATE guard_version SET version_num = '9999'"))
    database.close()
    with pytest.raises(StoreError, match=r"made by a newer version .* Upgrade the program"):
        Database.open(shared_url)


def test_a_store_whose_making_was_interrupted_is_made_anew(path: Path) -> None:
    path.parent.mkdir()
    path.touch()
    database = Database.open(f"sqlite:///{path}")
    assert count_keys(database) == 0
    database.close()


# Troubles


def test_a_file_that_is_no_store_is_named_as_such(path: Path) -> None:
    path.parent.mkdir()
    path.write_bytes(b"a shopping list, quite long " * 100)
    with pytest.raises(StoreError, match="damaged or is no store at all") as caught:
        Database.open(f"sqlite:///{path}")
    assert str(path) not in str(caught.value)


def test_a_damaged_store_is_named_as_such(path: Path) -> None:
    database = Database.open(f"sqlite:///{path}")
    database.close()
    content = bytearray(path.read_bytes())
    content[4096:] = b"\xff" * (len(content) - 4096)
    path.write_bytes(content)
    with pytest.raises(StoreError, match="damaged"):
        Database.open(f"sqlite:///{path}")


def test_a_read_only_folder_is_named_as_such() -> None:
    # Not below pytest's own folder, which nobody else gets through.
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o555)
        said = subprocess.run(
            [sys.executable, "-c", OPENED_UNPRIVILEGED, f"sqlite:///{folder}/store.db"],
            capture_output=True,
            text=True,
            check=True,
        )
        Path(folder).chmod(0o755)
    assert said.stdout.startswith("The store cannot be written: ")


@pytest.mark.skipif(os.name != "posix" or os.getuid() != 0, reason="only root can make files of others")
def test_a_file_of_somebody_else_that_others_can_read_is_refused() -> None:
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o777)
        file = Path(folder, "store.db")
        file.touch()
        file.chmod(0o666)
        said = subprocess.run(
            [sys.executable, "-c", OPENED_UNPRIVILEGED, f"sqlite:///{file}"],
            capture_output=True,
            text=True,
            check=True,
        )
    assert said.stdout.startswith("The store's file belongs to another user")


def test_a_place_that_is_no_place_for_a_file_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    for place in (tmp_path, tmp_path / "file" / "store.db"):
        with pytest.raises(StoreError, match="cannot be opened"):
            Database.open(f"sqlite:///{place}")


def test_a_full_disk_is_named_and_nothing_is_half_written(path: Path) -> None:
    database = Database.open(f"sqlite:///{path}")
    with database.reading() as connection:
        pages = connection.exec_driver_sql("PRAGMA page_count").scalar()
        # SQLite raises the same error as on a disk that is full.
        connection.exec_driver_sql(f"PRAGMA max_page_count = {pages}")

    def fill() -> None:
        with database.transaction() as connection:
            for _ in range(1000):
                connection.execute(insert(tables.keys).values(key=os.urandom(1000), created=1.0))

    with pytest.raises(StoreError, match="is full, so nothing was written"):
        fill()
    assert count_keys(database) == 0
    database.close()


def test_a_store_that_may_only_be_read_is_named_as_such(path: Path) -> None:
    database = Database.open(f"sqlite:///{path}")
    with database.reading() as connection:
        connection.exec_driver_sql("PRAGMA query_only = 1")
    with pytest.raises(StoreError, match="cannot be written"):
        add_key(database)
    database.close()


def test_a_store_that_another_process_holds_is_named_busy(path: Path) -> None:
    database = Database.open(f"sqlite:///{path}")
    with database.reading() as connection:
        connection.exec_driver_sql("PRAGMA busy_timeout = 0")
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    with pytest.raises(StoreError, match="is busy"):
        add_key(database)
    other.close()
    add_key(database)
    database.close()


def test_a_statement_that_fails_tells_nothing_of_its_values(database: Database) -> None:
    def fail() -> None:
        with database.transaction() as connection:
            connection.execute(delete(tables.chain))
            connection.execute(insert(tables.chain).values(name="a secret", seq=1, hash=None, time=1.0))

    with pytest.raises(StoreError, match="failed in an unexpected way") as caught:
        fail()
    assert "secret" not in str(caught.value)
    assert caught.value.__suppress_context__


@pytest.mark.parametrize(
    "address",
    ["", "store.db", "mysql://user:hush@host/name", "sqlite+aiosqlite:///store.db", "sqlite:///a?mode=ro"],
)
def test_an_address_that_is_not_understood_is_not_repeated(address: str) -> None:
    with pytest.raises(StoreError, match="is not understood") as caught:
        Database.open(address)
    assert "hush" not in str(caught.value)


def test_the_missing_driver_is_named_with_its_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "psycopg", None)
    with pytest.raises(StoreError, match=r"hoopai-products-mcp\[postgres\]"):
        Database.open("postgresql://user:hush@host/name")


def test_a_server_that_is_not_there_is_named_without_its_address() -> None:
    with pytest.raises(StoreError, match="cannot be reached") as caught:
        Database.open("postgresql://user:hush@127.0.0.1:1/name")
    assert "hush" not in str(caught.value)
    assert "127.0.0.1" not in str(caught.value)


def test_a_database_that_does_not_exist_is_named(postgres_server: str) -> None:
    with pytest.raises(StoreError, match="user, password or database name"):
        Database.open(postgres_server.replace("/postgres?", "/nothing?"))


def test_a_user_without_the_right_to_make_tables_is_told(empty_postgres: str) -> None:
    with psycopg.connect(empty_postgres, autocommit=True) as connection:
        connection.execute("DROP ROLE IF EXISTS guest")
        connection.execute("CREATE ROLE guest LOGIN")
    with pytest.raises(StoreError, match="lacks a right"):
        Database.open(empty_postgres.replace("postgres:@", "guest:@"))


def test_a_server_without_a_free_connection_is_named(ready_postgres: str) -> None:
    with psycopg.connect(ready_postgres, autocommit=True) as connection:
        connection.execute("DROP ROLE IF EXISTS crowd")
        connection.execute("CREATE ROLE crowd LOGIN CONNECTION LIMIT 0")
    with pytest.raises(StoreError, match="no connection free"):
        Database.open(ready_postgres.replace("postgres:@", "crowd:@"))


def test_a_server_that_ended_its_sessions_is_used_again(ready_postgres: str) -> None:
    database = Database.open(ready_postgres)
    with psycopg.connect(ready_postgres, autocommit=True) as connection:
        connection.execute(
            "SELECT pg_terminate_backend(pid, 10000) FROM pg_stat_activity "
            "WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )
    add_key(database)
    assert count_keys(database) == 1
    database.close()


def test_older_addresses_of_postgresql_are_understood(ready_postgres: str) -> None:
    for scheme in ("postgres://", "postgresql+psycopg://"):
        database = Database.open(ready_postgres.replace("postgresql://", scheme))
        assert count_keys(database) == 0
        database.close()


def test_a_server_that_is_not_heard_of_is_given_up_sooner_than_tcp_would(ready_postgres: str) -> None:
    mark = "&" if "?" in ready_postgres else "?"
    database = Database.open(f"{ready_postgres}{mark}keepalives_interval=7")
    with database.reading() as connection:
        raw = connection.connection.driver_connection
        assert isinstance(raw, psycopg.Connection)
        given = raw.info.get_parameters()
    database.close()
    chosen = {key: given.get(key) for key in ("tcp_user_timeout", "keepalives_idle", "keepalives_interval")}
    # What stands in the address counts.
    assert chosen == {"tcp_user_timeout": "30000", "keepalives_idle": "30", "keepalives_interval": "7"}


def test_the_server_needs_no_store_to_start() -> None:
    script = "import sys\nimport hoopai_products_mcp.server.cli\nprint('sqlalchemy' in sys.modules)"
    said = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert said.stdout == "False\n"
