"""Two agencies on one server: whatever their people call, in whatever order, nothing of one ever reaches the other.

The shops of both hold the same things under the same ids, each with a mark of its own in every text, and the callers
tell each other all ids, tokens and file names they are given. So nothing but the server keeps the shops apart.
"""

import json
import random
import tempfile
from collections.abc import Callable, Mapping
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from many_shops import (
    BEDS,
    LAMPS,
    NORTH,
    RUGS,
    SHOPS,
    SOUTH,
    VASES,
    Invented,
    marked_apps,
    sandboxes,
    shops_file,
)
from mcp.client import Client
from mcp.shared.exceptions import MCPError
from mcp_types import (
    INTERNAL_ERROR,
    BlobResourceContents,
    PromptReference,
    ResourceTemplateReference,
    TextResourceContents,
)
from pydantic import BaseModel
from web_server import ERAS, Era, connected, served_shops

from hoopai_products_mcp.guard.store import Store
from hoopai_products_mcp.sandbox.database import object_id
from hoopai_products_mcp.sandbox.engine import Sandbox

pytestmark = pytest.mark.anyio

KEYS = {name: f"{name}-has-an-invented-key-00000001" for name in ("ann", "bob", "cat")}
THEIRS: Mapping[str, tuple[Invented, ...]] = {"ann": NORTH, "bob": SOUTH, "cat": (LAMPS,)}
"""Ann and Bob each work for an agency; Cat looks after one shop of Ann's."""
BY_KEY = "ann={ann} @north-lamps @north-vases, bob={bob} @locSouthRugs03 @south-beds, cat={cat} @north-lamps"

PRODUCTS = [object_id("product", name) for name in ("Moonflower seeds", "Storm lantern", "Solstice hamper")]
WORDS = [word for shop in SHOPS for word in (shop.name, shop.location_id)]
SCHEME = "hoopai://shops/"
KINDS = ("token", "change", "plan", "file", "id")

Choose = Callable[[str], str]
"""One of the things of a kind that anybody was told, or one that there is not."""

TOOLS: Mapping[str, Callable[[Choose, random.Random], dict[str, Any]]] = {
    "list_products": lambda _, dice: {"limit": dice.randint(1, 3), "search": dice.choice(["", "a", "moon"])},
    "get_product": lambda told, _: {"product_id": told("id")},
    "list_inventory": lambda _, __: {"limit": 2},
    "list_collections": lambda _, __: {"limit": 2},
    "list_reviews": lambda _, __: {"limit": 2},
    "audit_catalog": lambda _, __: {"limit": 5},
    "create_product": lambda _, __: {"name": "A new thing", "product_type": "PHYSICAL"},
    "update_product": lambda told, _: {"product_id": told("id"), "name": "Another name"},
    "delete_product": lambda told, dice: {
        "product_id": told("id"),
        **({"confirmation_token": told("token")} if dice.random() < 0.5 else {}),
    },
    "bulk_set_availability": lambda told, dice: {
        "product_ids": [told("id")],
        "available_in_store": dice.random() < 0.5,
        "dry_run": dice.random() < 0.5,
    },
    "list_changes": lambda _, __: {},
    "get_change": lambda told, _: {"change_id": told("change")},
    "undo_change": lambda told, dice: {
        "change_id": told("change"),
        **({"confirmation_token": told("token")} if dice.random() < 0.5 else {}),
    },
    "export_catalog": lambda _, dice: {"file": f"all-{dice.randint(1, 3)}.csv", "limit": 2},
    "import_products": lambda told, _: {"file": told("file"), "currency": "USD"},
    "get_guide": lambda _, __: {"topic": "reprice"},
}
PATHS: tuple[Callable[[Choose], str], ...] = (
    lambda _: "catalog",
    lambda _: "collections",
    lambda told: f"products/{told('id')}",
    lambda told: f"products/{told('id')}/prices",
    lambda _: "reports/reviews",
    lambda told: f"plans/{told('plan')}",
    lambda told: f"exports/{told('file')}",
)


@dataclass
class World:
    """Two agencies at work, and everything that anybody was told."""

    clients: dict[str, Client]
    sandboxes: dict[str, Sandbox]
    asked: dict[str, list[str]]
    dice: random.Random
    told: dict[str, list[str]] = field(
        default_factory=lambda: {kind: [] for kind in KINDS} | {"id": [*PRODUCTS]}
    )

    def choose(self, kind: str) -> str:
        return self.dice.choice(self.told[kind] or ["none"])

    def learn(self, value: Any) -> None:
        """Take down what a result names."""
        if isinstance(value, dict):
            for key, inner in value.items():  # pyright: ignore[reportUnknownVariableType]
                kind = {"confirmation_token": "token", "file": "file"}.get(str(key))  # pyright: ignore[reportUnknownArgumentType]
                if kind is None and key == "id" and isinstance(inner, str):
                    kind = {"plan": "plan", "chg_": "change"}.get(inner[:4], "id")
                if kind is not None and isinstance(inner, str):
                    self.told[kind].append(inner)
                self.learn(inner)
        elif isinstance(value, list):
            for inner in value:  # pyright: ignore[reportUnknownVariableType]
                self.learn(inner)

    async def act(self, name: str, kind: str, word: str | None) -> str:
        """Do one thing; everything that came back, without what was asked for."""
        client, chosen = self.clients[name], {} if word is None else {"location": word}
        said = word or "-"
        try:
            match kind:
                case "resource":
                    # An address may name no shop, and the list of them is one too.
                    said = (
                        SCHEME.rstrip("/")
                        if word is None
                        else f"{SCHEME}{word}/{self.dice.choice(PATHS)(self.choose)}"
                    )
                    result: BaseModel = await client.read_resource(said)
                    return plain_text(result)
                case "prompt":
                    prompt = self.dice.choice(["catalog_health", "draft_product_description"])
                    more = {"product": self.choose("id")} if prompt == "draft_product_description" else {}
                    result = await client.get_prompt(prompt, {**more, **chosen})
                case "completion":
                    ref = self.dice.choice(
                        [
                            PromptReference(type="ref/prompt", name="draft_product_description"),
                            ResourceTemplateReference(
                                type="ref/resource", uri="hoopai://shops/{location}/products/{product_id}"
                            ),
                        ]
                    )
                    argument = "product" if isinstance(ref, PromptReference) else "product_id"
                    typed = {
                        "name": self.dice.choice([argument, "location"]),
                        "value": self.dice.choice(["", "mo", "s"]),
                    }
                    result = await client.complete(ref, typed, context_arguments=chosen)
                case "lists":
                    listed = [
                        await client.list_tools(),
                        await client.list_resources(),
                        await client.list_resource_templates(),
                        await client.list_prompts(),
                    ]
                    return "".join(item.model_dump_json() for item in listed) + (client.instructions or "")
                case _:
                    found = await client.call_tool(kind, {**TOOLS[kind](self.choose, self.dice), **chosen})
                    self.learn(found.structured_content)
                    result = found
        except MCPError as error:
            if error.error.code == INTERNAL_ERROR:
                raise
            return without(f"{error.error.message} {json.dumps(error.error.data)}", said, said[:200], word)
        return without(result.model_dump_json(), word)


def plain_text(result: Any) -> str:
    """The contents of a resource as they are; their address is what was asked for."""
    texts: list[str] = []
    for content in result.contents:
        assert isinstance(content, TextResourceContents | BlobResourceContents)
        texts.append(content.text if isinstance(content, TextResourceContents) else content.blob)
    return "\n".join(texts)


def without(text: str, *said: str | None) -> str:
    """A text without what the caller had said themselves."""
    for word in sorted({word for word in said if word}, key=len, reverse=True):
        text = text.replace(word, "")
    return text


KIND = st.sampled_from(["lists", "resource", "resource", "prompt", "completion", *TOOLS])
CALLER = st.sampled_from([*KEYS])
STEPS = st.lists(
    st.tuples(CALLER, KIND, st.booleans(), st.sampled_from([*WORDS, "elsewhere", None])),
    min_size=4,
    max_size=25,
)
"""Who does what where; with the flag, in a shop of theirs whatever was drawn: half of all would be refused at once."""


@settings(max_examples=20)
@given(
    steps=STEPS,
    seed=st.integers(0, 2**32),
    eras=st.tuples(*[st.sampled_from(ERAS)] * 3),
    can_ask=st.booleans(),
)
@example(
    steps=[
        *[(name, "delete_product", True, shop.name) for name in KEYS for shop in (LAMPS, RUGS)],
        *[
            (name, kind, True, None)
            for kind in ("list_changes", "get_change", "undo_change")
            for name in KEYS
        ],
        *[(name, "resource", False, word) for name in KEYS for word in WORDS],
        *[(name, kind, True, None) for kind in ("prompt", *["completion"] * 6) for name in KEYS],
        *[(name, kind, True, VASES.name) for name in KEYS for kind in ("export_catalog", "import_products")],
        *[
            (name, kind, False, BEDS.name)
            for name in KEYS
            for kind in ("completion", "update_product", "lists")
        ],
    ],
    seed=1,
    eras=("2026-07-28", "legacy", "2026-07-28"),
    can_ask=True,
)
async def test_nothing_of_one_agency_ever_reaches_the_other(
    steps: list[tuple[str, str, bool, str | None]], seed: int, eras: tuple[Era, Era, Era], can_ask: bool
) -> None:
    apps = marked_apps()
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder)
        asked: dict[str, list[str]] = {name: [] for name in KEYS}
        async with AsyncExitStack() as stack:
            url = await stack.enter_async_context(
                served_shops(
                    shops_file(path), apps, http_auth="key", http_keys=BY_KEY.format(**KEYS), data_dir=path
                )
            )
            clients = {
                name: await stack.enter_async_context(
                    connected(url, KEYS[name], era=era, asked=asked[name] if can_ask else None)
                )
                for name, era in zip(KEYS, eras, strict=True)
            }
            world = World(clients, sandboxes(apps), asked, random.Random(seed))
            for name, kind, at_home, word in steps:
                mine = THEIRS[name]
                if at_home:
                    home = world.dice.choice(mine)
                    word = world.dice.choice([home.name, home.location_id])  # noqa: PLW2901
                await _step(world, name, kind, word)
        _journal(path, mine_by_name=THEIRS)


async def _step(world: World, name: str, kind: str, word: str | None) -> None:
    mine = THEIRS[name]
    for sandbox in world.sandboxes.values():
        sandbox.requests.clear()
    for questions in world.asked.values():
        questions.clear()
    came = await world.act(name, kind, word)
    strange = {word for shop in SHOPS if shop not in mine for word in shop.words}
    heard = came + "\n".join(world.asked[name])
    assert not [found for found in strange if found in heard], (kind, word, came)
    assert not [other for other, questions in world.asked.items() if other != name and questions]
    # Only the shop that was named is asked anything, let alone changed.
    named = [
        shop.name
        for shop in mine
        if word in {shop.name, shop.location_id} or (word is None and len(mine) == 1)
    ]
    assert [
        shop for shop, sandbox in world.sandboxes.items() if len(sandbox.requests) and shop not in named
    ] == []
    for question in world.asked[name]:
        assert any(
            question.startswith(f"Shop: {shop.title} ({shop.name})\n") for shop in mine if shop.name in named
        )


def _journal(folder: Path, *, mine_by_name: Mapping[str, tuple[Invented, ...]]) -> None:
    """Each change in the journal is of a shop of whoever made it, and holds no text of another."""
    store = Store(f"sqlite:///{folder / 'guard.sqlite'}")
    changes, _ = store.open().journal.list(location=None, limit=100)
    store.close()
    for change in changes:
        (shop,) = (shop for shop in mine_by_name[change.caller] if shop.location_id == change.location)
        written = f"{change.arguments} {change.plan} {change.outcome}"
        assert not [other.name for other in SHOPS if other != shop and other.mark in written]
