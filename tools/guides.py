"""The tool that gives the texts of the prompts to clients that have no prompts."""

from typing import Literal

from . import views
from .records import Risk, Toolset, tool
from .shop import Shop

Topic = Literal[
    "draft_product_description",
    "triage_reviews",
    "reply_to_review",
    "launch_product",
    "plan_sale",
    "reprice",
    "restock_report",
    "seo_refresh",
    "catalog_health",
    "build_collection",
    "import_check",
    "end_of_season",
]
"""The names of the prompts, which this floor does not know; a test compares them."""


@tool(
    operation="the prompts of this server",
    title="Get a guide",
    toolset=Toolset.GUIDES,
    risk=Risk.READ,
    open_world=False,
)
async def get_guide(shop: Shop, *, topic: Topic) -> views.Guide:
    """How a bigger job is done well: what to read first, what to ask the merchant, each step, the checks."""
    if shop.guides is None:
        raise RuntimeError("a call has no guides")
    title, text = shop.guides(topic)
    return views.Guide(topic=topic, title=title, guide=text)
