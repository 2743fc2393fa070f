"""Who the sandbox's shop belongs to: invented constants that are safe to print."""

from typing import Final

TOKEN: Final = "pit-sandbox-00000000-0000-4000-8000-000000000000"  # noqa: S105 - invented, and public on purpose
"""The one token the sandbox accepts unless told otherwise. It opens nothing but a sandbox."""

LOCATION_ID: Final = "sbxLocation000000001"
"""The sub-account the shop belongs to."""

ONLINE_STORE_ID: Final = "sbxStoreOnline000001"
"""The shop's main store, which shows most products."""

MARKET_STORE_ID: Final = "sbxStoreMarket000002"
"""A small second store, which shows a few."""

API_VERSION: Final = "2021-07-28"
"""The value of the `Version` header that the API asks for."""

BASE_URL: Final = "https://sandbox.example.com"
"""A base address for clients that use the in-process transport; no socket is ever opened to it."""
