"""What all tests share: the event loop's backend, and how hypothesis searches."""

import os
import signal
from collections.abc import Iterator

import pytest
from hypothesis import settings

# No deadline: how long an example takes says more about the machine than about the code.
settings.register_profile("here", deadline=None)
# The same examples on every run, so that a submission fails for what it changed.
settings.register_profile("ci", deadline=None, derandomize=True)
# What measures the machine that the tests run on is not told of them.
for name in [name for name in os.environ if name.startswith("OTEL_")]:
    del os.environ[name]
# What runs in the background is often started so that it ignores Ctrl-C. Programs that the tests end that way would
# inherit it.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)
settings.load_profile("ci" if os.environ.get("CI") else "here")


@pytest.fixture(scope="session", autouse=True)
def data_folder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """A data folder of these tests' own, in place of that of whoever runs them."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_DATA_HOME", str(tmp_path_factory.mktemp("data")))
        yield


@pytest.fixture
def anyio_backend() -> str:
    """Asynchronous tests run on asyncio, as the server does."""
    return "asyncio"
