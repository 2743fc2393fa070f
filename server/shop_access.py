"""Which of the ways to have a token these settings choose: the variable, a file, an OAuth login, or the keyring."""

from typing import TYPE_CHECKING

from ..products_api.access import Access, FileAccess, FixedAccess
from ..products_api.credentials import Token

if TYPE_CHECKING:
    from ..guard.store import Store
    from ..products_api.oauth import OAuth
    from .settings import Settings


KEYRING = "the system's keyring"


def access_of(settings: "Settings", store: "Store", *, login: str = "", shop: str = "") -> Access:
    """What gives the tokens for a real shop; `login` tells its OAuth login from others with the same app.

    `shop` is its name where there are several.

    Raises:
        ValueError: these settings have no shop.
    """
    if settings.access_token is not None:
        return FixedAccess(Token(settings.access_token.get_secret_value()))
    if settings.access_token_file is not None:
        where = f"`access_token_file` of the shop {shop}" if shop else "HOOPAI_ACCESS_TOKEN_FILE"
        return FileAccess(settings.access_token_file, setting=where)
    if settings.location_id is None:
        raise ValueError("without the sandbox, a location is needed")
    if settings.client_id is None:
        from .keyring_token import KeyringAccess

        return KeyringAccess(settings.location_id, shop=shop)
    from .oauth_access import OAuthAccess, login_name

    name = login_name(settings.base_url, settings.client_id, login)
    return OAuthAccess(oauth_of(settings), store, name=name, location_id=settings.location_id, shop=shop)


def oauth_of(settings: "Settings") -> "OAuth":
    """The token endpoint for the app of these settings.

    Raises:
        ValueError: they have no app.
    """
    from ..products_api.oauth import OAuth

    if settings.client_id is None or settings.client_secret is None:
        raise ValueError("an app has a client id and a client secret")
    return OAuth(
        base_url=settings.base_url,
        client_id=settings.client_id,
        client_secret=Token(settings.client_secret.get_secret_value()),
        api_version=settings.api_version,
        timeout=settings.timeout,
    )


def is_login(settings: "Settings") -> bool:
    """Whether it is an OAuth login."""
    without_token = settings.access_token is None and settings.access_token_file is None
    return not settings.sandbox and settings.client_id is not None and without_token


def way_in_words(settings: "Settings", shop: str = "") -> str:
    """Where the token comes from, for a person; `shop` is the name of the shop where there are several."""
    if settings.sandbox:
        return "the embedded shop's own"
    if settings.access_token is not None:
        return "HOOPAI_ACCESS_TOKEN"
    if settings.access_token_file is not None:
        return f"the file that {'access_token_file' if shop else 'HOOPAI_ACCESS_TOKEN_FILE'} names"
    if settings.client_id is not None:
        return "the OAuth login"
    return KEYRING
