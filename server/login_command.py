"""The commands `login` and `logout`: let the app in at the platform, or put a token into the system's keyring."""

import secrets
import sys
from collections.abc import Generator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from .command_parser import FAILED, PROGRAM, USAGE_ERROR, CommandError, Parser, checked, read_settings
from .shop_option import known_shops, shop_option, the_shop
from .terminal import show, somebody_is_there, wrapped

if TYPE_CHECKING:
    from ..guard.logins import Logins
    from ..products_api.credentials import Token
    from ..products_api.oauth import Grant
    from .callback import Callback
    from .profiles import Profile
    from .settings import Settings

DEFAULT_PORT = 8910
WAIT_SECONDS = 300.0
_SETTINGS = (
    "client_id",
    "authorize_url",
    "scopes",
    "location_id",
    "shops_file",
    "base_url",
    "data_dir",
    "timeout",
)

_DESCRIPTION = """\
Log in to the shop.

With the client id and secret of an OAuth app in the environment, a browser is opened in which you let the app in;
the tokens are kept in the store of the server and renewed there by themselves.
With --token, a Private Integration Token is read from the terminal (or from a pipe) into the system's keyring."""


def login(arguments: list[str]) -> int:
    """Log in; the exit code."""
    parser = Parser(
        "login",
        description=_DESCRIPTION,
        epilog=f"examples:\n  {PROGRAM} login\n  {PROGRAM} login --no-browser\n"
        f"  {PROGRAM} login --token --location-id your-location",
    )
    parser.option("--token", action="store_true", help="keep a Private Integration Token in the keyring")
    parser.option("--no-browser", action="store_true", help="print the address instead of opening it")
    parser.option(
        "--paste",
        action="store_true",
        help="for a browser on another machine: paste the address at which it ended",
    )
    parser.option(
        "--port",
        type=checked(_port),
        default=DEFAULT_PORT,
        metavar="N",
        help="the app's redirect address is http://127.0.0.1:N/callback (%(default)s)",
    )
    shop_option(parser)
    parser.settings(_SETTINGS)
    found = vars(parser.read(arguments))
    port: int = found.pop("port")
    whole = read_settings(found)
    shop = the_shop(whole, found["shop"], reachable=False)
    settings = shop.settings
    if settings.location_id is None:
        raise CommandError("HOOPAI_LOCATION_ID says for which shop: set it first.", code=USAGE_ERROR)
    if found["token"]:
        return _keep_token(shop, settings.location_id)
    if settings.client_id is None or settings.client_secret is None:
        raise CommandError(
            "to log in with a browser, the server needs an OAuth app. Set in its environment:",
            "  HOOPAI_CLIENT_ID      the app's client id",
            "  HOOPAI_CLIENT_SECRET  the app's client secret",
            f"Without an app, use a Private Integration Token: {PROGRAM} login --token",
            code=USAGE_ERROR,
        )
    others = _others_of_login(whole, shop)
    return _log_in(shop, port, others=others, paste=found["paste"], browser=not found["no_browser"])


def _others_of_login(settings: "Settings", shop: "Profile") -> list[str]:
    """The names of the other shops that work with the login of this one, which is an agency's then."""
    known = known_shops(settings, reachable=False) if settings.shops_file is not None else []
    return [other.name for other in known if other.login == shop.login and other.name != shop.name]


def _port(text: str) -> int:
    from .values import port

    return 0 if text == "0" else port(text)


def _keep_token(shop: "Profile", location_id: str) -> int:
    import getpass

    from .keyring_token import KeyringError, keep
    from .values import token

    settings = shop.settings

    if somebody_is_there():
        text = getpass.getpass("Private Integration Token (it is not shown): ")
    else:
        text = sys.stdin.readline()
    try:
        text = token(text.strip()) or ""
    except ValueError as error:
        raise CommandError(f"the token {error}. Nothing was kept.") from None
    try:
        keep(location_id, text)
    except KeyringError as error:
        raise CommandError(f"{error} Nothing was kept.") from None
    try:
        settings.data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
        settings.keyring_mark.touch(mode=0o600)
    except OSError as error:
        raise CommandError(
            "the token is in the system's keyring, and no server will look for it there: the folder "
            f"{settings.data_dir} cannot be written: {error.strerror}.",
            "Give another folder with --data-dir, here and to the server.",
        ) from None
    show(
        wrapped(f"The token of location {location_id} is in the system's keyring. {_who_uses_it(shop)}"),
        f"See whether it works:  {PROGRAM} doctor{_of(shop)}",
    )
    return 0


def _who_uses_it(shop: "Profile") -> str:
    """When the token in the keyring counts."""
    from .shop_access import KEYRING, way_in_words

    way = way_in_words(shop.settings, shop.name)
    if not shop.name:
        first = "" if way == KEYRING else f" What is set here comes first: {way}."
        return (
            "A server with this HOOPAI_LOCATION_ID and neither a token nor an app in its environment uses it."
            + first
        )
    if way == KEYRING:
        return f"A server with this file of shops uses it for {shop.name}."
    return f"It is not used as long as the file of shops names another way in for {shop.name}: {way}."


def _of(shop: "Profile") -> str:
    return f" --shop {shop.name}" if shop.name else ""


def _log_in(shop: "Profile", port: int, *, others: list[str], paste: bool, browser: bool) -> int:
    from ..products_api.oauth import authorize_url
    from .callback import CallbackError, listening

    settings = shop.settings
    try:
        with listening(port, secrets.token_urlsafe(24)) as callback:
            address = authorize_url(
                settings.authorize_url,
                client_id=settings.client_id or "",
                redirect_uri=callback.address,
                scopes=settings.scopes,
                state=callback.state,
            )
            code = _pasted(callback, address) if paste else _come_back(callback, address, browser=browser)
            return _exchanged(shop, code, callback.address, others=others)
    except CallbackError as error:
        raise CommandError(f"{error} Nothing was kept.") from None
    except OSError as error:
        raise CommandError(
            f"port {port} of this machine cannot be listened on: {error.strerror}.",
            "Give another one with --port, and register its redirect address with the app.",
        ) from None


def _come_back(callback: "Callback", address: str, *, browser: bool) -> "Token":
    import webbrowser

    opened = browser and webbrowser.open(address)
    words = "A browser was opened. If it was not, go there yourself:" if opened else "Let the app in at:"
    show(words, f"  {address}", "", "Waiting until the browser comes back; Ctrl-C ends it.")
    callback.wait(WAIT_SECONDS)
    if callback.code is None:
        raise CommandError(
            callback.problem or "the browser did not come back in five minutes.", "Nothing was kept."
        )
    return callback.code


def _pasted(callback: "Callback", address: str) -> "Token":
    from .terminal import ask

    show("Let the app in at:", f"  {address}", "")
    pasted = ask("Then paste the whole address at which the browser ended, though its page cannot be shown.")
    if not pasted:
        raise CommandError("nothing was pasted. Nothing was kept.")
    return callback.take(pasted)


def _exchanged(shop: "Profile", code: "Token", redirect_uri: str, *, others: list[str]) -> int:
    import anyio

    from ..products_api.errors import ProductsApiError
    from .shop_access import oauth_of

    settings = shop.settings

    async def exchange() -> "Grant":
        oauth = oauth_of(settings)
        try:
            return await oauth.exchange(code, redirect_uri=redirect_uri)
        finally:
            await oauth.aclose()

    try:
        grant = anyio.run(exchange)
    except ProductsApiError as error:
        raise CommandError(
            f"{error.happened} Nothing was kept. Begin anew: {PROGRAM} login{_of(shop)}"
        ) from None
    if not grant.is_agency and others:
        # Kept, it would end the agency's own login, by which the others work.
        raise CommandError(
            f"the app was let into one location, and the login is that of an agency, also for {', '.join(others)}.",
            "Nothing was kept. Choose the agency in the browser.",
        )
    if not grant.is_agency and grant.location_id not in {None, settings.location_id}:
        wanted = f"the shop {shop.name}" if shop.name else "HOOPAI_LOCATION_ID"
        raise CommandError(
            f"the app was let into location {grant.location_id}, and {wanted} is {settings.location_id}.",
            "Nothing was kept. Choose that location in the browser, or set the other id.",
        )
    _keep_grant(shop, grant)
    whose = f"the agency {grant.company_id}" if grant.is_agency else f"location {settings.location_id}"
    show(wrapped(f"Logged in for {whose}. The server renews the login by itself."))
    if missing := sorted(set(settings.scopes.split()) - set(grant.scope.split())):
        show(wrapped(f"Not granted: {', '.join(missing)}. What needs them will be refused."))
    show(f"See whether it works:  {PROGRAM} doctor{_of(shop)}")
    return 0


def _keep_grant(shop: "Profile", grant: "Grant") -> None:
    from ..guard.store_errors import StoreError
    from .oauth_access import login_name, to_plain

    settings = shop.settings
    name = login_name(settings.base_url, settings.client_id or "", shop.login)
    try:
        with _store(settings) as logins:
            # The tokens of locations that an earlier login of an agency gave are not this login's.
            logins.forget_got_with(name)
            logins.keep(name, to_plain(grant))
    except StoreError as error:
        said = str(error)
    else:
        return
    raise CommandError(f"the login could not be kept. {said}")


@contextmanager
def _store(settings: "Settings") -> "Generator[Logins]":
    from ..guard.database import Database
    from ..guard.logins import Logins as Kept

    database = Database.open(settings.store_url)
    try:
        yield Kept(database)
    finally:
        database.close()


def logout(arguments: list[str]) -> int:
    """Forget the login or the token in the keyring; the exit code."""
    parser = Parser(
        "logout",
        description="Forget the login of the shop on this side.",
        epilog=f"example:\n  {PROGRAM} logout",
    )
    shop_option(parser)
    parser.settings(("client_id", "location_id", "shops_file", "base_url", "data_dir"))
    found = vars(parser.read(arguments))
    whole = read_settings(found)
    shop = the_shop(whole, found["shop"], reachable=False)
    settings = shop.settings
    gone: list[str] = []
    if settings.client_id is not None:
        gone += _forget_login(shop, _others_of_login(whole, shop))
    if settings.location_id is not None and settings.keyring_mark.exists():
        gone += _forget_token(settings, settings.location_id)
    if not gone:
        show("There was nothing to forget: no login of these settings is kept here.")
        return FAILED
    show(*(wrapped(line) for line in gone))
    return 0


def _forget_login(shop: "Profile", others: list[str]) -> list[str]:
    from ..guard.store_errors import StoreError
    from .oauth_access import login_name

    settings = shop.settings
    name = login_name(settings.base_url, settings.client_id or "", shop.login)
    try:
        with _store(settings) as logins:
            was = logins.forget(name)
            logins.forget_got_with(name)
    except StoreError as error:
        raise CommandError(f"the login could not be forgotten. {error}") from None
    if not was:
        return []
    also = f" It was the agency's, and also that of {', '.join(others)}." if others else ""
    return [
        f"The login is forgotten here.{also} A server that is running works on with the access token that it holds, "
        "for up to a day: end it. At the platform the app is still let in, and an access token that somebody copied "
        "works for up to a day: uninstall the app there to end that too."
    ]


def _forget_token(settings: "Settings", location_id: str) -> list[str]:
    from .keyring_token import KeyringError, forget

    try:
        forget(location_id)
    except KeyringError as error:
        raise CommandError(f"{error} The token is still there.") from None
    settings.keyring_mark.unlink(missing_ok=True)
    return [
        "The token is out of the system's keyring. At the platform it is still good: delete the Private Integration "
        "there to end that too."
    ]
