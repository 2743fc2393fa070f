"""The HTML of the approval page: no script, one style, and every text of the shop escaped."""

import base64
import hashlib
from collections.abc import Iterable, Sequence
from html import escape
from typing import TYPE_CHECKING

from ..guard.plan import from_plain
from .plan_text import all_items, how_many, plainly, status_words, why_not_decided
from .terminal import flat, moment

if TYPE_CHECKING:
    from ..guard.ledger import PlanRecord
    from ..guard.plan import Plan

_STYLE = """
:root { color-scheme: light dark; }
body { font: 1rem/1.5 system-ui, sans-serif; margin: 0 auto; max-width: 46rem; padding: 1rem; }
h1, h2, p, li, dd, label { overflow-wrap: anywhere; }
h1 { font-size: 1.4rem; line-height: 1.3; }
h2 { font-size: 1.1rem; }
article, fieldset { border: 1px solid GrayText; border-radius: .4rem; margin: 1rem 0; padding: .8rem 1rem; }
article h2 { margin-top: 0; }
dl { display: grid; gap: .2rem 1rem; grid-template-columns: max-content 1fr; }
dt { font-weight: 600; }
dd { margin: 0; }
.lasting, .problem { border-left: .4rem solid #b3261e; padding-left: .8rem; }
code { font-family: ui-monospace, monospace; overflow-wrap: anywhere; }
input[type=text] { box-sizing: border-box; font: inherit; max-width: 24rem; padding: .4rem; width: 100%; }
input[type=checkbox] { height: 1.2rem; width: 1.2rem; vertical-align: text-bottom; }
button { font: inherit; min-height: 2.75rem; padding: .4rem 1.2rem; }
:focus-visible { outline: .2rem solid Highlight; outline-offset: .1rem; }
@media (max-width: 30rem) { dl { display: block; } dd { margin: 0 0 .5rem; } }
"""
_STYLE_HASH = base64.b64encode(hashlib.sha256(_STYLE.encode()).digest()).decode()
SECURITY_POLICY = "; ".join(
    [
        "default-src 'none'",
        f"style-src 'sha256-{_STYLE_HASH}'",
        "form-action 'self'",
        "frame-ancestors 'none'",
        "base-uri 'none'",
    ]
)
"""What a browser may do on these pages: show them, and send their forms back."""

_HOME = "/approvals"


def list_page(waiting: "Sequence[tuple[PlanRecord, str]]") -> str:
    """All that waits, the oldest first, each with the shop it is for, where there are several."""
    title = f"Waiting for approval: {len(waiting)}" if waiting else "Nothing waits for approval"
    return _page(title, [f"<h1>{title}</h1>", *(_card(record, shop) for record, shop in waiting)])


def message_page(title: str, text: str) -> str:
    """What became of a request, and the way back."""
    return _page(title, [f"<h1>{_text(title)}</h1>", f"<p>{_text(text)}</p>", _back()])


def plan_page(record: "PlanRecord", token: str, *, now: float, problem: str = "", shop: str = "") -> str:
    """One plan with everything in it, and the forms to decide on it, if it can be decided on.

    token:
        the hidden field that shows that a form is one of this page.
    problem:
        what was wrong with the form that was sent.
    shop:
        how a person knows the shop, where there are several.
    """
    plan = from_plain(record.plan)
    reason = why_not_decided(record, now)
    parts = [
        f"<h1>{_text(plan.action)}</h1>",
        *([f'<p class="problem" role="alert">{_text(problem)}</p>'] if problem else []),
        _facts([*_shop_row(shop), *_head(record, plan, now)]),
        *_told(plan),
        *_arguments(record),
        *([f"<p>{_text(reason)}</p>"] if reason else _forms(record, plan, token)),
        _back(),
    ]
    return _page("Mistake: " + plan.action if problem else plan.action, parts)


def _shop_row(shop: str) -> list[tuple[str, str]]:
    return [("shop", shop)] if shop else []


def _card(record: "PlanRecord", shop: str) -> str:
    plan = from_plain(record.plan)
    rows = [
        *_shop_row(shop),
        ("made", moment(record.created)),
        ("tool", record.title),
        ("touches", how_many(plan)),
    ]
    link = f'<a href="{_HOME}/{escape(record.id)}">{_text(plan.action)}</a>'
    lasting = [f'<p class="lasting">Cannot be undone: {_text(plan.lasting)}</p>'] if plan.lasting else []
    return "\n".join(["<article>", f"<h2>{link}</h2>", _facts(rows), *lasting, "</article>"])


def _head(record: "PlanRecord", plan: "Plan", now: float) -> list[tuple[str, str]]:
    return [
        ("tool", f"{record.title} ({record.tool})"),
        ("touches", how_many(plan)),
        ("location", record.location),
        ("asked by", record.caller),
        ("made", moment(record.created)),
        ("good until", moment(record.expires)),
        ("status", status_words(record, now)),
        ("id", record.id),
    ]


def _told(plan: "Plan") -> list[str]:
    items = all_items(plan)
    return [
        *(["<h2>What it touches</h2>", _list(items)] if items else []),
        *(["<h2>What goes with it</h2>", _list(plan.also)] if plan.also else []),
        *(
            [f'<div class="lasting"><h2>What cannot be undone</h2><p>{_text(plan.lasting)}</p></div>']
            if plan.lasting
            else []
        ),
    ]


def _arguments(record: "PlanRecord") -> list[str]:
    if not record.arguments:
        return []
    rows = [
        f"<dt><code>{_text(name)}</code></dt><dd><code>{_text(plainly(value))}</code></dd>"
        for name, value in record.arguments.items()
    ]
    return ["<h2>What the call was made with</h2>", f"<dl>{''.join(rows)}</dl>"]


def _forms(record: "PlanRecord", plan: "Plan", token: str) -> list[str]:
    action = f'<form method="post" action="{_HOME}/{escape(record.id)}">'
    hidden = f'<input type="hidden" name="token" value="{escape(token)}">'
    typed = plan.typed
    if typed is None:
        agree = (
            '<p><input type="checkbox" id="confirm" name="confirm" value="yes" required> '
            '<label for="confirm">Yes, do this</label></p>'
        )
    else:
        what = "the number of things" if plan.things != 1 else "this"
        agree = (
            f'<p><label for="typed">To approve, type {what}: <strong>{_text(typed)}</strong></label></p>'
            '<p><input type="text" id="typed" name="typed" required autocomplete="off" autocapitalize="off" '
            'spellcheck="false"></p>'
        )
    approve = '<button type="submit" name="decision" value="approve">Approve</button>'
    reject = '<button type="submit" name="decision" value="reject">Reject</button>'
    return [
        f"{action}{hidden}<fieldset><legend>Approve</legend>{agree}<p>{approve}</p></fieldset></form>",
        f"{action}{hidden}<fieldset><legend>Reject</legend><p>{reject}</p></fieldset></form>",
    ]


def _facts(rows: Iterable[tuple[str, str]]) -> str:
    return (
        "<dl>" + "".join(f"<dt>{_text(name)}</dt><dd>{_text(value)}</dd>" for name, value in rows) + "</dl>"
    )


def _list(lines: Iterable[str]) -> str:
    return "<ul>" + "".join(f"<li>{_text(line)}</li>" for line in lines) + "</ul>"


def _back() -> str:
    return f'<p><a href="{_HOME}">All that waits</a></p>'


def _text(text: object) -> str:
    return escape(flat(text))


def _page(title: str, body: Iterable[str]) -> str:
    lines = [
        "<!DOCTYPE html>",
        '<html lang="en">',
        "<head>",
        '<meta charset="utf-8">',
        '<meta name="viewport" content="width=device-width, initial-scale=1">',
        f"<title>{_text(title)} - HoopAI Products approvals</title>",
        f"<style>{_STYLE}</style>",
        "</head>",
        "<body>",
        "<main>",
        *body,
        "</main>",
        "</body>",
        "</html>",
    ]
    return "\n".join(lines) + "\n"
