"""The least a server can be: the official SDK with one trivial tool.

It imports the HTTP library in the first call, so that its start is that of the SDK and nothing else.
"""

from typing import TYPE_CHECKING, Any

from mcp.server.mcpserver import MCPServer

if TYPE_CHECKING:
    import httpx


def build_server(base_url: str, token: str, location_id: str) -> MCPServer[None]:
    """A server with the one tool, on the API at `base_url`."""
    server = MCPServer[None]("bare", log_level="WARNING")
    client: httpx.AsyncClient | None = None

    @server.tool()
    async def get_price(product_id: str, price_id: str) -> dict[str, Any]:
        """Get one price of a product."""
        nonlocal client
        if client is None:
            import httpx

            headers = {"Authorization": f"Bearer {token}", "Version": "2021-07-28"}
            client = httpx.AsyncClient(base_url=base_url, headers=headers)
        path = f"/products/{product_id}/price/{price_id}"
        response = await client.get(path, params={"locationId": location_id})
        return response.json()

    assert get_price
    return server


if __name__ == "__main__":
    import sys

    server = build_server(*sys.argv[1:4])
    if len(sys.argv) > 4:
        server.run("streamable-http", port=int(sys.argv[4]))
    else:
        server.run()
