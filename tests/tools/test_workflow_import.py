"""What an import would do: which product each row is about, what it creates and changes, and what it leaves out."""

import json
import re
from typing import Any

import pytest
import shelves
from shop_session import ERAS, Era, ShopSession, shop_session
from whole_jobs import COLLECTIONS, LIST, ONE, PRICES, STOCK, add_product, requests

pytestmark = pytest.mark.anyio

Doc = dict[str, Any]


async def planned(session: ShopSession, content: str, **arguments: Any) -> Doc:
    """The plan of an import of these rows, of which nothing is done."""
    before = session.sandbox.dump()
    answer = await session.call("import_products", content=content, **arguments)
    assert answer["status"] == "dry_run"
    assert session.writes() == []
    assert session.sandbox.dump() == before
    return answer["plan"] | {"notes": answer.get("notes", [])}


def left_out(plan: Doc) -> list[str]:
    return [line for line in plan.get("also", []) if line.startswith("row ")]


def shelf(session: ShopSession) -> dict[str, str]:
    """A few products that can be told apart in more than one way; their ids by name."""
    red = {"name": "Red", "sku": "C-R", "amount": 10, "trackInventory": True, "availableQuantity": 5}
    blue = {"name": "Blue", "sku": "C-B", "amount": 11, "trackInventory": True, "availableQuantity": 0}
    return {
        "Cup": add_product(session, "Cup", slug="cup", of=[red, blue]),
        "Bowl": add_product(session, "Bowl", slug="bowl", of=[{"sku": "B-1", "amount": 20}]),
        "Jug": add_product(session, "Jug", slug="jug", of=[{"amount": 30}]),
        "Jug too": add_product(session, "Jug", slug="jug-2", of=[{"sku": "J-2", "amount": 31}]),
        "Plate": add_product(session, "Plate", slug="shared", of=[{"sku": "SAME", "amount": 40}]),
        "Dish": add_product(session, "Dish", slug="shared", of=[{"sku": "SAME", "amount": 41}]),
        "Tray": add_product(session, "Tray", slug="tray"),
    }


# Told first, done when asked


@pytest.mark.parametrize("era", ERAS)
async def test_without_dry_run_false_nothing_is_done(era: Era) -> None:
    async with shop_session(lambda _: pytest.fail("asked"), era=era) as session:
        answer = await session.call(
            "import_products", content="Title,Price,Currency\nOwl lantern,24.50,USD\n"
        )
        assert answer["next_step"] == "Nothing was changed. The same call with dry_run false does this."
        assert answer["plan"]["action"] == (
            "Import 1 row (2 to 2) of the rows given: create 1 product with 1 price"
        )
        assert answer["plan"]["items"] == ["New product “Owl lantern” (PHYSICAL, 24.50 USD)"]
        assert answer["plan"]["also"] == ["Creates: row 2, 1 product."]
        assert session.writes() == []


async def test_what_is_there_already_needs_nobodys_consent() -> None:
    async with shop_session(lambda _: pytest.fail("asked"), shop="empty") as session:
        shelf(session)
        answer = await session.call("import_products", content="SKU,Price\nC-R,10\nB-1,20.00\n")
        assert answer["next_step"] == "Nothing was changed. There is nothing to do."
        done = await session.call("import_products", content="SKU,Price\nC-R,10\n", dry_run=False)
        assert done == {
            "notes": ["Everything is as the file says already, so nothing was sent."],
            "done": True,
            "products_created": 0,
            "products_changed": 0,
            "prices_created": 0,
            "unchanged": 1,
        }


async def test_the_rows_that_create_change_and_stay_are_told_with_what_happens_to_each() -> None:
    rows = "Title,SKU,Price,Currency,Stock\nCup,C-R,12,,\nCup,C-B,11,USD,7\nBowl,B-1,20,,\nVase,V-1,50,EUR,\n"
    async with shop_session(shop="empty") as session:
        shelf(session)
        plan = await planned(session, rows)
        assert plan["action"] == (
            "Import 4 rows (2 to 5) of the rows given: create 1 product with 1 price, change 1 product"
        )
        assert plan["items"] == [
            "New product “Vase” (PHYSICAL, 50.00 EUR)",
            "Cup: Red, amount: 10.00 USD → 12.00 USD",
            "Cup: Blue, available_quantity: 0 → 7",
        ]
        assert plan["also"][:3] == [
            "Creates: row 5, 1 product.",
            "Changes: rows 2-3, 1 product.",
            "As the shop has it already: row 4, 1 product.",
        ]
        assert plan["totals"]["things"] == 3


# Which product


@pytest.mark.parametrize(
    ("rows", "changes"),
    [
        ("SKU,Price\nC-B,1\n", ["Cup: Blue, amount: 11.00 USD → 1.00 USD"]),
        ("SKU,Price\n C-B ,1\n", ["Cup: Blue, amount: 11.00 USD → 1.00 USD"]),
        ("Handle,Variant,Price\ncup,red,1\n", ["Cup: Red, amount: 10.00 USD → 1.00 USD"]),
        ("Title,Variant,Price\n  CUP ,red,1\n", ["Cup: Red, amount: 10.00 USD → 1.00 USD"]),
        ("Title,Price\nBowl,1\n", ["Bowl: Bowl 0, amount: 20.00 USD → 1.00 USD"]),
        # By SKU before the title, so that a title can be changed.
        ("Title,SKU\nMug,C-R\n", ["Cup, name: “Cup” → “Mug”"]),
        # Two products share a SKU: the title tells which.
        ("Title,SKU,Price\nDish,SAME,1\n", ["Dish: Dish 0, amount: 41.00 USD → 1.00 USD"]),
        # A SKU that nobody has, on the only price that has none.
        ("Handle,SKU\njug,J-1\n", ["Jug: Jug 0, sku: nothing → “J-1”"]),
        ("Handle,Price,Currency\ntray,5,USD\n", ["New price “Tray” of “Tray”: 5.00 USD"]),
        ("Handle,Variant,Price\ncup,Green,5\n", ["New price “Green” of “Cup”: 5.00 USD"]),
    ],
)
async def test_rows_are_matched_by_sku_then_handle_then_title(rows: str, changes: list[str]) -> None:
    async with shop_session(shop="empty") as session:
        shelf(session)
        plan = await planned(session, rows)
        assert left_out(plan) == []
        assert plan["items"] == changes


@pytest.mark.parametrize(
    ("rows", "why"),
    [
        ("SKU,Price\nSAME,1\n", "row 2, conflict: several products have its SKU: "),
        ("Handle,Price\nshared,1\n", "row 2, conflict: several products have this handle: "),
        ("Title,Price\nJug,1\n", "row 2, conflict: several products have this title: "),
        ("Title,SKU,Price\nBowl,C-R,1\n", "row 2, conflict: its SKU is of “Cup” "),
        ("Handle,SKU,Price\nbowl,C-R,1\n", "row 2, conflict: its SKU is of “Cup” "),
        (
            "Title,SKU,Price\nVase,C-R,1\nVase,B-1,1\n",
            "row 3, conflict: the SKU “B-1” is of “Bowl” ",
        ),
        ("Title,SKU,Price\nCup,C-R,1\nMug,C-B,1\n", "row 3, conflict: row 2 is about the same product"),
        ("Handle,Price\ncup,1\n", "row 2, conflict: it does not tell which price of “Cup” it is about"),
        ("Title,SKU,Price\nBowl,B-9,1\n", "row 2, conflict: the only price of “Bowl” has the SKU “B-1”"),
        (
            "Title,SKU,Variant,Price\nCup,C-R,Red,1\nCup,,Red,2\n",
            "row 3, conflict: row 2 is about the same price",
        ),
        ("SKU,Handle\nC-R,bowl-new\nB-1,bowl-new\n", "row 3, conflict: the SKU “B-1” is of “Bowl” "),
        ("Handle,SKU\ncup,C-R\ncup,C-R\n", "row 3, conflict: row 2 is about the same price"),
        (
            "Title,SKU,Price,Currency\nA,N-1,1,USD\nB,N-1,1,USD\n",
            "row 3, conflict: row 2 sets SKU “N-1” as well",
        ),
        (
            "SKU,Product type\nC-R,DIGITAL\n",
            "row 2, conflict: Product type is PHYSICAL in the shop, not DIGITAL",
        ),
        (
            "SKU,Option1 Name,Option1 Value\nC-R,Size,S\n",
            "row 2, conflict: “Size” is no variant of the product",
        ),
        (
            "SKU,Price type,Interval\nC-R,recurring,month\n",
            "row 2, conflict: Price type is one_time in the shop",
        ),
        (
            "Title,Description,SKU\nCup,One,C-R\nCup,Two,C-B\n",
            "row 3, conflict: Description is otherwise in row 2",
        ),
        (
            "Title,SKU,Variant,Price,Currency\nA,,X,1,USD\nA,,X,1,USD\n",
            "row 3, conflict: row 2 is the same price",
        ),
    ],
)
async def test_what_is_not_clear_is_a_conflict_and_left_out(rows: str, why: str) -> None:
    async with shop_session(shop="empty") as session:
        shelf(session)
        plan = await planned(session, rows)
        assert any(line.startswith(why) for line in left_out(plan)), left_out(plan)
        assert not any(line.startswith("Changes: row 2") and why.startswith("row 2") for line in plan["also"])


SIZES: Doc = {
    "slug": "hat",
    "variants": [
        {"id": "v", "name": "Size", "options": [{"id": "s", "name": "S"}, {"id": "m", "name": "M"}]}
    ],
    "of": [
        {
            "name": "S",
            "sku": "H-S",
            "trackInventory": True,
            "availableQuantity": 1,
            "variantOptionIds": ["s"],
        },
        {"name": "Gift", "sku": "H-2"},
        {"name": "Gift box", "sku": "H-2"},
    ],
}


@pytest.mark.parametrize(
    ("rows", "why"),
    [
        ("Title,SKU,Price\nHat,H-2,1\n", "row 2, conflict: several prices of “Hat” have this SKU"),
        (
            "Title,SKU,Price\nVase,C-R,1\nVase,H-S,1\n",
            "row 2, conflict: its SKUs belong to several products: ",
        ),
        (
            "Handle,Option1 Name,Option1 Value,Price,Currency\nhat,Size,XL,5,USD\n",
            "row 2, conflict: “Hat” has no option “XL” yet: add it with update_product",
        ),
    ],
)
async def test_what_is_not_clear_among_variants_is_a_conflict(rows: str, why: str) -> None:
    async with shop_session(shop="empty") as session:
        shelf(session)
        add_product(session, "Hat", **SIZES)
        (said,) = left_out(await planned(session, rows))
        assert said.startswith(why)


async def test_a_price_for_an_option_that_had_none_is_added() -> None:
    rows = "Handle,Option1 Name,Option1 Value,Price,Currency\nhat,size,m,5,USD\n"
    async with shop_session(shop="empty", settings={"confirmation": "off"}) as session:
        add_product(session, "Hat", **SIZES)
        plan = await planned(session, rows)
        assert (left_out(plan), plan["items"]) == ([], ["New price “m” of “Hat”: 5.00 USD"])
        done = await session.call("import_products", content=rows, dry_run=False)
        assert (done["done"], done["prices_created"]) == (True, 1)
        assert shelves.price(session, "Hat", "m")["variantOptionIds"] == ["m"]
        again = await session.call("import_products", content=rows, dry_run=False)
        assert (again["prices_created"], again["unchanged"]) == (0, 1)


async def test_a_handle_that_another_product_has_is_not_given_away() -> None:
    async with shop_session(shop="empty") as session:
        ids = shelf(session)
        by_id = f"Product ID,Handle\n{ids['Cup']},bowl\n"
        assert left_out(await planned(session, by_id)) == [
            "row 2, conflict: another product has the handle “bowl” already"
        ]
        plan = await planned(session, f"Product ID,Handle\n{ids['Cup']},mug\n")
        assert plan["items"] == ["Cup, slug: “cup” → “mug”"]
        # One that two share already may stay as it is.
        plan = await planned(session, f"Product ID,Handle,Title\n{ids['Plate']},shared,Platter\n")
        assert plan["items"] == ["Plate, name: “Plate” → “Platter”"]


HIDDEN = "\u200b"


@pytest.mark.parametrize(
    ("rows", "items", "why"),
    [
        # One that another product has stays its own, however it is written.
        (
            f"Handle,SKU\njug,C-{HIDDEN}R\n",
            [],
            ["row 2, conflict: its SKU is of “Cup”, and its handle is of “Jug”"],
        ),
        (f"SKU,Price\nC-{HIDDEN}R,12\n", ["Cup: Red, amount: 10.00 USD → 12.00 USD"], []),
        (f"Handle,Title\ncu{HIDDEN}p,Beaker\n", ["Cup, name: “Cup” → “Beaker”"], []),
        # Nobody has written a product anew who has written a name that looks the same.
        (f"Title,Description\nCu{HIDDEN}p,For tea\n", ["Cup, description: nothing → “For tea”"], []),
        (f"Handle,Variant,Price\ncup,R{HIDDEN}ed,12\n", ["Cup: Red, amount: 10.00 USD → 12.00 USD"], []),
        (f"Handle,SKU\njug,J{HIDDEN}-1\n", ["Jug: Jug 0, sku: nothing → “J-1”"], []),
    ],
    ids=["SKU of another", "SKU", "handle", "title", "variant", "new SKU"],
)
async def test_what_cannot_be_seen_tells_nothing_apart(rows: str, items: list[str], why: list[str]) -> None:
    async with shop_session(shop="empty") as session:
        shelf(session)
        plan = await planned(session, rows)
        assert (plan["items"], [re.sub(r" \(id \w+\)", "", line) for line in left_out(plan)]) == (items, why)


async def test_a_code_of_the_shop_with_something_unseen_in_it_is_left_as_it_is() -> None:
    async with shop_session(shop="empty") as session:
        add_product(session, f"Va{HIDDEN}se", slug="vase", of=[{"sku": f"V{HIDDEN}-1", "amount": 10}])
        plan = await planned(session, "Handle,SKU,Title,Price\nvase,V-1,Vase,12\n")
        assert [line for line in plan["items"] if "amount" in line] == [
            "Vase: Vase 0, amount: 10.00 USD → 12.00 USD"
        ]
        assert not any("sku" in line for line in plan["items"])
        # A name is one's own to clean, and is said to be another although it looks the same.
        assert [line for line in plan["items"] if "name" in line] == [
            "Vase, name: “Vase” → “Vase” (not the same: they differ in what is cut off here, or cannot be seen)"
        ]


@pytest.mark.parametrize(
    ("name", "other"),
    [
        ("Mug", "Mug \U0001fa77"),
        ("Mug \U0001fa75", "Mug \U0001fa77"),
        ("Mug \ue001", "Mug \ue002"),
        (
            "Flag \U0001f3f4\U000e0067\U000e0062\U000e0065\U000e006e\U000e0067\U000e007f",
            "Flag \U0001f3f4\U000e0067\U000e0062\U000e0073\U000e0063\U000e0074\U000e007f",
        ),
    ],
    ids=["with a heart", "another heart", "a sign of a font", "another flag"],
)
async def test_what_people_see_tells_names_apart_though_python_does_not_know_it(
    name: str, other: str
) -> None:
    async with shop_session(shop="empty") as session:
        add_product(session, name, slug="first", of=[{"amount": 10}])
        plan = await planned(session, f"Title,Price\n{other},12\n")
        assert not [line for line in plan["items"] if "→" in line]


async def test_a_cell_with_nothing_to_be_seen_says_nothing() -> None:
    async with shop_session(shop="empty") as session:
        add_product(session, "Vase", slug="vase", of=[{"sku": "V-1", "amount": 10}])
        plan = await planned(session, f"Handle,SKU,Title,Price\nvase,{HIDDEN},{HIDDEN},12\n")
        assert plan["items"] == ["Vase: Vase 0, amount: 10.00 USD → 12.00 USD"]


async def test_ids_of_another_shop_are_not_trusted_and_said() -> None:
    async with shop_session(shop="empty") as session:
        shelf(session)
        rows = "Product ID,Price ID,SKU,Price\n66b0000000000000000000aa,66b0000000000000000000ab,C-R,1\n"
        plan = await planned(session, rows)
        assert plan["items"] == ["Cup: Red, amount: 10.00 USD → 1.00 USD"]
        assert plan["notes"] == ["1 Product ID of the file are not of this shop; SKU, handle and title tell."]


async def test_a_sku_that_the_inventory_does_not_list_is_looked_for_before_a_product_is_called_new() -> None:
    async with shop_session(shop="empty") as session:
        ids = shelf(session)
        # Nothing but its SKU, of a variant whose stock is not tracked.
        plan = await planned(session, "SKU,Price\nJ-2,5\n")
        assert plan["items"] == ["Jug: Jug 0, amount: 31.00 USD → 5.00 USD"]
        assert requests(session)[PRICES] == len(ids)
    async with shop_session(shop=301) as session:
        add_product(session, "Jug", of=[{"sku": "J-2"}])
        plan = await planned(session, "Title,SKU,Price,Currency\nVase,J-2,5,USD\n")
        assert plan["items"] == ["New product “Vase” (PHYSICAL, 5.00 USD)"]
        assert plan["notes"][0].startswith("SKUs of variants whose stock is not tracked were not looked for")


@pytest.mark.parametrize(
    ("rows", "sent"),
    [
        # Known by title alone: the list of products, no inventory.
        ("Title,Published\nItem 00003,FALSE\n", {LIST: 4, ONE: 1}),
        ("Title,Price\nItem 00004,5\n", {LIST: 4, PRICES: 1, ONE: 1}),
        ("SKU,Price\nML-005-01,5\n", {LIST: 4, STOCK: 4, PRICES: 1, ONE: 1}),
        ("Title,SEO title\nItem 00003,New\n", {LIST: 3, ONE: 1}),
        ("Title,Collections\nItem 00003,lamps\n", {LIST: 3, ONE: 1, COLLECTIONS: 1}),
    ],
)
async def test_an_import_reads_no_more_than_its_columns_need(rows: str, sent: dict[str, int]) -> None:
    async with shop_session(shop=250) as session:
        await planned(session, rows)
        assert requests(session) == sent


# What is wrong with a row


@pytest.mark.parametrize(
    ("rows", "why"),
    [
        ("Title,Price,Currency\nVase,abc,USD\n", ["Price takes a number such as 1299.00, not “abc”"]),
        ("Title,Price,Currency\nVase,-1,USD\n", ["Price is less than 0"]),
        ("Title,Price,Currency\nVase,1,\n", ["Currency is missing"]),
        ("Title,Price,Currency\nVase,1,dollars\n", ["Currency takes a currency code such as USD"]),
        ("Title,Price,Currency\nVase,10.5,JPY\n", ["Price: 10.5 JPY has more decimals than JPY has (0)"]),
        ("Title,Price,Currency\nVase,2000000000000,USD\n", ["Price is more than 1000000000000"]),
        ("Title,Price,Currency\nVase,1234567890123456,USD\n", ["Price has too many digits"]),
        ("Title,SKU,Currency\nVase,V-1,USD\n", ["Price is missing"]),
        ("SKU,Stock\nC-R,1.5\n", ["Stock takes a whole number"]),
        ("SKU,Stock\nC-R,many\n", ["Stock takes a number such as 1299.00, not “many”"]),
        ("SKU,Published\nC-R,perhaps\n", ["Published takes TRUE or FALSE, not “perhaps”"]),
        ("SKU,Weight\nC-R,2\n", ["Weight unit is missing"]),
        ("SKU,Weight,Weight unit\nC-R,2,stone\n", ["Weight unit takes 'kg', 'lb', 'g' or 'oz'"]),
        ("SKU,Badge from\nC-R,2026-05-01\n", ["Badge is missing"]),
        (
            "SKU,Badge,Badge until\nC-R,Sale,soon\n",
            ["Badge until takes a date or time in ISO 8601, such as 2026-05-31 or 2026-05-31T09:00:00Z"],
        ),
        ("SKU,Collections\nC-R,nowhere\n", ["Collections: none, or more than one, is called “nowhere”"]),
        (
            "Title,Product type,Price,Currency\nVase,SHOES,1,USD\n",
            ["Product type takes one of DIGITAL, PHYSICAL, SERVICE, PHYSICAL/DIGITAL"],
        ),
        ("Title,Price type,Price,Currency\nVase,recurring,1,USD\n", ["Interval is missing"]),
        ("Title,Price type,Price,Currency\nVase,monthly,1,USD\n", ["Price type takes one_time or recurring"]),
        (
            "Title,Price type,Interval,Price,Currency\nVase,one_time,month,1,USD\n",
            ["Interval goes with recurring, not one_time"],
        ),
        (
            "Handle,Price,Currency\nvase,1,USD\n",
            ["it matches no product of the shop, and a new one needs a Title"],
        ),
        (
            "Title,Option1 Name,Price,Currency\nVase,Size,1,USD\n",
            ["it has 0 options, and the product 1 variants"],
        ),
        (f"Title,Price,Currency\n{'x' * 501},1,USD\n", ["Title is longer than 500 characters"]),
        ("SKU,Price,\nC-R,1,,too,many\n", ["has more cells than there are headings"]),
    ],
)
async def test_an_error_names_the_row_and_the_column_and_nothing_of_it_is_done(
    rows: str, why: list[str]
) -> None:
    async with shop_session(shop="empty") as session:
        shelf(session)
        plan = await planned(session, rows)
        assert left_out(plan) == [f"row 2, error: {reason}" for reason in why]
        assert plan["items"] == []
        assert plan["also"][0] == "Left out with their products, for a conflict or an error: 1 row."


async def test_one_bad_row_leaves_out_its_product_and_no_other() -> None:
    rows = "Title,SKU,Price\nCup,C-R,1\nCup,C-B,x\nBowl,B-1,2\n"
    async with shop_session(shop="empty") as session:
        shelf(session)
        plan = await planned(session, rows)
        assert plan["items"] == ["Bowl: Bowl 0, amount: 20.00 USD → 2.00 USD"]
        assert left_out(plan) == ["row 3, error: Price takes a number such as 1299.00, not “x”"]


async def test_many_errors_are_told_in_part_and_counted() -> None:
    rows = "SKU,Price\n" + "".join(f"X-{number},bad\n" for number in range(30))
    async with shop_session(shop="empty") as session:
        plan = await planned(session, rows)
        assert "for a conflict or an error: 30 rows." in plan["also"][0]
        assert len(left_out(plan)) == 20
        assert plan["also"][-1] == "and 10 more"


async def test_what_cannot_be_read_but_is_what_the_shop_says_is_no_error() -> None:
    async with shop_session(shop="empty") as session:
        shelf(session)
        add_product(
            session, "Odd", slug="odd", productType="SHOES", of=[{"sku": "O-1", "availableQuantity": 1.5}]
        )
        plan = await planned(session, "Title,Product type,SKU,Stock,Price\nOdd,SHOES,O-1,1.5,10\n")
        assert (left_out(plan), plan["items"]) == ([], [])


# Files of others


async def test_a_file_of_another_shop_system_is_understood() -> None:
    rows = (
        "Handle,Title,Body (HTML),Vendor,Type,Tags,Published,Option1 Name,Option1 Value,Variant SKU,Variant Grams,"
        "Variant Inventory Tracker,Variant Inventory Qty,Variant Inventory Policy,Variant Price,"
        "Variant Compare At Price,Image Src,SEO Title\n"
        'lamp,Lamp,"<p>Bright, ""very""</p>",Moth,Lights,a,TRUE,Size,S,L-S,100,shopify,4,deny,9.50,12.00,https://x.example.com/l.jpg,Lamp!\n'
        "lamp,,,,,,,,L,L-L,200,shopify,2,continue,11.50,,,\n"
        "card,Card,,,,,TRUE,Title,Default Title,G-1,,,,deny,25,,,\n"
    )
    async with shop_session(shop="empty", settings={"confirmation": "off"}) as session:
        plan = await planned(session, rows, currency="usd")
        assert left_out(plan) == []
        assert plan["notes"] == ["Columns that were not read: “Vendor”, “Type”, “Tags”, “Variant Grams”."]
        done = await session.call("import_products", content=rows, currency="usd", dry_run=False)
        assert (done["done"], done["products_created"], done["prices_created"]) == (True, 2, 3)
        lamp = shelves.product(session, "Lamp")
        small, large = shelves.prices_of(session, "Lamp")
        (variant,) = lamp["variants"]
        assert (variant["name"], [option["name"] for option in variant["options"]]) == ("Size", ["S", "L"])
        assert lamp["description"] == '<p>Bright, "very"</p>'
        assert lamp["seo"] == {"title": "Lamp!"}
        assert (small["name"], small["sku"], small["amount"], small["compareAtPrice"]) == (
            "S",
            "L-S",
            9.5,
            12,
        )
        assert small["variantOptionIds"] == [variant["options"][0]["id"]]
        assert large["variantOptionIds"] == [variant["options"][1]["id"]]
        assert (small["allowOutOfStockPurchases"], large["allowOutOfStockPurchases"]) == (False, True)
        assert shelves.product(session, "Card")["variants"] == []
        again = await session.call("import_products", content=rows, currency="usd", dry_run=False)
        assert (again["done"], again["unchanged"]) == (True, 2)


@pytest.mark.parametrize(
    "content",
    [
        '[{"sku": "C-R", "amount": 12.5}, {"sku": "B-1", "amount": "21"}]',
        '{"sku": "C-R", "amount": 12.5}\n\n{"SKU": "B-1", "Price": 21}\n',
        '[{"title": "Cup", "prices": [{"sku": "C-R", "price": 12.5}]}, {"handle": "bowl", "prices": [{"amount": 21}]}]',
        "SKU;Price\nC-R;12.5\nB-1;21\n",
        "SKU\tPrice\r\nC-R\t12.5\r\nB-1\t21\r\n",
        "sep=;\nSKU;Price\nC-R;12.5\nB-1;21\n",
        '\ufeff"SKU","Price"\n"C-R","12.5"\n\n"B-1","21"',
    ],
)
async def test_rows_come_in_several_forms(content: str) -> None:
    async with shop_session(shop="empty") as session:
        shelf(session)
        plan = await planned(session, content)
        assert plan["items"] == [
            "Cup: Red, amount: 10.00 USD → 12.50 USD",
            "Bowl: Bowl 0, amount: 20.00 USD → 21.00 USD",
        ]


async def test_rows_that_say_nothing_of_their_product_belong_to_the_one_above() -> None:
    rows = "Title,Variant,SKU,Price,Currency\nVase,,,,\n,Small,V-S,5,USD\n,Large,V-L,6,USD\nCup,Red,,1,\n"
    async with shop_session(shop="empty") as session:
        shelf(session)
        plan = await planned(session, rows)
        assert plan["items"] == [
            "New product “Vase” (PHYSICAL, 5.00 USD, 6.00 USD)",
            "Cup: Red, amount: 10.00 USD → 1.00 USD",
        ]


@pytest.mark.parametrize(
    ("rows", "taken"),
    [("3-4", [1, 2]), ("3-", [1, 2, 3]), ("-3", [0, 1]), ("4", [2]), (" 2 - 2 ", [0])],
)
async def test_a_part_of_the_rows_can_be_named(rows: str, taken: list[int]) -> None:
    content = "SKU,Price\nC-R,1\nC-B,2\nB-1,3\nJ-2,4\n"
    everything = [
        "Cup: Red, amount: 10.00 USD → 1.00 USD",
        "Cup: Blue, amount: 11.00 USD → 2.00 USD",
        "Bowl: Bowl 0, amount: 20.00 USD → 3.00 USD",
        "Jug: Jug 0, amount: 31.00 USD → 4.00 USD",
    ]
    async with shop_session(shop="empty") as session:
        shelf(session)
        plan = await planned(session, content, rows=rows)
        # The largest change comes first.
        assert sorted(plan["items"]) == sorted(everything[place] for place in taken)


async def test_a_plain_price_list_may_have_many_variants_of_a_product_in_any_order() -> None:
    async with shop_session(shop="empty") as session:
        shelf(session)
        plan = await planned(session, "SKU,Price\nC-B,2\nB-1,3\nC-R,1\n")
        assert plan["items"] == [
            "Cup: Red, amount: 10.00 USD → 1.00 USD",
            "Bowl: Bowl 0, amount: 20.00 USD → 3.00 USD",
            "Cup: Blue, amount: 11.00 USD → 2.00 USD",
        ]
        assert "Changes: rows 2-4, 2 products." in plan["also"]


@pytest.mark.parametrize("rows", ["x", "-", "2-3-4", "1.5", ""])
async def test_a_range_that_is_none_is_refused(rows: str) -> None:
    async with shop_session(shop="empty") as session:
        said = await session.refused("import_products", content="SKU,Price\nC-R,1\n", rows=rows)
        assert said == "`rows` takes a range such as 2-200, 201- or 7. Nothing was changed."


async def test_the_whole_plan_is_a_resource() -> None:
    rows = "Title,SKU,Price,Currency\n" + "".join(f"Vase {n},V-{n},{n + 1},USD\n" for n in range(15))
    async with shop_session(shop="empty") as session:
        plan = await planned(session, rows)
        assert (len(plan["items"]), plan["more_items"]) == (10, 5)
        (content,) = (await session.client.read_resource(plan["whole_plan"])).contents
        whole = json.loads(content.text)  # pyright: ignore[reportAttributeAccessIssue, reportUnknownArgumentType, reportUnknownMemberType]
        assert len(whole["items"]) == 15


async def test_no_more_is_planned_than_one_call_may_change() -> None:
    rows = "Title,SKU,Price,Currency\n" + "".join(f"Vase {n},V-{n},{n + 1},USD\n" for n in range(260))
    async with shop_session(shop="empty", settings={"confirmation": "off"}) as session:
        plan = await planned(session, rows)
        assert plan["totals"]["things"] == 200
        assert plan["also"][-1] == "The rest begins at row 202: once this is done, call again with rows 202-."
        done = await session.call("import_products", content=rows, dry_run=False)
        assert (done["done"], done["products_created"], done["next_row"]) == (True, 200, 202)
        rest = await session.call("import_products", content=rows, rows="202-", dry_run=False)
        assert (rest["done"], rest["products_created"], "next_row" in rest) == (True, 60, False)
        again = await session.call("import_products", content=rows, dry_run=False)
        assert (again["products_created"], again["unchanged"]) == (0, 260)
