"""The limits of a shop: every rule, exactly at its boundary and just beyond it."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hoopai_products_mcp.guard.plan import EXISTS, Effect, Kind, Plan, PlanItem
from hoopai_products_mcp.guard.policy import Policy
from hoopai_products_mcp.guard.policy_file import PolicyFile, read_policy

TOOLS = ("delete_product", "undo_change")
NOON = datetime(2026, 3, 4, 12, tzinfo=UTC)
MUG = Effect(kind="product", id="p1", field="description", before="old", after="new", name="Mug")


def file_of(policy: Mapping[str, Any]) -> PolicyFile:
    numbers = _with_decimals(policy)
    return PolicyFile(path=Path("policy.toml"), policy=Policy.model_validate(numbers, context=TOOLS))


def _with_decimals(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {key: _with_decimals(item) for key, item in value.items()}  # pyright: ignore[reportUnknownVariableType]
    return Decimal(repr(value)) if isinstance(value, float) else value


def refused(
    policy: Mapping[str, Any],
    *effects: Effect,
    tool: str = "some_tool",
    destructive_last_hour: int = 0,
    now: datetime = NOON,
) -> list[str]:
    return file_of(policy).refusals(
        tool=tool,
        plan=Plan(action="Do it", effects=effects),
        destructive=destructive_last_hour > 0,
        destructive_last_hour=destructive_last_hour,
        now=now,
    )


def amount(
    before: Any, after: Any, currency: str | None = "USD", *, id: str = "v1", name: str = "Red"
) -> Effect:
    return Effect(
        kind="price",
        id=id,
        within="p1",
        field="amount",
        before=before,
        after=after,
        name=name,
        currency=currency,
    )


def currency(before: str, after: str | None, *, id: str = "v1") -> Effect:
    return Effect(kind="price", id=id, within="p1", field="currency", before=before, after=after)


def made(kind: Kind, **after: Any) -> Effect:
    return Effect(kind=kind, id=None, field=EXISTS, before=[], after=after, name=after.get("name", ""))


def gone(kind: Kind, id: str, image: dict[str, Any], *, within: str | None = None, name: str = "") -> Effect:
    return Effect(kind=kind, id=id, field=EXISTS, before=image, after=None, within=within, name=name)


RISE = {"prices": {"max_rise_percent": 12.5}}
FALL = {"prices": {"max_fall_percent": 30}}


def test_a_rise_is_refused_beyond_its_percentage_and_not_at_it() -> None:
    assert refused(RISE, amount(Decimal("80"), Decimal("90"))) == []
    assert refused(RISE, amount(Decimal("80"), Decimal("90.01"))) == [
        "The rise is too large for price “Red” (80 → 90.01 USD): prices.max_rise_percent = 12.5 in policy.toml."
    ]
    assert refused(RISE, amount(Decimal("80"), Decimal("1"))) == []


def test_a_fall_is_refused_beyond_its_percentage_and_not_at_it() -> None:
    assert refused(FALL, amount(10, 7)) == []
    assert refused(FALL, amount(10, Decimal("6.99"))) == [
        "The fall is too large for price “Red” (10 → 6.99 USD): prices.max_fall_percent = 30 in policy.toml."
    ]
    assert refused(FALL, amount(10, 100)) == []


def test_a_third_is_not_rounded_to_fit() -> None:
    policy = {"prices": {"max_rise_percent": Decimal("33.3333333333333333333333333333333333")}}
    assert len(refused(policy, amount(3, 4))) == 1


def test_no_amount_and_zero_have_no_percentage() -> None:
    both = {"prices": {"max_rise_percent": 0, "max_fall_percent": 0}}
    assert refused(both, amount(None, 5), amount(0, 5), amount(Decimal("0.00"), 5)) == []


def test_an_amount_that_is_taken_away_falls_to_nothing() -> None:
    assert len(refused(FALL, amount(10, None))) == 1


def test_was_prices_and_setup_fees_are_not_the_price() -> None:
    limits = {"prices": {"max_rise_percent": 0, "lowest": {"USD": 5}}}
    others = [replace(amount(1, 2), field=field) for field in ("compare_at_price", "setup_fee")]
    assert refused(limits, *others) == []


@pytest.mark.parametrize(
    ("code", "limit", "within", "beyond"),
    [("USD", 1, "1.00", "0.99"), ("JPY", 100, "100", "99"), ("KWD", 0.25, "0.250", "0.249")],
)
def test_the_lowest_amount_is_allowed_and_less_is_not(
    code: str, limit: float, within: str, beyond: str
) -> None:
    policy = {"prices": {"lowest": {code: limit}}}
    assert refused(policy, amount(None, Decimal(within), code)) == []
    assert refused(policy, amount(None, Decimal(beyond), code)) == [
        f"Too low for price “Red” ({beyond} {code}): prices.lowest.{code} = {limit} in policy.toml."
    ]
    assert refused(policy, amount(None, Decimal(beyond), "EUR")) == []
    assert refused(policy, amount(None, Decimal(beyond), code.lower())) != []


@pytest.mark.parametrize(
    ("code", "limit", "within", "beyond"),
    [("USD", 9.5, "9.50", "9.51"), ("JPY", 100, "100", "101"), ("KWD", 0.25, "0.250", "0.251")],
)
def test_the_highest_amount_is_allowed_and_more_is_not(
    code: str, limit: float, within: str, beyond: str
) -> None:
    policy = {"prices": {"highest": {code: limit}}}
    assert refused(policy, amount(None, Decimal(within), code)) == []
    assert refused(policy, amount(None, Decimal(beyond), code)) == [
        f"Too high for price “Red” ({beyond} {code}): prices.highest.{code} = {limit} in policy.toml."
    ]


def test_a_change_of_currency_decides_which_limit_counts() -> None:
    policy = {"prices": {"lowest": {"JPY": 100}, "highest": {"USD": 50}}}
    assert refused(policy, amount(10, 99), currency("USD", "JPY")) == [
        "Too low for price “Red” (10 → 99 JPY): prices.lowest.JPY = 100 in policy.toml."
    ]
    assert refused(policy, currency("USD", "JPY"), amount(10, 100)) == []
    assert refused(policy, amount(10, 10), currency("USD", "JPY")) != []
    assert refused(policy, currency("USD", "JPY")) == []
    assert refused(policy, amount(10, 99), currency("USD", "JPY", id="v2")) == [
        "Too high for price “Red” (10 → 99 USD): prices.highest.USD = 50 in policy.toml."
    ]


def test_an_amount_without_a_currency_is_refused_where_currencies_have_limits() -> None:
    assert refused({"prices": {"lowest": {"JPY": 100}}}, amount(10, 500, None)) == [
        "No currency to go by for price “Red” (10 → 500 in no currency): prices.lowest in policy.toml."
    ]
    assert refused({"prices": {"highest": {"JPY": 1}}}, amount(1, 1), currency("USD", None)) != []
    assert refused({}, amount(10, 500, None)) == []


@pytest.mark.parametrize("wrong", [True, "12", "", [], Decimal("NaN"), Decimal("sNaN"), Decimal("Infinity")])
def test_what_is_no_number_is_within_no_limit(wrong: Any) -> None:
    assert len(refused({"prices": {"highest": {"USD": 5}}}, amount(None, wrong))) == 1
    assert len(refused(RISE, amount(1, wrong))) == 1


def test_numbers_beyond_all_bounds_are_refused_and_told_in_short() -> None:
    assert refused(RISE, amount(1, Decimal("1e999999"))) == [
        "The rise is too large for price “Red” (1 → 1e+999999 USD): "
        "prices.max_rise_percent = 12.5 in policy.toml."
    ]
    assert len(refused(RISE, amount(Decimal("1e999999"), Decimal("1e999999") * 2))) == 1
    assert len(refused(FALL, amount(0.5, 0.25))) == 1


def test_a_created_price_keeps_to_the_lowest_and_highest() -> None:
    policy = {"prices": {"max_rise_percent": 0, "lowest": {"USD": 2}, "highest": {"USD": 3}}}
    assert refused(policy, made("price", amount=2, currency="USD"), made("price", name="No amount")) == []
    assert refused(policy, made("price", name="Blue", amount=1, currency="USD")) == [
        "Too low for price “Blue” (1 USD): prices.lowest.USD = 2 in policy.toml."
    ]
    nested = made("price", price={"name": "Blue", "amount": 4, "currency": "USD"})
    assert refused(policy, nested) == [
        "Too high for price “Blue” (4 USD): prices.highest.USD = 3 in policy.toml."
    ]
    assert refused(policy, gone("price", "v1", {"price": {"amount": 1, "currency": "USD"}})) == []


def test_the_prices_a_product_is_made_with_keep_to_the_limits_too() -> None:
    policy = {"prices": {"lowest": {"USD": 2}}}
    low = {"amount": Decimal("1.5"), "currency": "USD"}
    assert (
        len(refused(policy, made("product", name="Mug", prices=[{"amount": 2, "currency": "USD"}, low]))) == 1
    )
    assert len(refused(policy, made("product", product={"name": "Mug", "prices": [low]}, prices=[]))) == 1


def test_a_refusal_names_three_things_and_counts_the_rest() -> None:
    effects = [amount(10, 1, id=f"v{number}", name=f"Size\n{number}") for number in range(5)]
    effects.append(amount(10, 1, id="v9", name="x" * 100))
    assert refused(FALL, *effects) == [
        "The fall is too large for price “Size 0” (10 → 1 USD), price “Size 1” (10 → 1 USD), "
        "price “Size 2” (10 → 1 USD) and 3 more: prices.max_fall_percent = 30 in policy.toml."
    ]
    (told,) = refused(FALL, effects[-1])
    assert f"“{'x' * 59}…”" in told


def test_a_name_cannot_close_its_own_quotation_marks_or_hide_anything() -> None:
    (told,) = refused(FALL, amount(10, 1, name="Red” is fine.\u202e\n“"))
    assert "price “Red' is fine. “” (10" in told
    (unnamed,) = refused(FALL, amount(10, 1, name="\u200b"))
    assert "price “v1”" in unnamed


def test_the_number_of_things_is_limited_by_default() -> None:
    many = [replace(MUG, id=f"p{number}") for number in range(201)]
    assert refused({}, *many[:200]) == []
    assert refused({}, *many) == ["201 things are too many for one call: calls.max_items = 200 by default."]
    twice = [replace(effect, field="name") for effect in many[:200]]
    assert refused({}, *many[:200], *twice) == []


def test_things_to_be_made_are_counted_each_and_items_where_there_are_no_effects() -> None:
    policy = {"calls": {"max_items": 2}}
    two = [made("price", name="a"), made("price", name="b")]
    assert refused(policy, *two) == []
    assert refused(policy, *two, MUG) == [
        "3 things are too many for one call: calls.max_items = 2 in policy.toml."
    ]
    plan = Plan(action="Do it", items=tuple(PlanItem(label=str(number)) for number in range(3)))
    assert (
        len(
            file_of(policy).refusals(
                tool="x", plan=plan, destructive=False, destructive_last_hour=0, now=NOON
            )
        )
        == 1
    )


def test_destructive_calls_of_an_hour_are_counted_with_this_one() -> None:
    assert refused({}, MUG, destructive_last_hour=100) == []
    assert refused({}, MUG, destructive_last_hour=101) == [
        "This would be destructive call number 101 within an hour: calls.max_destructive_per_hour = 100 by default."
    ]
    assert len(refused({"calls": {"max_destructive_per_hour": 0}}, MUG, destructive_last_hour=1)) == 1
    calls = file_of({}).refusals(
        tool="x", plan=Plan(action="Do it"), destructive=False, destructive_last_hour=500, now=NOON
    )
    assert calls == []


def test_a_forbidden_tool_may_not_be_called_and_undo_is_a_tool_like_any_other() -> None:
    policy = {"calls": {"forbidden_tools": ["undo_change"]}}
    assert refused(policy, MUG, tool="undo_change") == [
        "undo_change may not be called: calls.forbidden_tools in policy.toml."
    ]
    assert refused(policy, MUG, tool="delete_product") == []


@pytest.mark.parametrize(
    "effect",
    [
        MUG,
        amount(1, 2),
        replace(made("price", name="Blue"), within="p1"),
        Effect(kind="stock", id="v1", within="p1", field="available_quantity", before=1, after=2),
        Effect(kind="store", id="p1", within="s1", field="shown", before=True, after=False),
        Effect(kind="order", id="p1", within="s1", field="priority", before=1, after=2),
        gone("product", "p1", {"product": {"name": "Mug"}, "prices": []}),
        gone("price", "v1", {"price": {}}, within="p1"),
        Effect(kind="collection", id="c1", field="members", before=["p1", "p2"], after=["p2"]),
        gone("collection", "c1", {"collection": {}, "members": ["p1"]}),
    ],
)
def test_a_protected_product_is_not_touched_in_any_way(effect: Effect) -> None:
    (told,) = refused({"protected": {"products": ["p1", "p9"]}}, effect)
    assert told.startswith(f"Protected for {effect.kind} “")
    assert told.endswith("”: protected.products in policy.toml.")
    assert refused({"protected": {"products": ["p9"]}}, effect) == []


def test_reviews_of_a_protected_product_may_be_moderated() -> None:
    everything = {"protected": {"products": ["p1"], "collections": ["p1"], "names": ["*"]}}
    review = Effect(kind="review", id="r1", within="p1", field="status", before="a", after="b", name="Mug")
    assert refused(everything, review, gone("review", "r1", {"review": {}}, within="p1")) == []


def test_a_protected_product_may_stay_in_a_collection_that_changes_around_it() -> None:
    members = Effect(kind="collection", id="c1", field="members", before=["p1"], after=["p1", "p2"])
    assert refused({"protected": {"products": ["p1"]}}, members) == []


@pytest.mark.parametrize(
    "effect",
    [
        Effect(kind="collection", id="c1", field="name", before="Sale", after="Sales", name="Sale"),
        gone("collection", "c1", {"collection": {"name": "Sale"}, "members": []}),
        replace(MUG, field="collection_ids", before=["c1", "c2"], after=["c2"]),
        replace(MUG, field="collection_ids", before=None, after=["c1"]),
        made("product", name="Mug", collection_ids=["c1"]),
        made("product", product={"name": "Mug", "collectionIds": ["c1"]}),
        gone("product", "p1", {"product": {"name": "Mug", "collectionIds": ["c1"]}, "prices": []}),
    ],
)
def test_a_protected_collection_keeps_itself_and_its_products(effect: Effect) -> None:
    assert len(refused({"protected": {"collections": ["c1"]}}, effect)) == 1
    assert refused({"protected": {"collections": ["c3"]}}, effect) == []


def test_a_product_of_a_protected_collection_may_change_where_it_is_not_about_that() -> None:
    policy = {"protected": {"collections": ["c1"]}}
    moved = replace(MUG, field="collection_ids", before=["c1"], after=["c1", "c2"])
    assert refused(policy, MUG, moved, replace(MUG, id="c1")) == []


@pytest.mark.parametrize(
    "effect",
    [
        replace(MUG, name="Digital GIFT Card 50"),
        replace(MUG, name="Gift\u00a0\u200bcard"),
        replace(MUG, name="\uff27ift  card"),
        replace(MUG, field="name", before="Mug", after="Gift card"),
        amount(1, 2, name="Gift card: 50"),
        made("product", name="gift card"),
        gone("product", "p1", {"product": {"name": "Gift card"}}),
        gone("product", "p1", {"product": {"name": "Voucher"}, "prices": [{"name": "As a gift card"}]}),
        Effect(kind="collection", id="c1", field="seo", name="Gift Cards"),
    ],
)
def test_what_is_called_like_a_pattern_is_not_touched(effect: Effect) -> None:
    (told,) = refused({"protected": {"names": ["*Gift Card*", "*lamp*"]}}, effect)
    assert told.startswith(f"Protected for {effect.kind} “")
    assert told.endswith('”: protected.names has "*Gift Card*" in policy.toml.')


def test_a_pattern_is_of_the_whole_name() -> None:
    assert refused({"protected": {"names": ["gift card"]}}, replace(MUG, name="Gift card 50")) == []
    assert refused({"protected": {"names": ["m?g"]}}, MUG) != []


NIGHT = {"from": "22:00", "to": "06:00", "timezone": "UTC"}


@pytest.mark.parametrize(
    ("quiet", "moment", "is_quiet"),
    [
        (NIGHT, "2026-03-04T21:59:59+00:00", False),
        (NIGHT, "2026-03-04T22:00:00+00:00", True),
        (NIGHT, "2026-03-05T05:59:59+00:00", True),
        (NIGHT, "2026-03-05T06:00:00+00:00", False),
        # 2026-03-07 is a Saturday: the hours belong to the day on which they begin.
        ({**NIGHT, "days": ["sat"]}, "2026-03-07T05:00:00+00:00", False),
        ({**NIGHT, "days": ["sat"]}, "2026-03-07T22:00:00+00:00", True),
        ({**NIGHT, "days": ["sat"]}, "2026-03-08T05:00:00+00:00", True),
        ({**NIGHT, "days": ["sat"]}, "2026-03-08T22:00:00+00:00", False),
        ({**NIGHT, "days": ["sun"]}, "2026-03-09T05:00:00+00:00", True),
        ({**NIGHT, "from": "00:00", "to": "24:00", "days": ["sun"]}, "2026-03-07T23:59:59+00:00", False),
        ({**NIGHT, "from": "00:00", "to": "24:00", "days": ["sun"]}, "2026-03-08T00:00:00+00:00", True),
        ({**NIGHT, "from": "00:00", "to": "24:00", "days": ["sun"]}, "2026-03-08T23:59:59+00:00", True),
        ({**NIGHT, "from": "09:00", "to": "17:00"}, "2026-03-08T17:00:00+00:00", False),
        ({**NIGHT, "from": "09:00", "to": "17:00"}, "2026-03-08T18:30:00+02:00", True),
        # In Berlin the clock goes from 02:00 to 03:00 on 2026-03-29 and from 03:00 back to 02:00 on 2026-10-25.
        ({**NIGHT, "timezone": "Europe/Berlin"}, "2026-03-28T20:59:59+00:00", False),
        ({**NIGHT, "timezone": "Europe/Berlin"}, "2026-03-28T21:00:00+00:00", True),
        ({**NIGHT, "timezone": "Europe/Berlin"}, "2026-03-29T03:59:59+00:00", True),
        ({**NIGHT, "timezone": "Europe/Berlin"}, "2026-03-29T04:00:00+00:00", False),
        ({**NIGHT, "timezone": "Europe/Berlin"}, "2026-03-29T20:00:00+00:00", True),
        ({"from": "02:30", "to": "02:45", "timezone": "Europe/Berlin"}, "2026-03-29T01:35:00+00:00", False),
        ({"from": "02:30", "to": "02:45", "timezone": "Europe/Berlin"}, "2026-10-25T00:35:00+00:00", True),
        ({"from": "02:30", "to": "02:45", "timezone": "Europe/Berlin"}, "2026-10-25T01:35:00+00:00", True),
    ],
)
def test_nothing_is_written_in_quiet_hours(quiet: dict[str, Any], moment: str, is_quiet: bool) -> None:
    assert bool(refused({"quiet_hours": quiet}, MUG, now=datetime.fromisoformat(moment))) is is_quiet


def test_a_refusal_in_quiet_hours_says_what_time_it_is_there() -> None:
    berlin = {"from": "22:00", "to": "06:00", "timezone": "Europe/Berlin", "days": ["sun", "sat"]}
    assert refused({"quiet_hours": berlin}, MUG, now=datetime(2026, 7, 4, 20, 5, tzinfo=UTC)) == [
        "Nothing is written in quiet hours, and it is sat 22:05: "
        "quiet_hours = 22:00 to 06:00 (sat, sun), Europe/Berlin in policy.toml."
    ]


def test_without_a_zone_the_clock_of_the_machine_counts() -> None:
    local = datetime(2026, 3, 4, 12, 30).astimezone()
    quiet = {"quiet_hours": {"from": "12:00", "to": "13:00"}}
    assert len(refused(quiet, MUG, now=local.astimezone(UTC))) == 1
    assert refused(quiet, MUG, now=local.replace(hour=13).astimezone(UTC)) == []


def test_every_broken_rule_is_told() -> None:
    policy = {
        "prices": {"max_fall_percent": 10, "lowest": {"USD": 2}},
        "calls": {"max_items": 1, "max_destructive_per_hour": 1, "forbidden_tools": ["delete_product"]},
        "protected": {"products": ["p1"], "names": ["red"]},
        "quiet_hours": {"from": "00:00", "to": "24:00"},
    }
    told = refused(policy, MUG, amount(10, 1), tool="delete_product", destructive_last_hour=2)
    assert len(told) == 8


def test_a_mended_file_lets_writes_through_again(tmp_path: Path) -> None:
    path = tmp_path / "policy.toml"

    def told() -> list[str]:
        return read_policy(path, must_exist=True, tools=TOOLS).refusals(
            tool="x",
            plan=Plan(action="Do it", effects=(MUG,)),
            destructive=False,
            destructive_last_hour=0,
            now=NOON,
        )

    assert told() != []
    for text, is_refused in (
        ("[calls]\nmax_items = '1'", True),
        ("[calls]\nmax_items = 1", False),
        ("x", True),
    ):
        path.write_text(text)
        assert bool(told()) is is_refused


CURRENCIES = ("USD", "JPY", "KWD", "EUR")
MONEY = st.decimals(min_value=0, max_value=10**9, places=3) | st.integers(0, 10**9)
PERCENT = st.none() | st.decimals(min_value=0, max_value=100, places=2)
LIMITS = st.dictionaries(st.sampled_from(CURRENCIES[:3]), MONEY)
CHANGES = st.lists(
    st.tuples(st.none() | MONEY, MONEY, st.sampled_from(CURRENCIES), st.none() | st.sampled_from(CURRENCIES)),
    max_size=6,
)


@given(rise=PERCENT, fall=PERCENT, lowest=LIMITS, highest=LIMITS, changes=CHANGES)
def test_no_plan_with_an_amount_beyond_the_limits_is_allowed_and_no_other_is_refused(
    rise: Decimal | None,
    fall: Decimal | None,
    lowest: dict[str, Decimal | int],
    highest: dict[str, Decimal | int],
    changes: list[tuple[Decimal | int | None, Decimal | int, str, str | None]],
) -> None:
    lowest = {code: floor for code, floor in lowest.items() if floor <= highest.get(code, floor)}
    prices: dict[str, Any] = {"lowest": lowest, "highest": highest}
    prices |= {} if rise is None else {"max_rise_percent": rise}
    prices |= {} if fall is None else {"max_fall_percent": fall}
    effects: list[Effect] = []
    beyond = False
    for number, (before, after, code, new_code) in enumerate(changes):
        effects.append(amount(before, after, code, id=f"v{number}"))
        if new_code:
            effects.append(currency(code, new_code, id=f"v{number}"))
        counts = new_code or code
        beyond |= after < lowest.get(counts, 0) or after > highest.get(counts, after)
        if before:
            percent = (Fraction(after) - Fraction(before)) / Fraction(before) * 100
            beyond |= rise is not None and percent > Fraction(rise)
            beyond |= fall is not None and -percent > Fraction(fall)
    assert bool(refused({"prices": prices}, *effects)) is beyond


@pytest.mark.parametrize(
    "name",
    [
        "gift card",
        "Gift \u200b card",
        "Gift\u3164 card",
        "Gi\u034fft card",
        "Gift\ufe0f card",
        "Gift\n card\u2800",
    ],
)
def test_what_shows_nothing_hides_no_name_from_a_pattern(name: str) -> None:
    assert len(refused({"protected": {"names": ["gift card"]}}, replace(MUG, name=name))) == 1
    assert len(refused({"protected": {"names": [name]}}, replace(MUG, name="Gift Card"))) == 1
