"""A call for every kind of change that can be taken back, on the sandbox's own shop."""

from collections.abc import Callable
from typing import Any

from undo_shop import AnyShop, collection, prices_of, product

from hoopai_products_mcp.sandbox.identity import MARKET_STORE_ID, ONLINE_STORE_ID

Call = tuple[str, dict[str, Any]]
Change = Callable[[AnyShop], Call]
LANTERN, TEE, BLANKET, SEEDS = "Storm lantern", "Dusk tee", "Bench blanket", "Moonflower seeds"
FOUR = (LANTERN, TEE, BLANKET, SEEDS)


def _id(shop: AnyShop, name: str) -> str:
    return product(shop, name)["_id"]


def _ids(shop: AnyShop) -> list[str]:
    return [_id(shop, name) for name in FOUR]


def _price(shop: AnyShop, name: str = LANTERN, place: int = 0) -> dict[str, Any]:
    return prices_of(shop, _id(shop, name))[place]


def _price_ids(shop: AnyShop) -> list[str]:
    return [price["_id"] for name in FOUR for price in prices_of(shop, _id(shop, name))]


def create_a_product(shop: AnyShop) -> Call:
    variants = [{"name": "Size", "options": [{"name": "S"}, {"name": "M"}]}]
    return "create_product", {
        "name": "Night cap",
        "product_type": "PHYSICAL",
        "variants": variants,
        "medias": [{"url": "https://images.example.com/cap.jpg"}],
        "collection_ids": [collection(shop, "wear-after-dark")["_id"]],
        "seo": {"title": "Night cap"},
    }


def update_a_product(shop: AnyShop) -> Call:
    return "update_product", {
        "product_id": _id(shop, TEE),
        "name": "Dawn tee",
        "description": "Thin cotton.",
        "available_in_store": False,
        "seo": {"title": "Dawn tee"},
        "label": {"title": "New"},
        "collection_ids": [collection(shop, "midwinter")["_id"]],
        "slug": "dawn-tee",
        "taxes": [],
        "statement_descriptor": "4006381333931",
        "medias": [{"url": "https://images.example.com/dawn.jpg", "title": "Dawn"}],
    }


def take_options_from_a_product(shop: AnyShop) -> Call:
    return "update_product", {
        "product_id": _id(shop, TEE),
        "variants": [{"name": "Size", "options": [{"name": "M"}, {"name": "Huge"}]}],
    }


def empty_fields_of_a_product(shop: AnyShop) -> Call:
    return "update_product", {
        "product_id": _id(shop, BLANKET),
        "clear": ["description", "image", "seo", "label"],
    }


def delete_a_product(shop: AnyShop) -> Call:
    return "delete_product", {"product_id": _id(shop, LANTERN)}


def create_a_price(shop: AnyShop) -> Call:
    return "create_price", {
        "product_id": _id(shop, LANTERN),
        "name": "Gift set",
        "amount": 99.5,
        "currency": "USD",
    }


def update_a_price(shop: AnyShop) -> Call:
    price = _price(shop)
    return "update_price", {
        "product_id": price["product"],
        "price_id": price["_id"],
        "amount": 70,
        "compare_at_price": 80,
        "type": "recurring",
        "recurring": {"interval": "month", "interval_count": 2},
        "shipping_options": {"dimensions": {"height": 1, "width": 2, "length": 3, "unit": "cm"}},
        "clear": ["sku", "available_quantity"],
    }


def delete_a_price(shop: AnyShop) -> Call:
    price = _price(shop)
    return "delete_price", {"product_id": price["product"], "price_id": price["_id"]}


def set_stock(shop: AnyShop) -> Call:
    items = [{"price_id": key, "available_quantity": 3} for key in _price_ids(shop)]
    return "update_inventory", {"items": items}


def add_stock(shop: AnyShop) -> Call:
    return "bulk_update_inventory", {
        "price_ids": _price_ids(shop),
        "add_quantity": 7,
        "allow_out_of_stock_purchases": True,
    }


def stop_tracking(shop: AnyShop) -> Call:
    return "bulk_update_inventory", {"price_ids": _price_ids(shop), "track_inventory": False}


def move_prices(shop: AnyShop) -> Call:
    return "bulk_change_prices", {
        "product_ids": _ids(shop),
        "price": {"type": "REDUCE_BY_PERCENTAGE", "value": 15},
        "compare_at_price": {"type": "SET_NEW_PRICE", "value": 500},
    }


def switch_currency(shop: AnyShop) -> Call:
    return "bulk_change_currency", {"product_ids": _ids(shop), "currency": "EUR"}


def hide_products(shop: AnyShop) -> Call:
    return "bulk_set_availability", {"product_ids": _ids(shop), "available_in_store": False}


def assign_collections(shop: AnyShop) -> Call:
    ids = [collection(shop, slug)["_id"] for slug in ("midwinter", "tea-and-honey")]
    return "bulk_assign_collections", {"product_ids": _ids(shop), "collection_ids": ids}


def delete_products(shop: AnyShop) -> Call:
    return "bulk_delete_products", {"product_ids": _ids(shop)}


def edit_in_bulk(shop: AnyShop) -> Call:
    def edit(name: str) -> dict[str, Any]:
        prices = prices_of(shop, _id(shop, name))
        return {
            "product_id": _id(shop, name),
            "name": f"{name}, new",
            "description": "All new.",
            "seo": {"description": "New."},
            "taxes": ["t1"],
            "available_in_store": False,
            "prices": [
                {"price_id": price["_id"], "amount": 5, "sku": "X", "available_quantity": 1}
                for price in prices
            ],
        }

    return "bulk_edit_products", {"products": [edit(name) for name in FOUR]}


def hide_from_a_store(shop: AnyShop) -> Call:
    return "set_store_visibility", {
        "store_id": ONLINE_STORE_ID,
        "product_ids": _ids(shop),
        "action": "exclude",
    }


def show_in_a_store(shop: AnyShop) -> Call:
    return "set_store_visibility", {
        "store_id": MARKET_STORE_ID,
        "product_ids": _ids(shop),
        "action": "include",
    }


def create_a_collection(shop: AnyShop) -> Call:
    return "create_collection", {"name": "Gifts", "product_ids": _ids(shop), "seo": {"title": "Gifts"}}


def update_a_collection(shop: AnyShop) -> Call:
    return "update_collection", {
        "collection_id": collection(shop, "midwinter")["_id"],
        "name": "High summer",
        "slug": "high-summer",
        "image": "https://images.example.com/sun.jpg",
        "seo": {"title": "Summer"},
        "product_ids": _ids(shop)[:2],
    }


def empty_a_collection(shop: AnyShop) -> Call:
    return "update_collection", {
        "collection_id": collection(shop, "wear-after-dark")["_id"],
        "product_ids": [],
    }


def delete_a_collection(shop: AnyShop) -> Call:
    return "delete_collection", {"collection_id": collection(shop, "wear-after-dark")["_id"]}


def _reviews(shop: AnyShop, count: int) -> list[dict[str, Any]]:
    return [review for review in shop.dump()["reviews"] if review["status"] == "pending"][:count]


def answer_a_review(shop: AnyShop) -> Call:
    (review,) = _reviews(shop, 1)
    author = {"name": "Moth & Lantern", "email": "hello@example.com"}
    return "update_review", {
        "review_id": review["_id"],
        "product_id": review["productId"],
        "status": "approved",
        "reply": {"comment": "Thank you.", **author},
    }


def moderate_reviews(shop: AnyShop) -> Call:
    reviews = [
        {"review_id": review["_id"], "product_id": review["productId"], "store_id": review["storeId"]}
        for review in _reviews(shop, 5)
    ]
    return "bulk_update_reviews", {"reviews": reviews, "status": "rejected"}


CHANGES: list[Change] = [
    create_a_product,
    update_a_product,
    take_options_from_a_product,
    empty_fields_of_a_product,
    delete_a_product,
    create_a_price,
    update_a_price,
    delete_a_price,
    set_stock,
    add_stock,
    stop_tracking,
    move_prices,
    switch_currency,
    hide_products,
    assign_collections,
    delete_products,
    edit_in_bulk,
    hide_from_a_store,
    show_in_a_store,
    create_a_collection,
    update_a_collection,
    empty_a_collection,
    delete_a_collection,
    answer_a_review,
    moderate_reviews,
]
