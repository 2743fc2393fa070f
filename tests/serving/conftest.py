"""What several tests of serving begin with."""

from collections.abc import Iterator

import pytest
from issuer import Issuer, issuing


@pytest.fixture
def issuer() -> Iterator[Issuer]:
    """An authorization server that is running."""
    with issuing() as running:
        yield running
