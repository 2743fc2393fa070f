"""How the callers of a server over HTTP are known, made from its settings."""

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any, cast

from mcp.server.auth.middleware.bearer_auth import BearerAuthBackend
from mcp.server.auth.routes import build_resource_metadata_url, create_protected_resource_routes
from mcp.server.auth.settings import AuthSettings

from .callers import NEEDED, needed_rights
from .http_gate import Challenge, Identification
from .settings import variable

if TYPE_CHECKING:
    from mcp.server.auth.provider import AccessToken
    from pydantic import AnyHttpUrl
    from starlette.routing import Route

    from .key_tokens import KeyVerifier
    from .settings import Settings


class IdentificationError(Exception):
    """Callers cannot be known with what is set; nothing is served."""


def identification_of(
    settings: "Settings", tools: Iterable[Mapping[str, Any]], *, shops: frozenset[str] = frozenset()
) -> "tuple[Identification | None, list[Route]]":
    """How callers are known, None where nobody has to say who they are; and what is published about it.

    `shops` are the names and location ids to which keys may be limited.

    Raises:
        IdentificationError: the file of keys cannot be read or holds something else.
    """
    if settings.http_auth == "none":
        return None, []
    needed = needed_rights(tools)
    if settings.http_auth == "key":
        challenge = Challenge(scopes=None, metadata_url=None, offered=())
        keys = _keys(settings, shops)

        async def standing(token: "AccessToken") -> "AccessToken | None":
            return await keys.verify_token(token.token)

        return Identification(BearerAuthBackend(keys), challenge, needed, standing), []
    if settings.http_issuer is None or settings.public_url is None:
        raise IdentificationError("an issuer and the address of this server are needed")
    from .jwt_tokens import JwtVerifier

    verifier = JwtVerifier(
        issuer=settings.http_issuer,
        resource=settings.public_url,
        scopes=settings.http_scopes,
        jwks_url=settings.http_jwks_url,
        shops=settings.http_locations,
    )
    # Addresses that stay as they were set: an empty path would get a slash, and issuers are compared by letters.
    urls = AuthSettings.model_validate(
        {
            "issuer_url": settings.http_issuer,
            "resource_server_url": settings.public_url,
            "validate_token_resource": True,
        }
    )
    resource = cast("AnyHttpUrl", urls.resource_server_url)
    offered = max(needed.values(), key=len, default=NEEDED["read"])
    published = create_protected_resource_routes(
        resource,
        [urls.issuer_url],
        scopes_supported=settings.http_scopes.named(offered),
        resource_name="HoopAI Products",
    )
    challenge = Challenge(
        scopes=settings.http_scopes, metadata_url=str(build_resource_metadata_url(resource)), offered=offered
    )
    return Identification(
        BearerAuthBackend(verifier, resource_server_url=resource), challenge, needed
    ), published


def _keys(settings: "Settings", shops: frozenset[str]) -> "KeyVerifier":
    from .key_tokens import KeyVerifier

    text = settings.http_keys.get_secret_value() if settings.http_keys is not None else None
    where = variable("http_keys")
    try:
        KeyVerifier(text, None, shops=shops)
        where = f"the file that {variable('http_keys_file')} names"
        return KeyVerifier(text, settings.http_keys_file, shops=shops)
    except ValueError as error:
        said = f"{where} {error}"
    except OSError as error:
        said = f"{where} cannot be read: {error.strerror}"
    raise IdentificationError(said)
