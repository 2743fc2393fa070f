"""Where the demonstration takes place: an invented shop, a folder of its own, and somebody else who works there."""

import sys
from collections.abc import AsyncGenerator, Generator, Mapping, Sequence
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from mcp.client.stdio import StdioServerParameters

from ..products_api.client import ProductsClient
from ..sandbox.app import create_app, sandbox_of
from ..sandbox.identity import LOCATION_ID, TOKEN
from ..sandbox.server import running_server
from ..sandbox.transport import SandboxTransport
from .settings import POLICY_FILE

POLICY = """\
[prices]
max_fall_percent = 30
[protected]
names = ["gift card*"]
"""


@dataclass(frozen=True)
class Place:
    """The shop of the demonstration.

    variables:
        what tells a server of this shop: token, location, address, data folder.
    colleague:
        somebody else at work in the same shop, past the server.
    """

    variables: Mapping[str, str]
    colleague: ProductsClient

    def server(self, options: Sequence[str]) -> StdioServerParameters:
        """How a client starts the server here, with these options."""
        # Of this process's environment the client hands down no other HOOPAI_ variable.
        arguments = ["-m", "hoopai_products_mcp.server.cli", *options]
        return StdioServerParameters(command=sys.executable, args=arguments, env=dict(self.variables))


@asynccontextmanager
async def open_shop() -> AsyncGenerator[Place]:
    """Serve the invented shop on this machine, on a free port, and make a folder with a policy in it.

    All of it is gone when the block ends.
    """
    # Without a limit of requests: it all happens in a few seconds, and the API allows a hundred in ten.
    app = create_app(rate_limit=0)
    try:
        with _folder() as folder:
            async with (
                running_server(app) as address,
                ProductsClient(
                    base_url=address, token=TOKEN, location_id=LOCATION_ID, transport=SandboxTransport(app)
                ) as colleague,
            ):
                variables = {
                    "HOOPAI_ACCESS_TOKEN": TOKEN,
                    "HOOPAI_LOCATION_ID": LOCATION_ID,
                    "HOOPAI_BASE_URL": address,
                    "HOOPAI_DATA_DIR": folder,
                }
                yield Place(variables, colleague)
    finally:
        sandbox_of(app).close()


@contextmanager
def _folder() -> Generator[str]:
    """A data folder with a policy in it."""
    with TemporaryDirectory(prefix="hoopai-products-demo-") as folder:
        Path(folder, POLICY_FILE).write_text(POLICY, "utf-8")
        yield folder
