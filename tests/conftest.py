"""What all tests share: the event loop's backend, and how hypothesis searches."""

import os

import pytest
from hypothesis import settings

# No deadline: how long an example takes says more about the machine than about the code.
settings.register_profile("here", deadline=None)
# The same examples on every run, so that a submission fails for what it changed.
settings.register_profile("ci", deadline=None, derandomize=True)
# What measures the machine that the tests run on is not told of them.
for name in [name for name in os.environ if name.startswith("OTEL_")]:
    del os.environ[name]
settings.load_profile("ci" if os.environ.get("CI") else "here")


@pytest.fixture
def anyio_backend() -> str:
    """Asynchronous tests run on asyncio, as the server does."""
    return "asyncio"
