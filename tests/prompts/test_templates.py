"""What every template must be: complete, true to the tools it names, and the same for every client."""

import json
from pathlib import Path
from typing import Any, get_args

import pytest
from jsonschema_rs import is_valid
from suggested_calls import Names, calls_in, code_in

from hoopai_products_mcp.prompts.arguments import find
from hoopai_products_mcp.prompts.budget import estimate
from hoopai_products_mcp.prompts.rendering import BUDGET, guide, instructions
from hoopai_products_mcp.prompts.template import NAMES, Kind, Template, templates
from hoopai_products_mcp.server.reports import REPORTS
from hoopai_products_mcp.tools.guides import Topic
from hoopai_products_mcp.tools.registration import definitions

TEMPLATES = list(templates().values())
SCHEMAS: dict[str, dict[str, Any]] = {tool["name"]: tool["inputSchema"] for tool in definitions()}
DOCUMENTS = {"product", "review", "reviewed_product", "collections", "catalog", *REPORTS}
WORDS = {
    # Fields of results, and values of arguments, that texts may speak of besides tools.
    *("changed", "not_applied", "change", "done", "differing", "lost", "replied", "products_done", "replies"),
    *(
        "customer_text",
        "match",
        "problems",
        "findings",
        "checked",
        "status",
        "slug",
        "seo",
        "dry_run",
        "product_ids",
    ),
    *("sku", "name", "similar", "several", "none"),
    *("PHYSICAL", "DIGITAL", "SERVICE", "PHYSICAL/DIGITAL", "REDUCE_BY_PERCENTAGE", "REDUCE_BY_AMOUNT"),
}
each_template = pytest.mark.parametrize("template", TEMPLATES, ids=[template.name for template in TEMPLATES])


def unknown(names: Names, schema: dict[str, Any], path: str) -> list[str]:
    """Names that a schema does not have, by their path."""
    known: dict[str, Any] = schema.get("properties", {})
    found = [f"{path}.{name}" for name in names if name not in known]
    for name, below in names.items():
        if below and name in known:
            inner = known[name].get("items", known[name])
            found += unknown(below, inner, f"{path}.{name}")
    return found


def test_every_file_is_a_prompt_of_the_menu() -> None:
    folder = Path(__file__).resolve().parents[2] / "prompts"
    assert {path.stem for path in folder.glob("*.md")} == set(NAMES)


def test_the_tool_for_clients_without_prompts_has_the_same_topics() -> None:
    assert get_args(Topic) == NAMES


@each_template
def test_a_prompt_is_described_for_a_person(template: Template) -> None:
    assert template.title
    assert len(template.title) <= 40
    assert 20 <= len(template.description) <= 140
    assert template.description.endswith(".")
    for argument in template.arguments.values():
        assert argument.description
        assert len(argument.description) <= 90
        assert not argument.description.endswith(".")
    assert set(template.one_of) <= set(template.arguments)


@each_template
def test_every_tool_that_a_prompt_names_exists_with_every_argument_it_suggests(template: Template) -> None:
    codes = code_in(template.text)
    named = {call.tool for call in calls_in(codes)} | {code for code in codes if code in SCHEMAS}
    wrong = [
        error
        for call in calls_in([*codes, *template.reads])
        for error in (
            [call.tool]
            if call.tool not in SCHEMAS
            else unknown(call.arguments, SCHEMAS[call.tool], call.tool)
        )
    ]
    assert wrong == []
    assert set(template.tools) == named


@each_template
def test_a_suggested_call_has_what_the_tool_cannot_do_without(template: Template) -> None:
    lacking = [
        f"{call.tool}: {name}"
        for call in calls_in([*code_in(template.text), *template.reads])
        for name in SCHEMAS[call.tool].get("required", ())
        if name not in call.arguments
    ]
    assert lacking == []


@each_template
def test_a_value_that_is_written_out_is_one_the_argument_takes(template: Template) -> None:
    for call in calls_in([*code_in(template.text), *template.reads]):
        for name, written in call.values.items():
            schema = SCHEMAS[call.tool]["properties"][name]
            # What is in braces are names of fields, tested above.
            assert written.startswith("{") or is_valid(schema, json.loads(written)), (
                call.tool,
                name,
                written,
            )


@each_template
def test_a_text_puts_nothing_into_code_that_nobody_knows(template: Template) -> None:
    fields = {name for schema in SCHEMAS.values() for name in schema["properties"]}
    codes = set(code_in(template.text))
    calls = {code for code in codes if "(" in code}
    assert codes - calls - set(SCHEMAS) - fields - WORDS == set()


@each_template
def test_every_document_of_a_prompt_can_be_made(template: Template) -> None:
    assert template.documents
    assert set(template.documents) <= DOCUMENTS
    kinds = {argument.kind for argument in template.arguments.values()}
    if "product" in template.documents or "siblings" in template.documents:
        assert Kind.PRODUCT in kinds
    if "review" in template.documents:
        assert Kind.REVIEW in kinds


@each_template
def test_the_instructions_leave_most_of_the_budget_to_the_data(template: Template) -> None:
    assert estimate(instructions(template, {}, set(template.tools))) < BUDGET / 5


@each_template
def test_a_guide_has_the_text_of_the_prompt_and_the_calls_that_read_its_data(template: Template) -> None:
    text = guide(template, set(template.tools))
    assert text.startswith(f"# {template.title}\n")
    assert template.text in text
    assert all(f"- `{call}`" in text for call in template.reads)
    assert all(f"- {name}: {argument.description}" in text for name, argument in template.arguments.items())


def test_a_text_says_which_tools_are_missing_on_this_server() -> None:
    template = find("draft_product_description")
    assert "does not offer" not in instructions(template, {}, set(template.tools))
    missing = instructions(template, {}, {"get_product"})
    assert (
        "This server does not offer `update_product`, `undo_change`: prepare that part, and tell the merchant to carry "
        "it out in the web app."
    ) in missing
