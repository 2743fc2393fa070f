"""Changes of the contract: what each means, and that the CHANGELOG tells them."""

import copy
import json
from collections.abc import Callable, Iterator
from itertools import product
from pathlib import Path
from typing import Any

import contract
import jsonschema_rs
import pytest
from contract_rules import Change, Level, contract_changes, schema_changes
from packaging.version import Version

PATCH, MINOR, BREAKING = Level.PATCH, Level.MINOR, Level.BREAKING
ROOT = Path(__file__).resolve().parents[2]

OFFERED: dict[str, Any] = {
    "version": "1.2.3",
    "name": "shop",
    "title": "Shop",
    "instructions": "Sell things.",
    "tools": {
        "list_things": {
            "title": "List things",
            "description": "Lists things.",
            "annotations": {"readOnlyHint": True, "destructiveHint": False, "idempotentHint": True},
            "inputSchema": {
                "type": "object",
                "additionalProperties": False,
                "properties": {
                    "limit": {"type": "integer", "minimum": 1, "maximum": 100, "default": 25},
                    "order": {"type": "string", "enum": ["asc", "desc"]},
                    "ids": {"type": "array", "items": {"type": "string", "minLength": 1}},
                },
                "required": ["order"],
            },
            "outputSchema": {
                "type": "object",
                "properties": {
                    "items": {"type": "array", "items": {"type": "object"}},
                    "total": {"type": "integer"},
                },
                "required": ["items"],
            },
        }
    },
    "prompts": {"sale": {"title": "Sale", "arguments": {"percent": {"required": True}, "until": {}}}},
    "resources": {"shop://all": {"name": "all", "mimeType": "application/json"}},
    "templates": {"shop://{id}": {"name": "one", "mimeType": "application/json"}},
}
TOOL = ("tools", "list_things")
ARGUMENTS = (*TOOL, "inputSchema", "properties")
RESULT = (*TOOL, "outputSchema", "properties")


def put(value: Any, *path: str) -> Callable[[dict[str, Any]], None]:
    """A change: this value at this place."""

    def change(offered: dict[str, Any]) -> None:
        for key in path[:-1]:
            offered = offered[key]
        offered[path[-1]] = value

    return change


def drop(*path: str) -> Callable[[dict[str, Any]], None]:
    """A change: nothing at this place."""

    def change(offered: dict[str, Any]) -> None:
        for key in path[:-1]:
            offered = offered[key]
        del offered[path[-1]]

    return change


CASES: list[tuple[Callable[[dict[str, Any]], None], Level, str]] = [
    (put("Buy things.", "instructions"), PATCH, "server changes its instructions"),
    (put("store", "name"), BREAKING, "server is called otherwise: `store`"),
    (put("All of them.", *TOOL, "description"), PATCH, "tool `list_things` changes its description"),
    (drop(*TOOL), BREAKING, "tool `list_things` is gone"),
    (put(OFFERED["tools"]["list_things"], "tools", "find"), MINOR, "tool `find` is new"),
    (put(False, *TOOL, "annotations", "readOnlyHint"), BREAKING, "tool `list_things` has readOnlyHint false"),
    (
        put(True, *TOOL, "annotations", "destructiveHint"),
        BREAKING,
        "tool `list_things` has destructiveHint true",
    ),
    (put(False, *TOOL, "annotations", "openWorldHint"), MINOR, "tool `list_things` has openWorldHint false"),
    (put({"type": "string"}, *ARGUMENTS, "name"), MINOR, "tool `list_things`, argument `name` is new"),
    (drop(*ARGUMENTS, "ids"), BREAKING, "tool `list_things`, argument `ids` is gone"),
    (
        put(["order", "ids"], *TOOL, "inputSchema", "required"),
        BREAKING,
        "tool `list_things`, argument `ids` has become required",
    ),
    (
        drop(*TOOL, "inputSchema", "required"),
        MINOR,
        "tool `list_things`, argument `order` is required no longer",
    ),
    (
        put("number", *ARGUMENTS, "limit", "type"),
        MINOR,
        "tool `list_things`, argument `limit` is of type number, was integer",
    ),
    (
        put("string", *ARGUMENTS, "limit", "type"),
        BREAKING,
        "tool `list_things`, argument `limit` is of type string, was integer",
    ),
    (
        put(50, *ARGUMENTS, "limit", "default"),
        BREAKING,
        "tool `list_things`, argument `limit` has the default 50, had 25",
    ),
    (
        put(50, *ARGUMENTS, "limit", "maximum"),
        BREAKING,
        "tool `list_things`, argument `limit` has maximum 50, had 100",
    ),
    (
        drop(*ARGUMENTS, "limit", "maximum"),
        MINOR,
        "tool `list_things`, argument `limit` has maximum None, had 100",
    ),
    (
        put(0, *ARGUMENTS, "limit", "minimum"),
        MINOR,
        "tool `list_things`, argument `limit` has minimum 0, had 1",
    ),
    (
        put(["asc"], *ARGUMENTS, "order", "enum"),
        BREAKING,
        "tool `list_things`, argument `order` has lost the choice `desc`",
    ),
    (
        put(["asc", "desc", "random"], *ARGUMENTS, "order", "enum"),
        MINOR,
        "tool `list_things`, argument `order` has the new choice `random`",
    ),
    (
        put(2, *ARGUMENTS, "ids", "items", "minLength"),
        BREAKING,
        "tool `list_things`, argument `ids`, items has minLength 2, had 1",
    ),
    (
        put("^a", *ARGUMENTS, "order", "pattern"),
        BREAKING,
        "tool `list_things`, argument `order` changes its pattern",
    ),
    (put({"type": "string"}, *RESULT, "note"), MINOR, "tool `list_things`, result `note` is new"),
    (drop(*RESULT, "total"), BREAKING, "tool `list_things`, result `total` is gone"),
    (
        put("number", *RESULT, "total", "type"),
        BREAKING,
        "tool `list_things`, result `total` is of type number, was integer",
    ),
    (
        put(["items", "total"], *TOOL, "outputSchema", "required"),
        MINOR,
        "tool `list_things`, result `total` is always there now",
    ),
    (
        put([], *TOOL, "outputSchema", "required"),
        BREAKING,
        "tool `list_things`, result `items` may be absent now",
    ),
    (drop("prompts", "sale"), BREAKING, "prompt `sale` is gone"),
    (
        put({"required": True}, "prompts", "sale", "arguments", "from"),
        BREAKING,
        "prompt `sale`, argument `from` is new and required",
    ),
    (put({}, "prompts", "sale", "arguments", "from"), MINOR, "prompt `sale`, argument `from` is new"),
    (
        put({"required": True}, "prompts", "sale", "arguments", "until"),
        BREAKING,
        "prompt `sale`, argument `until` has become required",
    ),
    (
        put({}, "prompts", "sale", "arguments", "percent"),
        MINOR,
        "prompt `sale`, argument `percent` is required no longer",
    ),
    (drop("resources", "shop://all"), BREAKING, "resource `shop://all` is gone"),
    (
        put("text/csv", "templates", "shop://{id}", "mimeType"),
        BREAKING,
        "resource template `shop://{id}` is of another type: text/csv",
    ),
]


@pytest.mark.parametrize(("change", "level", "words"), CASES, ids=[words for *_, words in CASES])
def test_a_change_is_told_by_what_it_asks_of_others(
    change: Callable[[dict[str, Any]], None], level: Level, words: str
) -> None:
    after = copy.deepcopy(OFFERED)
    change(after)
    assert [(found.level, f"{found.where} {found.what}") for found in contract_changes(OFFERED, after)] == [
        (level, words)
    ]


def test_the_gravest_change_comes_first() -> None:
    after = copy.deepcopy(OFFERED)
    put("Other", "title")(after)
    put(50, *ARGUMENTS, "limit", "maximum")(after)
    put({"type": "string"}, *RESULT, "note")(after)
    assert [change.level for change in contract_changes(OFFERED, after)] == [BREAKING, MINOR, PATCH]


def combined(**choices: list[Any]) -> list[dict[str, Any]]:
    """Every schema of these values of these keywords; None leaves a keyword out."""
    rows = product(*choices.values())
    return [
        {key: value for key, value in zip(choices, row, strict=True) if value is not None} for row in rows
    ]


LIMITS = [None, 1, 2]
MEMBERS = [
    combined(type=["integer", "number"], minimum=LIMITS, maximum=LIMITS),
    combined(type=["string"], minLength=LIMITS, maxLength=LIMITS, enum=[None, ["a"], ["a", "bb"]]),
    combined(
        type=["array"],
        minItems=LIMITS,
        maxItems=LIMITS,
        items=[None, {"type": "string"}, {"type": "string", "minLength": 2}],
    ),
]
VALUES = [0, 1, 2, 3, 0.5, 2.5, "", "a", "bb", "ccc", [], ["a"], ["bb"], ["a", "bb"], ["bb", 1, 2], [1]]
INSTANCES: list[dict[str, Any]] = [{}, *({"a": value} for value in VALUES)]


def pairs(*, closed: bool) -> Iterator[tuple[dict[str, Any], dict[str, Any]]]:
    """Every two objects with one member of one kind, or none, as tools have them: closed where they are taken, open
    where they are given."""
    end = {"additionalProperties": False} if closed else {}
    none: dict[str, Any] = {"type": "object", "properties": {}, **end}
    for members in MEMBERS:
        schemas: list[dict[str, Any]] = [
            {"type": "object", "properties": {"a": member}, "required": required, **end}
            for member, required in product(members, ([], ["a"]))
        ]
        yield from product([none, *schemas], [none, *schemas])


def harmless_misfits(*, results: bool) -> Iterator[tuple[dict[str, Any], dict[str, Any], dict[str, Any]]]:
    """What fits on one side of a change only, though the change is said to break nothing."""
    fitting: dict[str, list[bool]] = {}

    def fits(schema: dict[str, Any]) -> list[bool]:
        key = json.dumps(schema)
        if key not in fitting:
            validator = jsonschema_rs.validator_for(schema)
            fitting[key] = [validator.is_valid(instance) for instance in INSTANCES]
        return fitting[key]

    for before, after in pairs(closed=not results):
        relied_on, kept = (after, before) if results else (before, after)
        misfits = [
            instance
            for instance, did, does in zip(INSTANCES, fits(relied_on), fits(kept), strict=True)
            if did and not does
        ]
        changes = schema_changes(before, after, "tool", results=results) if misfits else ()
        if misfits and not any(change.level is BREAKING for change in changes):
            yield before, after, misfits[0]


def test_arguments_that_fitted_still_fit_unless_the_change_is_breaking() -> None:
    assert list(harmless_misfits(results=False)) == []


def test_results_fit_what_was_promised_unless_the_change_is_breaking() -> None:
    assert list(harmless_misfits(results=True)) == []


@pytest.mark.parametrize("results", [False, True])
def test_what_has_not_changed_is_not_told(results: bool) -> None:
    same = [before for before, after in pairs(closed=True) if before == after]
    assert len(same) > 100
    told = [list(schema_changes(schema, copy.deepcopy(schema), "tool", results=results)) for schema in same]
    assert told == [[]] * len(same)


@pytest.mark.parametrize(
    ("released", "level", "following"),
    [
        ("1.2.3", None, "1.2.3"),
        ("1.2.3", PATCH, "1.2.4"),
        ("1.2.3", MINOR, "1.3.0"),
        ("1.2.3", BREAKING, "2.0.0"),
        ("0.2.3", PATCH, "0.2.4"),
        ("0.2.3", MINOR, "0.2.4"),
        ("0.2.3", BREAKING, "0.3.0"),
    ],
)
def test_the_next_version_is_high_enough_for_what_has_changed(
    released: str, level: Level | None, following: str
) -> None:
    assert contract.next_version(Version(released), level) == Version(following)


CHANGES = [Change(BREAKING, "tool `x`", "is gone"), Change(PATCH, "server", "changes its title")]
CHANGELOG = "# Changelog\n\n## [Unreleased]\n\n<!-- contract:begin -->\n<!-- contract:end -->\n\n## [0.1.0]\n"


def test_the_changelog_tells_each_change_and_what_the_next_version_is() -> None:
    assert contract.with_report(CHANGELOG, contract.report("0.1.0", CHANGES)) == (
        "# Changelog\n\n## [Unreleased]\n\n<!-- contract:begin -->\n\n"
        "Since 0.1.0 the contract has a **breaking** change: the next version is 0.2.0 or higher.\n\n"
        "- breaking: tool `x` is gone\n"
        "- patch: server changes its title\n\n"
        "<!-- contract:end -->\n\n## [0.1.0]\n"
    )


@pytest.mark.parametrize(
    ("released", "changes", "changelog", "wrong"),
    [
        (
            contract.version(),
            [],
            contract.with_report(CHANGELOG, contract.report(contract.version(), [])),
            [],
        ),
        (
            contract.version(),
            CHANGES,
            CHANGELOG,
            ["CHANGELOG.md does not say how the contract has changed: run `make contract` and commit it."],
        ),
        (
            "0.0.9",
            CHANGES,
            contract.with_report(CHANGELOG, contract.report("0.0.9", CHANGES)),
            [],
        ),
        (
            "0.0.1",
            [Change(PATCH, "server", "changes its title")],
            "## [0.1.0]\n\n<!-- contract:begin -->\n<!-- contract:end -->\n",
            ["CHANGELOG.md must have <!-- contract:begin --> under [Unreleased]"],
        ),
    ],
)
def test_a_stale_changelog_is_refused(
    released: str, changes: list[Change], changelog: str, wrong: list[str]
) -> None:
    assert list(contract.problems({"version": released}, changes, changelog)) == wrong


def test_a_version_that_is_too_low_for_what_has_changed_is_refused() -> None:
    """A release that skips nothing: 0.0.x to 0.1.0 is enough for any change, 0.9.0 to this version is none."""
    changelog = contract.with_report(CHANGELOG, contract.report("0.9.0", CHANGES))
    assert list(contract.problems({"version": "0.9.0"}, CHANGES, changelog)) == [
        f"The version is {contract.version()}, but what has changed since 0.9.0 asks for 0.10.0 or higher."
    ]


@pytest.mark.anyio
async def test_the_contract_holds_every_kind_of_thing_that_is_offered() -> None:
    present = await contract.snapshot()
    kept = json.loads((ROOT / "conformance" / "contract.json").read_text("utf-8"))
    assert present.keys() == kept.keys()
    assert present["tools"]["get_product"].keys() == kept["tools"]["get_product"].keys()
