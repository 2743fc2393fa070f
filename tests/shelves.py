"""What the tests of the tools look up in the sandbox's own state, and do to it behind the server's back."""

from collections.abc import Callable
from typing import Any

from shop_session import ShopSession

from hoopai_products_mcp.sandbox import prices, products
from hoopai_products_mcp.sandbox.record import Received, RequestLog

Doc = dict[str, Any]


def product(session: ShopSession, name: str) -> Doc:
    """The one product of this name, as the shop holds it."""
    (found,) = [doc for doc in session.sandbox.dump()["products"] if doc["name"] == name]
    return found


def prices_of(session: ShopSession, name: str) -> list[Doc]:
    """The prices of the product of this name, as the shop holds them."""
    product_id = product(session, name)["_id"]
    return [doc for doc in session.sandbox.dump()["prices"] if doc["product"] == product_id]


def price(session: ShopSession, product_name: str, name: str) -> Doc:
    """One price by the names of its product and its own."""
    (found,) = [doc for doc in prices_of(session, product_name) if doc["name"] == name]
    return found


def price_by_id(session: ShopSession, price_id: str) -> Doc:
    """One price as the shop holds it."""
    (found,) = [doc for doc in session.sandbox.dump()["prices"] if doc["_id"] == price_id]
    return found


def collection(session: ShopSession, slug: str) -> Doc:
    """One collection by its slug."""
    (found,) = [doc for doc in session.sandbox.dump()["collections"] if doc["slug"] == slug]
    return found


def change_product(session: ShopSession, product_id: str, **fields: Any) -> None:
    """Somebody else changes a product."""
    database = session.sandbox.database
    with database.transaction():
        products.change(database, products.find(database, product_id), fields)


def delete_product(session: ShopSession, product_id: str) -> None:
    """Somebody else deletes a product."""
    database = session.sandbox.database
    with database.transaction():
        products.remove(database, product_id)


def put_back(session: ShopSession, doc: Doc) -> None:
    """Somebody else makes a product that is gone anew."""
    database = session.sandbox.database
    with database.transaction():
        products.insert(database, doc)


def change_price(session: ShopSession, price_id: str, **fields: Any) -> None:
    """Somebody else changes a price."""
    database = session.sandbox.database
    with database.transaction():
        prices.save(database, price_by_id(session, price_id) | fields)


def body(session: ShopSession) -> Doc:
    """What the only write so far carried."""
    (sent,) = [received for received in session.sandbox.requests if received.method != "GET"]
    carried: Doc = sent.body
    return carried


def differences(before: Doc, after: Doc) -> Doc:
    """Fields with their new values; the time of the last change aside."""
    keys = (before.keys() | after.keys()) - {"updatedAt"}
    return {key: after.get(key) for key in keys if before.get(key) != after.get(key)}


def timeless(session: ShopSession) -> Doc:
    """The whole shop without its times."""
    times = {"createdAt", "updatedAt"}
    return {
        area: [{key: value for key, value in doc.items() if key not in times} for doc in docs]
        for area, docs in session.sandbox.dump().items()
    }


def untouched(session: ShopSession) -> Callable[[], bool]:
    """Whether the whole shop is still as it is now."""
    before = session.sandbox.dump()
    return lambda: session.sandbox.dump() == before


class _Meddled(RequestLog):
    """A log that lets somebody act on the shop just before one of the logged requests is answered: the one of this
    line after `skip` of the kind or, with `follows`, whichever comes after that one."""

    def __init__(self, line: str, act: Callable[[], None], *, skip: int = 0, follows: bool = False) -> None:
        super().__init__()
        self._line = line
        self._act = act
        self._skip = skip
        self._follows = follows
        self._next = False

    def append(self, received: Received) -> None:
        super().append(received)
        if self._next:
            self._next = False
            self._act()
        elif received.line == self._line:
            self._skip -= 1
            if self._skip == -1:
                self._next = self._follows
                if not self._follows:
                    self._act()


def just_before(session: ShopSession, line: str, act: Callable[[], None], *, skip: int = 0) -> None:
    """Somebody else acts right before the request of this line is carried out, after `skip` of the kind."""
    session.sandbox.requests = _Meddled(line, act, skip=skip)


def just_after(session: ShopSession, line: str, act: Callable[[], None]) -> None:
    """Somebody else acts once the request of this line was answered, before the first that follows is carried out."""
    session.sandbox.requests = _Meddled(line, act, follows=True)
