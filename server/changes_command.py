"""The command `changes`: what was changed through this server, looked up, taken back, settled and exported."""

import shlex
from typing import TYPE_CHECKING

from ..guard.plan import from_plain
from .command_parser import FAILED, PROGRAM, CommandError, Parser, checked, dispatch, read_settings
from .kept import kept, kept_at, refuse_without_store, store_parser
from .plan_text import plainly, plan_lines
from .terminal import moment, named, show

if TYPE_CHECKING:
    from ..guard.journal import Change
    from .profiles import Profile

_DESCRIPTION = """\
What was changed through this server.

commands:
  list (or none)    the newest first, a page at a time
  show ID           one change in full: before and after, who allowed it, what came of it
  undo ID           take a change back; it is planned and asked like any other, at a terminal only
  reconcile         find out what became of changes whose outcome is not known
  export            all of them, as CSV or JSON Lines

examples:
  hoopai-products-mcp changes --limit 50
  hoopai-products-mcp changes show chg_abcdefghijkl
  hoopai-products-mcp changes undo chg_abcdefghijkl
  hoopai-products-mcp changes export --format csv --output changes.csv

Each takes --data-dir, and has a --help of its own."""

_PAGE = 25
_MOST_DIGITS = 9
OUTCOMES = ("done", "not_done", "unknown")
CONFLICTS = ("stop", "skip", "overwrite")
"""The values of `list_changes` and `undo_change`; importing those tools would cost the help its speed."""
_SHOP_SETTINGS = (
    "location_id",
    "shops_file",
    "sandbox",
    "data_dir",
    "policy_file",
    "base_url",
    "api_version",
    "timeout",
)


def run(arguments: list[str]) -> int:
    """Run one of its commands; the exit code is 0, or 1 when it was not done."""
    commands = {
        "list": _list,
        "show": _show,
        "undo": _undo,
        "reconcile": _reconcile,
        "export": _export,
    }
    return dispatch("changes", arguments, commands, default="list", description=_DESCRIPTION)


def _list(arguments: list[str]) -> int:
    parser = store_parser(
        "changes list",
        description="What was changed, the newest first.",
        epilog=f"examples:\n  {PROGRAM} changes list --outcome unknown\n"
        f"  {PROGRAM} changes list --tool update_price --limit 10 --offset 10",
    )
    parser.option("--limit", type=checked(_count), default=_PAGE, metavar="N", help="how many (%(default)s)")
    parser.option(
        "--offset", type=checked(_count), default=0, metavar="N", help="how many of the newest to leave out"
    )
    parser.option("--tool", metavar="NAME", help="only by this tool")
    parser.choice("--outcome", OUTCOMES, help="only with this outcome")
    found = parser.read(arguments)
    with kept_at(vars(found)) as store:
        changes, total = store.journal.list(
            location=store.only,
            tool=found.tool,
            outcome=found.outcome,
            limit=found.limit,
            offset=found.offset,
        )
        shops = {change.id: store.place(change.location) if store.several else None for change in changes}
    if not changes:
        show("No changes." if not total else f"No more changes: there are {total} of them.")
        return 0
    for change in changes:
        show(*_summary(change, shop=shops[change.id]), "")
    following = found.offset + len(changes)
    show(f"{found.offset + 1} to {following} of {total}.")
    if following < total:
        show(f"More:  {PROGRAM} changes list --offset {following}{_same(vars(found))}")
    show(f"Read one in full:  {PROGRAM} changes show ID")
    return 0


def _same(found: dict[str, object]) -> str:
    """The options of a list that its next page needs as well."""
    given = {name: found[name] for name in ("limit", "tool", "outcome", "shop", "data_dir", "shops_file")}
    options = {name: value for name, value in given.items() if value not in {None, _PAGE}}
    return "".join(f" --{name.replace('_', '-')} {shlex.quote(str(options[name]))}" for name in options)


def _count(text: str) -> int:
    if not (text.isascii() and text.isdigit() and len(text) <= _MOST_DIGITS):
        raise ValueError("must be a whole number from 0")
    return int(text)


def outcome_words(change: "Change") -> str:
    """What became of a change."""
    outcome = change.outcome
    if outcome is None:
        return "under way, or broken off"
    words = {"done": "done", "not_done": "not done", "unknown": "not known"}[outcome.outcome]
    if outcome.outcome != "not_done" and outcome.applied and outcome.applied != outcome.of:
        words += f", {outcome.applied} of {outcome.of} parts are there"
    found_out = change.settled and outcome.outcome != "unknown"
    return words + (", found out later" if found_out else "")


def _summary(change: "Change", *, why: bool = False, shop: str | None = None) -> list[str]:
    return [
        f"  {change.id}   {moment(change.time)}",
        *named(
            [
                ("shop", shop),
                ("what", from_plain(change.plan).action),
                ("outcome", outcome_words(change)),
                ("why", change.outcome.why if why and change.outcome else None),
                ("undoes", change.undoes),
                ("undone by", ", ".join(change.undone_by)),
            ]
        ),
    ]


def _show(arguments: list[str]) -> int:
    parser = store_parser(
        "changes show",
        description="One change in full.",
        epilog=f"example:\n  {PROGRAM} changes show chg_abcdefghijkl",
    )
    parser.add_argument("id", metavar="ID", help="as `changes list` names it")
    found = vars(parser.read(arguments))
    with kept_at(found) as store:
        change = store.journal.find(found["id"])
        if change is None:
            raise CommandError("no change has that id.")
        store.refuse_other("change", change.location)
        place, several = store.place(change.location), store.several
    outcome = change.outcome
    show(
        change.id,
        *named(
            [
                ("tool", f"{change.title} ({change.tool})"),
                ("when", moment(change.time)),
                ("shop" if several else "location", place),
                ("caller", change.caller),
                ("client", change.client),
                ("allowed", _road(change.road)),
                ("outcome", outcome_words(change)),
                ("why", outcome and outcome.why),
                ("undoes", change.undoes),
                ("undone by", ", ".join(change.undone_by)),
            ]
        ),
        "",
        *plan_lines(from_plain(change.plan), whole=True),
    )
    for title, values in (
        ("The call was made with", change.arguments),
        ("The shop answered", outcome.response if outcome else None),
    ):
        if values:
            show("", f"  {title}", *named(((name, plainly(value)) for name, value in values.items()), "    "))
    return 0


_ROADS = {
    "not_needed": "unasked: it changes one thing and can be taken back",
    "person": "a person answered the client's question",
    "confirmation_token": "the assistant said that a person agreed",
    "human_approval": "a person approved it outside the conversation",
    "confirmation_off": "unasked: asking was switched off",
}


def _road(road: str) -> str:
    kind, _, by = road.partition(" by ")
    return _ROADS.get(kind, kind) + (f": {by}" if by else "")


def _shop_parser(command: str, *, description: str, example: str) -> Parser:
    parser = Parser(
        command,
        description=description,
        epilog=f"example:\n  {PROGRAM} {example}\n\nThe shop is the one of the server: the same variables count.",
    )
    parser.settings(_SHOP_SETTINGS)
    return parser


def _undo(arguments: list[str]) -> int:
    parser = _shop_parser(
        "changes undo",
        description="Take a change back: it is planned from the shop as it is now, and you are asked.",
        example="changes undo chg_abcdefghijkl --on-conflict skip",
    )
    from .shop_option import chosen_shops, known_shops, shop_option

    shop_option(parser)
    parser.add_argument("id", metavar="ID", help="as `changes list` names it")
    parser.choice(
        "--on-conflict", CONFLICTS, default=CONFLICTS[0], help="for what somebody changed since (%(default)s)"
    )
    found = vars(parser.read(arguments))
    from .terminal import somebody_is_there

    if not somebody_is_there():
        raise CommandError("undoing needs a person at a terminal. Nothing was changed.")
    settings = read_settings(found)
    with kept(settings, found["shop"]) as store:
        change = store.journal.find(found["id"])
        if change is None:
            raise CommandError("no change has that id. Nothing was changed.")
        store.refuse_other("change", change.location, so="Nothing was changed.")
    from .own_client import undo
    from .profiles import with_name

    known = known_shops(settings, reachable=False)
    if settings.shops_file is not None and with_name(known, change.location) is None:
        raise CommandError(
            "that change is of a shop that the file of shops does not name. Nothing was changed."
        )
    (shop,) = chosen_shops(settings, change.location) if settings.shops_file is not None else known
    return undo(shop, found["id"], on_conflict=found["on_conflict"])


def _reconcile(arguments: list[str]) -> int:
    parser = _shop_parser(
        "changes reconcile",
        description="Read the shop to find out what became of changes whose outcome is not known.",
        example="changes reconcile",
    )
    from .shop_option import chosen_shops, shop_option

    shop_option(parser)
    found = vars(parser.read(arguments))
    settings = read_settings(found)
    refuse_without_store(settings)
    left = total = 0
    for shop in chosen_shops(settings, found["shop"]):
        unsettled, unknown = _settle(shop)
        total += unsettled
        left += unknown
    if not total:
        show("Of every change it is known what became of it.")
        return 0
    show(f"{total - left} of {total} settled.")
    return FAILED if left else 0


def _settle(shop: "Profile") -> tuple[int, int]:
    """Look at the changes of one shop of which it is not known what became: how many there were, and are still."""
    from .own_client import location_of, reconcile

    settings = shop.settings
    with kept(settings) as store:
        open_ones = store.journal.unsettled(location_of(shop))
    # At another address of the API the location is another shop.
    unsettled = [change.id for change in open_ones if change.base_url == settings.base_url]
    if not unsettled:
        return 0, 0
    left = reconcile(shop, unsettled)
    with kept(settings) as store:
        for change_id in unsettled:
            if change := store.journal.find(change_id):
                show(*_summary(change, why=True, shop=shop.words if shop.name else None), "")
    return len(unsettled), left


def _export(arguments: list[str]) -> int:
    from pathlib import Path

    parser = store_parser(
        "changes export",
        description=(
            "All changes, the newest first: as CSV for a spreadsheet, or as JSON Lines with everything in it.\n"
            "It holds texts of the shop, those of deleted reviews among them."
        ),
        epilog=f"example:\n  {PROGRAM} changes export --format csv --output changes.csv",
    )
    parser.choice("--format", ("csv", "json"), default="csv", help="%(default)s unless given")
    parser.option("--output", type=Path, metavar="FILE", help="a new file (without it: to stdout)")
    found = parser.read(arguments)
    from .export import export

    with kept_at(vars(found)) as store:
        count = export(store, form=found.format, output=found.output)
    if found.output is not None:
        from ..tools.text import counted

        show(f"{counted(count, 'change')} written.")
    return 0
