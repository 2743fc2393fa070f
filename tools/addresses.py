"""Where things of a shop can be read: the addresses of resources, which name the shop where there are several."""

from collections.abc import Generator
from contextlib import contextmanager
from contextvars import ContextVar

SCHEME = "hoopai://"
SHOPS = f"{SCHEME}shops"
LOCATION = "location"
"""What names the shop in a call, a prompt or a template, by name or location id."""
EACH_SHOP = f"{SHOPS}/{{{LOCATION}}}/"
"""How the templates of addresses begin that are in one of several shops."""

_SHOP: ContextVar[str] = ContextVar("hoopai_products_mcp.shop", default="")


@contextmanager
def in_shop(name: str) -> Generator[None]:
    """In this block addresses are those of the shop of that name; without a name, of the only one."""
    before = _SHOP.set(name)
    try:
        yield
    finally:
        _SHOP.reset(before)


def address(path: str) -> str:
    """The address of something of the shop that is worked on, such as `products/ID`."""
    name = _SHOP.get()
    return f"{SHOPS}/{name}/{path}" if name else f"{SCHEME}{path}"
