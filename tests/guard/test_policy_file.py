"""The policy file: what it may hold, and that whatever is wrong with it is told and stops every write."""

import os
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

import pytest

from hoopai_products_mcp.guard.plan import Effect, Plan
from hoopai_products_mcp.guard.policy import Policy
from hoopai_products_mcp.guard.policy_file import PolicyFile, explain, read_policy

ROOT = Path(__file__).resolve().parents[2]
TOOLS = (
    "create_price",
    "update_price",
    "delete_product",
    "delete_collection",
    "bulk_delete_products",
    "undo_change",
)
NOON = datetime(2026, 3, 4, 12, tzinfo=UTC)
PLAN = Plan(action="Rename the product", effects=(Effect(kind="product", id="p1", field="name", name="Mug"),))


def read(tmp_path: Path, text: str | bytes) -> PolicyFile:
    path = tmp_path / "policy.toml"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return read_policy(path, must_exist=True, tools=TOOLS)


def refusals(file: PolicyFile) -> list[str]:
    return file.refusals(
        tool="update_product", plan=PLAN, destructive=False, destructive_last_hour=1, now=NOON
    )


def test_every_setting_is_read_and_amounts_are_exact(tmp_path: Path) -> None:
    file = read(
        tmp_path,
        """
        [prices]
        max_rise_percent = 12.1
        max_fall_percent = 0
        lowest = { JPY = 100, KWD = 0.250 }
        [prices.highest]
        USD = 19.99
        [calls]
        max_items = 3
        max_destructive_per_hour = 0
        forbidden_tools = ["undo_change"]
        [protected]
        products = ["p1"]
        collections = ["c1", "c2"]
        names = ["*gift card*"]
        [quiet_hours]
        from = "22:00"
        to = "06:30"
        timezone = "Europe/Berlin"
        days = ["Sun", "sat"]
        """,
    )
    assert file.problems == ()
    assert file.policy is not None
    assert file.policy.model_dump() == {
        "prices": {
            "max_rise_percent": Decimal("12.1"),
            "max_fall_percent": Decimal(0),
            "lowest": {"JPY": Decimal(100), "KWD": Decimal("0.250")},
            "highest": {"USD": Decimal("19.99")},
        },
        "calls": {"max_items": 3, "max_destructive_per_hour": 0, "forbidden_tools": ("undo_change",)},
        "protected": {"products": ("p1",), "collections": ("c1", "c2"), "names": ("*gift card*",)},
        "quiet_hours": {
            "start": 22 * 60,
            "end": 6 * 60 + 30,
            "timezone": "Europe/Berlin",
            "days": ("sat", "sun"),
        },
    }


def test_without_a_file_the_defaults_hold(tmp_path: Path) -> None:
    missing = tmp_path / "policy.toml"
    assert read_policy(None, must_exist=False, tools=TOOLS) == PolicyFile(path=None, policy=Policy())
    assert read_policy(missing, must_exist=False, tools=TOOLS) == PolicyFile(path=missing, policy=Policy())
    assert read(tmp_path, "").policy == Policy()


def test_a_file_that_was_named_must_be_there(tmp_path: Path) -> None:
    file = read_policy(tmp_path / "limits.toml", must_exist=True, tools=TOOLS)
    assert refusals(file) == [
        "No write is allowed until limits.toml is mended.",
        "limits.toml does not exist where it was said to be",
    ]


def test_a_link_to_nowhere_is_not_a_missing_file(tmp_path: Path) -> None:
    link = tmp_path / "policy.toml"
    link.symlink_to(tmp_path / "gone.toml")
    assert read_policy(link, must_exist=False, tools=TOOLS).policy is None


def test_what_is_no_file_stops_every_write(tmp_path: Path) -> None:
    folder = tmp_path / "policy.toml"
    folder.mkdir()
    for must_exist in (True, False):
        file = read_policy(folder, must_exist=must_exist, tools=TOOLS)
        assert refusals(file) == [
            "No write is allowed until policy.toml is mended.",
            "policy.toml is not a file",
        ]
    below_a_file = tmp_path / "file"
    below_a_file.write_text("")
    assert read_policy(below_a_file / "policy.toml", must_exist=False, tools=TOOLS).problems == (
        "policy.toml cannot be read: Not a directory",
    )
    assert read_policy(Path("a\0b"), must_exist=False, tools=TOOLS).policy is None


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (
            b"[prices\n",
            "policy.toml is not TOML: Expected ']' at the end of a table declaration (at line 1, column 8)",
        ),
        (b"a = 1\na = 2\n", "policy.toml is not TOML: Cannot overwrite a value (at line 2, column 6)"),
        (b"[calls]\nmax_items = \xff\n", "policy.toml is not text in UTF-8"),
        (b"x = 1e99999999999999999999\n", "policy.toml is not TOML: "),
        (b"x = " + b"[" * 100_000, "policy.toml is not TOML: "),
        (b"#" * 1_000_001, "policy.toml is too large for a policy"),
    ],
)
def test_what_is_no_toml_stops_every_write(tmp_path: Path, content: bytes, problem: str) -> None:
    file = read(tmp_path, content)
    assert file.policy is None
    assert len(file.problems) == 1
    assert file.problems[0].startswith(problem)
    assert refusals(file) == ["No write is allowed until policy.toml is mended.", *file.problems]


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("[price]", "policy.toml, line 1: price is not known here; did you mean prices?"),
        (
            "\n[prices]\nmax_rise_procent = 5",
            "policy.toml, line 3: prices.max_rise_procent is not known here; did you mean max_rise_percent?",
        ),
        (
            "max_items = 5",
            "policy.toml, line 1: max_items is not known here; it belongs under [calls]",
        ),
        (
            "[protected]\nxyz = 5",
            "policy.toml, line 2: protected.xyz is not known here. Known: products, collections, names",
        ),
        ("prices = 5", "policy.toml, line 1: prices must be a table, such as [prices]"),
        ("[[prices]]", "policy.toml: prices must be a table, such as [prices]"),
        (
            "[prices]\nlowest = 5",
            "policy.toml, line 2: prices.lowest must be a table, such as [prices.lowest]",
        ),
        (
            '[prices]\nmax_rise_percent = "5"',
            "policy.toml, line 2: prices.max_rise_percent must be a number from 0 to 100000, without quotes",
        ),
        (
            "prices.max_fall_percent = 100.5",
            "policy.toml, line 1: prices.max_fall_percent must be a number from 0 to 100, without quotes",
        ),
        (
            "[prices]\nmax_fall_percent = nan",
            "policy.toml, line 2: prices.max_fall_percent must be a number from 0 to 100, without quotes",
        ),
        (
            "[prices]\nmax_fall_percent = true",
            "policy.toml, line 2: prices.max_fall_percent must be a number from 0 to 100, without quotes",
        ),
        (
            "[prices.lowest]\nUSD = 1\nEUR = -1",
            "policy.toml, line 3: prices.lowest.EUR must be a number from 0 to 1000000000000, without quotes",
        ),
        (
            "[prices.lowest]\nUSD = inf",
            "policy.toml, line 2: prices.lowest.USD must be a number from 0 to 1000000000000, without quotes",
        ),
        (
            "[prices.lowest]\nusd = 1",
            "policy.toml, line 2: prices.lowest.usd is not a currency; did you mean USD?",
        ),
        (
            "[prices.highest]\n'€' = 1",
            "policy.toml, line 2: prices.highest.€ is not a currency; it looks like USD",
        ),
        (
            "[prices]\nlowest = { USD = 2 }\nhighest = { USD = 1 }",
            "policy.toml, line 1: prices lets nothing through: lowest.USD is above highest.USD",
        ),
        (
            "[calls]\nmax_items = 0",
            "policy.toml, line 2: calls.max_items must be a whole number from 1, without quotes",
        ),
        (
            "[calls]\nmax_items = true",
            "policy.toml, line 2: calls.max_items must be a whole number from 1, without quotes",
        ),
        (
            "[calls]\nmax_destructive_per_hour = 1.5",
            "policy.toml, line 2: calls.max_destructive_per_hour must be a whole number from 0, without quotes",
        ),
        (
            '[calls]\nforbidden_tools = ["delete_products", "update_price"]',
            "policy.toml, line 2: calls.forbidden_tools names delete_products, no tool that writes; "
            "did you mean delete_product?",
        ),
        (
            '[protected]\nproducts = "p1"',
            "policy.toml, line 2: protected.products must be a list of texts without spaces around them, "
            'such as ["one", "two"]',
        ),
        (
            '[protected]\nnames = ["a", " "]',
            "policy.toml, line 2: protected.names must be a list of texts without spaces around them, "
            'such as ["one", "two"]',
        ),
        ('[quiet_hours]\nfrom = "22:00"', "policy.toml, line 1: quiet_hours.to is missing"),
        (
            '[quiet_hours]\nfrom = "24:01"\nto = "06:00"',
            'policy.toml, line 2: quiet_hours.from must be a time of day in quotes, such as "22:00"',
        ),
        (
            '[quiet_hours]\nfrom = 22:00:00\nto = "06:00"',
            'policy.toml, line 2: quiet_hours.from must be a time of day in quotes, such as "22:00"',
        ),
        (
            '[quiet_hours]\nfrom = "22:00"\nto = "22:00"',
            'policy.toml, line 1: quiet_hours takes two different times; a whole day is from = "00:00", to = "24:00"',
        ),
        (
            '[quiet_hours]\nfrom = "1:00"\nto = "06:00"',
            'policy.toml, line 2: quiet_hours.from must be a time of day in quotes, such as "22:00"',
        ),
        (
            '[quiet_hours]\nfrom = "01:00"\nto = "06:00"\ntimezone = "Europe/Berln"',
            "policy.toml, line 4: quiet_hours.timezone is no time zone known here; did you mean Europe/Berlin?",
        ),
        (
            '[quiet_hours]\nfrom = "01:00"\nto = "06:00"\ntimezone = "../x"',
            "policy.toml, line 4: quiet_hours.timezone is no time zone known here",
        ),
        (
            '[quiet_hours]\nfrom = "01:00"\nto = "06:00"\ntimezone = 1',
            'policy.toml, line 4: quiet_hours.timezone must be a time zone in quotes, such as "Europe/Berlin"',
        ),
        (
            '[quiet_hours]\nfrom = "01:00"\nto = "06:00"\ndays = ["sat", "sunn"]',
            "policy.toml, line 4: quiet_hours.days names sunn, no day; did you mean sun?",
        ),
        (
            '[quiet_hours]\nfrom = "01:00"\nto = "06:00"\ndays = ["?"]',
            "policy.toml, line 4: quiet_hours.days names ?, no day; days are mon, tue, wed, thu, fri, sat, sun",
        ),
        (
            '[quiet_hours]\nfrom = "01:00"\nto = "06:00"\ndays = []',
            "policy.toml, line 4: quiet_hours.days names no day; leave it out for every day",
        ),
        ('"" = 1', 'policy.toml, line 1: "" is not known here. Known: prices, calls, protected, quiet_hours'),
    ],
)
def test_a_wrong_setting_is_told_with_its_line_and_key(tmp_path: Path, text: str, problem: str) -> None:
    file = read(tmp_path, text)
    assert (file.policy, file.problems) == (None, (problem,))


def test_all_problems_are_told_at_once_in_the_order_of_the_file(tmp_path: Path) -> None:
    file = read(tmp_path, '[quiet_hours]\nfrom = 1\n[prices.lowest]\nUSD = "1"\n[calls]\nmax_item = 1\n')
    assert [problem.split(":")[0] for problem in file.problems] == [
        "policy.toml, line 1",
        "policy.toml, line 2",
        "policy.toml, line 4",
        "policy.toml, line 6",
    ]


def test_a_file_with_a_byte_order_mark_and_windows_line_ends_is_read(tmp_path: Path) -> None:
    file = read(tmp_path, b"\xef\xbb\xbf[calls]\r\nmax_items = 5\r\n")
    assert file.policy is not None
    assert file.policy.calls.max_items == 5


def test_an_edit_counts_at_the_next_read_even_of_the_same_size_and_time(tmp_path: Path) -> None:
    path = tmp_path / "policy.toml"
    broken = read(tmp_path, "[calls]\nmax_items = 0\n")
    before = path.stat()
    assert broken.policy is None
    mended = read(tmp_path, "[calls]\nmax_items = 7\n")
    assert mended.policy is not None
    assert refusals(mended) == []
    other = tmp_path / "other"
    other.write_text("[calls]\nmax_items = 8\n")
    os.utime(other, ns=(before.st_atime_ns, before.st_mtime_ns))
    other.replace(path)
    again = read_policy(path, must_exist=True, tools=TOOLS)
    assert again.policy is not None
    assert again.policy.calls.max_items == 8


def test_the_rules_are_explained_with_their_defaults(tmp_path: Path) -> None:
    assert explain(read_policy(None, must_exist=False, tools=TOOLS)) == [
        "One call raises an amount by any percentage (prices.max_rise_percent, by default).",
        "One call lowers an amount by any percentage (prices.max_fall_percent, by default).",
        "Lowest amounts: none (prices.lowest, by default).",
        "Highest amounts: none (prices.highest, by default).",
        "One call touches at most 200 things (calls.max_items, by default).",
        "Within an hour there are at most 100 destructive calls (calls.max_destructive_per_hour, by default).",
        "Tools that may not be called: none (calls.forbidden_tools, by default).",
        "Products that are not touched: none (protected.products, by default).",
        "Collections that are not touched: none (protected.collections, by default).",
        "Names of what is not touched: none (protected.names, by default).",
        "Nothing is written: no quiet hours (quiet_hours, by default).",
    ]
    assert explain(read(tmp_path, "[calls]\nmax_items = 0\n")) == [
        "No write is allowed until policy.toml is mended.",
        "policy.toml, line 2: calls.max_items must be a whole number from 1, without quotes",
    ]


def test_the_example_in_the_documentation_holds() -> None:
    file = read_policy(ROOT / "docs" / "policy.example.toml", must_exist=True, tools=TOOLS)
    assert file.problems == ()
    assert explain(file) == [
        "One call raises an amount by at most 25 % (prices.max_rise_percent).",
        "One call lowers an amount by at most 30 % (prices.max_fall_percent).",
        "Lowest amounts: 1 USD, 0.5 EUR, 100 JPY, 0.25 KWD (prices.lowest).",
        "Highest amounts: 5000 USD, 5000 EUR (prices.highest).",
        "One call touches at most 50 things (calls.max_items).",
        "Within an hour there are at most 20 destructive calls (calls.max_destructive_per_hour).",
        "Tools that may not be called: delete_collection, bulk_delete_products (calls.forbidden_tools).",
        "Products that are not touched: 6578278e879ad2646715ba9c (protected.products).",
        "Collections that are not touched: 65d71377c326ea78e1c47df5 (protected.collections).",
        "Names of what is not touched: *gift card* (protected.names).",
        "Nothing is written: 22:00 to 06:00 (fri, sat), Europe/Berlin (quiet_hours).",
    ]
