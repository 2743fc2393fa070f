"""One server with several shops: each call names its shop, and everything that comes back says which it is of."""

import json
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

import anyio
import pytest
from many_shops import LAMPS, NORTH, VASES, marked_apps, sandboxes, shops_file
from mcp.client import Client
from mcp.client.session import ClientRequestContext
from mcp.server.subscriptions import ResourceUpdated
from mcp.shared.exceptions import MCPError
from mcp_types import (
    CallToolResult,
    ElicitRequestFormParams,
    ElicitRequestParams,
    ElicitResult,
    PromptReference,
    ResourceTemplateReference,
    TextContent,
    TextResourceContents,
)
from shop_session import ERAS, Era, text_of, yes

from hoopai_products_mcp.sandbox.engine import Sandbox
from hoopai_products_mcp.server.app import build_server
from hoopai_products_mcp.server.settings import Settings
from hoopai_products_mcp.server.shops import Shops, open_shops
from hoopai_products_mcp.tools.registration import definitions

pytestmark = pytest.mark.anyio

MISSING = (
    "`location` is missing: say which shop. There are: north-lamps (Lumen Hall), north-vases (Urn & Ewer). "
    "Nothing was changed."
)


@dataclass
class Session:
    """A client of a server with two shops."""

    client: Client
    shops: Shops
    sandboxes: dict[str, Sandbox]
    questions: list[str] = field(default_factory=list[str])

    async def call(self, name: str, /, **arguments: Any) -> dict[str, Any]:
        result = await self.result(name, **arguments)
        assert not result.is_error, text_of(result)
        content = result.structured_content
        assert content is not None
        assert json.loads(text_of(result)) == content
        return content

    async def refused(self, name: str, /, **arguments: Any) -> str:
        result = await self.result(name, **arguments)
        assert result.is_error
        return text_of(result)

    async def result(self, name: str, /, **arguments: Any) -> CallToolResult:
        result = await self.client.call_tool(name, arguments)
        assert isinstance(result, CallToolResult)
        return result

    def writes(self) -> dict[str, list[str]]:
        """The writes that reached each shop."""
        return {
            name: [line for line in sandbox.requests.lines() if not line.startswith("GET ")]
            for name, sandbox in self.sandboxes.items()
        }


@asynccontextmanager
async def two_shops(
    folder: Path, *, era: Era = "2026-07-28", asks: bool = False, file: Path | None = None, **settings: Any
) -> AsyncGenerator[Session]:
    apps = marked_apps(NORTH)
    chosen = Settings.model_validate(
        {"sandbox": True, "shops_file": file or shops_file(folder, NORTH), **settings}
    )
    shops = open_shops(chosen, sandbox_apps=apps)
    questions: list[str] = []

    async def elicit(context: ClientRequestContext, params: ElicitRequestParams) -> ElicitResult:
        del context
        assert isinstance(params, ElicitRequestFormParams)
        questions.append(params.message)
        return yes(params.message)

    server = build_server(chosen, shops=shops)
    async with Client(server, mode=era, elicitation_callback=elicit if asks else None) as client:
        yield Session(client, shops, sandboxes(apps), questions)
    for sandbox in sandboxes(apps).values():
        sandbox.close()


async def first_product(session: Session, location: str) -> str:
    (item,) = (await session.call("list_products", location=location, limit=1))["items"]
    return item["id"]


@pytest.mark.parametrize("era", ERAS)
async def test_a_call_works_on_the_shop_it_names_by_name_or_id(era: Era, tmp_path: Path) -> None:
    async with two_shops(tmp_path, era=era) as session:
        for shop in NORTH:
            for location in (shop.name, shop.location_id):
                found = await session.call("list_products", location=location, limit=3)
                assert next(iter(found)) == "shop"
                assert found["shop"] == shop.name
                assert all(item["name"].startswith(shop.mark) for item in found["items"])


@pytest.mark.parametrize("era", ERAS)
async def test_a_call_that_names_no_shop_or_none_that_there_is_says_which_there_are(
    era: Era, tmp_path: Path
) -> None:
    async with two_shops(tmp_path, era=era) as session:
        assert await session.refused("list_products") == MISSING
        assert await session.refused("list_products", location="lamps") == (
            "There is no shop 'lamps'. `location` takes a name or location id. There are: north-lamps (Lumen Hall), "
            "north-vases (Urn & Ewer). Nothing was changed."
        )
        assert (await session.refused("list_products", location=7)).startswith("There is no shop. ")
        assert (await session.refused("list_products", location="x" * 100)).startswith("There is no shop. ")
        assert session.writes() == {LAMPS.name: [], VASES.name: []}


async def test_errors_of_tools_name_the_shop(tmp_path: Path) -> None:
    async with two_shops(tmp_path) as session:
        said = await session.refused("list_products", location=VASES.name, limt=1)
        assert said.startswith("Shop north-vases: The arguments do not fit:")
        said = await session.refused("get_product", location=LAMPS.location_id, product_id="0" * 24)
        assert said.startswith("Shop north-lamps: ")


@pytest.mark.parametrize("era", ERAS)
async def test_a_question_names_the_shop_and_the_write_lands_there_alone(era: Era, tmp_path: Path) -> None:
    async with two_shops(tmp_path, era=era, asks=True) as session:
        product = await first_product(session, VASES.name)
        before = session.sandboxes[LAMPS.name].dump()
        done = await session.call("delete_product", location=VASES.name, product_id=product)
        assert done["shop"] == VASES.name
        (asked,) = session.questions
        assert asked.startswith("Shop: Urn & Ewer (north-vases)\n\nDelete the product “Brambleton ")
        assert session.writes() == {LAMPS.name: [], VASES.name: [f"DELETE /products/{product}"]}
        assert session.sandboxes[LAMPS.name].dump() == before
        change = done["change"]["id"]
        assert (await session.call("list_changes", location=LAMPS.name))["items"] == []
        (listed,) = (await session.call("list_changes", location=VASES.name))["items"]
        assert listed["id"] == change
        # The same product is in both shops, so that nothing but the location keeps the change in its own.
        for tool in ("get_change", "undo_change"):
            said = await session.refused(tool, location=LAMPS.name, change_id=change)
            assert "No change of this shop has that id." in said


async def test_a_token_is_good_for_its_own_shop(tmp_path: Path) -> None:
    async with two_shops(tmp_path) as session:
        product = await first_product(session, LAMPS.name)
        shown = await session.call("delete_product", location=LAMPS.name, product_id=product)
        assert (shown["shop"], shown["status"]) == (LAMPS.name, "confirmation_required")
        assert shown["plan"]["shop"] == "Lumen Hall (north-lamps)"
        token = shown["confirmation_token"]
        said = await session.refused(
            "delete_product", location=VASES.name, product_id=product, confirmation_token=token
        )
        assert "that confirmation_token was given for another shop" in said
        assert session.writes() == {LAMPS.name: [], VASES.name: []}
        # By its id it is the same shop, and the same call.
        done = await session.call(
            "delete_product", location=LAMPS.location_id, product_id=product, confirmation_token=token
        )
        assert done["shop"] == LAMPS.name
        assert session.writes() == {LAMPS.name: [f"DELETE /products/{product}"], VASES.name: []}


async def test_each_shop_has_its_own_policy_confirmation_and_switch(tmp_path: Path) -> None:
    policy = tmp_path / "policy.toml"
    policy.write_text('[protected]\nnames = ["*"]\n')
    file = shops_file(
        tmp_path, NORTH, north_lamps=f'policy_file = "{policy}"\n', north_vases='confirmation = "off"\n'
    )
    async with two_shops(tmp_path, file=file) as session:
        product = await first_product(session, LAMPS.name)
        said = await session.refused("delete_product", location=LAMPS.name, product_id=product)
        assert said.startswith("Shop north-lamps: Refused by this shop's policy.")
        done = await session.call("delete_product", location=VASES.name, product_id=product)
        assert done["change"]["approved_by"] == "confirmation_off"
    file = shops_file(tmp_path, NORTH, north_lamps="read_only = true\n")
    async with two_shops(tmp_path, file=file) as session:
        said = await session.refused("delete_product", location=LAMPS.name, product_id=product)
        assert said.startswith("Shop north-lamps: it is read-only here, and delete_product would change it.")
        assert (await session.call("get_product", location=LAMPS.name, product_id=product))[
            "shop"
        ] == LAMPS.name
        shown = await session.call("delete_product", location=VASES.name, product_id=product)
        assert shown["status"] == "confirmation_required"


async def test_what_an_hour_allows_is_counted_for_each_shop(tmp_path: Path) -> None:
    policy = tmp_path / "policy.toml"
    policy.write_text("[calls]\nmax_destructive_per_hour = 1\n")
    async with two_shops(tmp_path, policy_file=policy, confirmation="off") as session:
        (first, second) = [
            item["id"]
            for item in (await session.call("list_products", location=LAMPS.name, limit=2))["items"]
        ]
        for shop in NORTH:
            await session.call("delete_product", location=shop.name, product_id=first)
        for shop in NORTH:
            said = await session.refused("delete_product", location=shop.name, product_id=second)
            assert "max_destructive_per_hour" in said


@pytest.mark.parametrize("era", ERAS)
async def test_every_tool_takes_a_location_and_tells_its_shop(era: Era, tmp_path: Path) -> None:
    async with two_shops(tmp_path, era=era) as session:
        tools = {tool.name: tool for tool in (await session.client.list_tools()).tools}
    for definition in definitions():
        tool = tools[definition["name"]]
        given, told = dict(tool.input_schema), dict(tool.output_schema or {})
        assert given["properties"].pop("location") == {
            "description": "the shop, by name or location id",
            "type": "string",
        }
        assert given["required"].pop(0) == "location"
        assert told["properties"].pop("shop") == {"description": "the shop this is of", "type": "string"}
        given["required"] = given["required"] or None
        own = {"required": None, **definition["inputSchema"]}
        assert {key: given[key] for key in own} == own
        assert told == definition["outputSchema"]


async def test_a_file_with_one_shop_is_a_server_of_one_shop(tmp_path: Path) -> None:
    settings = Settings(sandbox=True, shops_file=shops_file(tmp_path, [LAMPS]))
    apps = marked_apps([LAMPS])
    async with (
        Client(build_server(settings, shops=open_shops(settings, sandbox_apps=apps))) as one,
        Client(build_server(Settings(sandbox=True))) as usual,
    ):
        assert await one.list_tools() == await usual.list_tools()
        assert await one.list_prompts() == await usual.list_prompts()
        assert await one.list_resources() == await usual.list_resources()
        assert await one.list_resource_templates() == await usual.list_resource_templates()
        result = await one.call_tool("list_products", {"limit": 1})
        assert isinstance(result, CallToolResult)
        assert result.structured_content is not None
        assert "shop" not in result.structured_content
        assert LAMPS.mark in text_of(result)
        said = await one.call_tool("list_products", {"location": LAMPS.name})
        assert isinstance(said, CallToolResult)
        assert "`location` is not known here" in text_of(said)


@pytest.mark.parametrize("mode", ["legacy", "auto"])
async def test_instructions_name_the_shops(mode: Any, tmp_path: Path) -> None:
    async with two_shops(tmp_path, era=mode) as session:
        said = session.client.instructions
    assert said is not None
    assert said.startswith("The product catalogs of 2 HoopAI shops:")
    assert "Shops: north-lamps (Lumen Hall), north-vases (Urn & Ewer).\nMoney is in major units" in said


async def resource(session: Session, uri: str) -> dict[str, Any]:
    (content,) = (await session.client.read_resource(uri)).contents
    assert isinstance(content, TextResourceContents)
    return json.loads(content.text)


@pytest.mark.parametrize("era", ERAS)
async def test_resources_are_of_a_shop_and_the_shops_are_one_themselves(era: Era, tmp_path: Path) -> None:
    async with two_shops(tmp_path, era=era) as session:
        listed = [item.uri for item in (await session.client.list_resources()).resources]
        assert listed == ["hoopai://shops"]
        templates = [
            item.uri_template for item in (await session.client.list_resource_templates()).resource_templates
        ]
        assert all(uri.startswith("hoopai://shops/{location}/") or "guides" in uri for uri in templates)
        assert await resource(session, "hoopai://shops") == {
            "items": [
                {"name": "north-lamps", "title": "Lumen Hall", "location_id": "locNorthLamps01"},
                {"name": "north-vases", "title": "Urn & Ewer", "location_id": "locNorthVases02"},
            ],
            "total": 2,
        }
        for location in (VASES.name, VASES.location_id):
            found = await resource(session, f"hoopai://shops/{location}/collections")
            assert found["shop"] == "Urn & Ewer (north-vases)"
            assert VASES.mark in json.dumps(found)
            assert LAMPS.mark not in json.dumps(found)
        for unknown in (
            "hoopai://catalog",
            "hoopai://shops/lamps/catalog",
            "hoopai://shops/north-lamps/guides/reprice",
        ):
            with pytest.raises(MCPError, match="Unknown resource"):
                await session.client.read_resource(unknown)
        (guide,) = (await session.client.read_resource("hoopai://guides/reprice")).contents
        assert isinstance(guide, TextResourceContents)
        assert "Give every call the `location` of the one shop" in guide.text
        told = await session.call("get_guide", location=LAMPS.name, topic="reprice")
        assert told["guide"] == guide.text


async def test_a_plan_is_read_in_its_own_shop(tmp_path: Path) -> None:
    async with two_shops(tmp_path) as session:
        product = await first_product(session, LAMPS.name)
        shown = await session.call("delete_product", location=LAMPS.name, product_id=product, dry_run=True)
        plan = shown["plan"]["id"]
        assert (await resource(session, f"hoopai://shops/north-lamps/plans/{plan}"))[
            "shop"
        ] == "Lumen Hall (north-lamps)"
        with pytest.raises(MCPError, match=f"There is no plan '{plan}', or not any more."):
            await session.client.read_resource(f"hoopai://shops/north-vases/plans/{plan}")


async def test_exports_of_a_shop_are_in_a_folder_of_its_own(tmp_path: Path) -> None:
    async with two_shops(tmp_path, export_dir=tmp_path / "files") as session:
        for shop in NORTH:
            done = await session.call("export_catalog", location=shop.name, file="all.csv")
            assert done["uri"] == f"hoopai://shops/{shop.name}/exports/all.csv"
            # A name that is used again for another location does not open the files of the first.
            own = f"{shop.name}-{shop.location_id}"
            assert done["path"] == str(tmp_path / "files" / own / "all.csv")
            (content,) = (await session.client.read_resource(done["uri"])).contents
            assert isinstance(content, TextResourceContents)
            assert shop.mark in content.text
        await session.call("export_catalog", location=LAMPS.name, file="lamps.csv")
        said = await session.refused("import_products", location=VASES.name, file="lamps.csv")
        assert "There is no “lamps.csv”" in said


@pytest.mark.parametrize("era", ERAS)
async def test_prompts_are_about_the_shop_they_are_picked_for(era: Era, tmp_path: Path) -> None:
    async with two_shops(tmp_path, era=era) as session:
        for prompt in (await session.client.list_prompts()).prompts:
            assert prompt.arguments
            assert (prompt.arguments[0].name, prompt.arguments[0].required) == ("location", True)
        found = await session.client.get_prompt("catalog_health", {"location": VASES.name})
        first, *others = [message.content for message in found.messages]
        assert isinstance(first, TextContent)
        assert first.text.startswith(
            'This is about the shop Urn & Ewer (north-vases): give every call location="north-vases".\n\n'
        )
        said = "".join(other.model_dump_json() for other in others)
        assert "hoopai://shops/north-vases/reports/health" in said
        assert VASES.mark in said
        assert LAMPS.mark not in said
        with pytest.raises(MCPError, match="`location` is missing: say which shop"):
            await session.client.get_prompt("catalog_health")
        with pytest.raises(MCPError, match="There is no shop 'lamps'"):
            await session.client.get_prompt("catalog_health", {"location": "lamps"})


@pytest.mark.parametrize("era", ERAS)
async def test_names_complete_in_the_shop_that_was_chosen(era: Era, tmp_path: Path) -> None:
    async with two_shops(tmp_path, era=era) as session:

        async def completed(argument: str, typed: str, **chosen: str) -> list[str]:
            found = await session.client.complete(
                PromptReference(type="ref/prompt", name="draft_product_description"),
                {"name": argument, "value": typed},
                context_arguments=chosen,
            )
            return found.completion.values

        assert await completed("location", "") == ["north-lamps", "north-vases"]
        assert await completed("location", "urn") == ["north-vases"]
        assert await completed("product", "") == []
        assert await completed("product", "", location="lamps") == []
        for shop in NORTH:
            found = await completed("product", "moon", location=shop.name)
            assert found
            assert all(name.startswith(shop.mark) for name in found)
        of_template = await session.client.complete(
            ResourceTemplateReference(
                type="ref/resource", uri="hoopai://shops/{location}/products/{product_id}"
            ),
            {"name": "product_id", "value": "moon"},
            context_arguments={"location": LAMPS.name},
        )
        assert of_template.completion.values


async def test_a_listener_hears_of_the_shop_it_listens_to(tmp_path: Path) -> None:
    async with two_shops(tmp_path) as session:
        product = await first_product(session, LAMPS.name)
        own = [f"hoopai://shops/{word}/products/{product}" for word in (LAMPS.name, LAMPS.location_id)]
        other = f"hoopai://shops/{VASES.name}/products/{product}"
        with anyio.fail_after(20):
            async with session.client.listen(resource_subscriptions=[*own, other]) as stream:
                done = await session.result(
                    "update_product", location=LAMPS.name, product_id=product, description="<p>New.</p>"
                )
                assert not done.is_error, text_of(done)
                heard = aiter(stream)
                assert [await anext(heard), await anext(heard)] == [ResourceUpdated(uri=uri) for uri in own]
        assert own[0] in cast("dict[str, Any]", done.meta)["com.hoopai/resources"]
