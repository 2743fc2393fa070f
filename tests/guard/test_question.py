"""What is asked of a person, and which answers are a yes."""

from typing import Any

import pytest

from hoopai_products_mcp.guard import question
from hoopai_products_mcp.guard.plan import EXISTS, Effect, Plan

GONE = Effect(kind="review", id="r1", field=EXISTS, before={}, name="Lamp")
TICK = Plan(action="Hide “Lamp”", effects=(GONE,))
NAME = Plan(action="Delete “Lamp”", effects=(GONE,), lasting="it", target="Größe M")
ID = Plan(action="Delete “Lamp”", effects=(GONE,), lasting="it", target="\u202eLamp")
MANY = Plan(
    action="Set stock",
    effects=tuple(Effect(kind="stock", id=str(n), field="available_quantity", after=1) for n in range(25)),
)


@pytest.mark.parametrize(
    ("plan", "last", "name", "title"),
    [
        (TICK, "To go ahead, tick the box.", "confirm", "Yes, do this"),
        (NAME, "To go ahead, type: Größe M", "typed", "Type the name to go ahead"),
        (ID, "To go ahead, type: r1", "typed", "Type the id to go ahead"),
        (MANY, "To go ahead, type: 25", "typed", "Type the number of items to go ahead"),
    ],
)
def test_a_question_ends_with_what_to_do_and_fills_nothing_in(
    plan: Plan, last: str, name: str, title: str
) -> None:
    assert question.message(plan).splitlines()[-1] == last
    form = question.form(plan)
    assert form["required"] == [name]
    assert list(form["properties"]) == [name]
    assert form["properties"][name]["title"] == title
    assert "default" not in form["properties"][name]


def test_what_happened_before_stands_in_front() -> None:
    assert question.message(TICK, "The shop changed.").startswith("The shop changed.\n\nHide “Lamp”")


@pytest.mark.parametrize(
    "typed", ["Größe M", "größe m", "  GRÖSSE  M ", "Gro\u0308ße M", "\uff27röße\u3000M"]
)
def test_case_spacing_and_the_form_of_accents_do_not_matter(typed: str) -> None:
    assert question.objection(NAME, "accept", {"typed": typed}) is None


@pytest.mark.parametrize(
    ("plan", "action", "content", "words"),
    [
        (TICK, "accept", {"confirm": True}, None),
        (TICK, "accept", {"confirm": False}, question.UNTICKED),
        (TICK, "accept", {"confirm": "true"}, question.MALFORMED),
        (TICK, "accept", {"confirm": 1}, question.MALFORMED),
        (TICK, "accept", {"typed": "Lamp"}, question.MALFORMED),
        (TICK, "accept", {}, question.MALFORMED),
        (TICK, "accept", None, question.MALFORMED),
        (TICK, "decline", {"confirm": True}, question.DECLINED),
        (TICK, "cancel", {"confirm": True}, question.CLOSED),
        (TICK, "whatever", {"confirm": True}, question.DECLINED),
        (NAME, "accept", {"confirm": True}, question.MALFORMED),
        (NAME, "accept", {"typed": True}, question.MALFORMED),
        (NAME, "accept", {"typed": ""}, question.wrong_words("Größe M")),
        (NAME, "accept", {"typed": "Größe"}, question.wrong_words("Größe M")),
        (NAME, "accept", {"typed": "yes"}, question.wrong_words("Größe M")),
        (NAME, "decline", {"typed": "Größe M"}, question.DECLINED),
        (ID, "accept", {"typed": "\u202eLamp"}, question.wrong_words("r1")),
        (MANY, "accept", {"typed": "25"}, None),
        (MANY, "accept", {"typed": 25}, question.MALFORMED),
        (MANY, "accept", {"typed": "24"}, question.wrong_words("25")),
    ],
)
def test_an_answers_content_is_read(
    plan: Plan, action: str, content: dict[str, Any] | None, words: str | None
) -> None:
    assert question.objection(plan, action, content) == words
    if words is not None:
        assert "Nothing was changed." in words


def test_nothing_typed_never_agrees_even_with_nothing_wanted() -> None:
    assert not question.same_words("", "")
    assert not question.same_words("  ", " ")
