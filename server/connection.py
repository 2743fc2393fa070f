"""What reaches the API of one shop: the live one, or the embedded sandbox."""

from typing import TYPE_CHECKING

from ..guard.store import Store
from .profiles import Profile
from .settings import Settings

if TYPE_CHECKING:
    from starlette.applications import Starlette

    from ..products_api.client import ProductsClient
    from ..products_api.watching import Watch
    from ..sandbox.engine import Sandbox
    from .sharing import Sharing


class Connection:
    """The API client of one shop, made by the first call that needs it.

    `sandbox_app` is the embedded shop to work on when the settings choose the sandbox; a new one unless given.
    `store` is where OAuth logins are kept. `profile` is the shop, where there is a file of shops. `watch` is told
    of every request.
    """

    def __init__(
        self,
        settings: Settings,
        *,
        store: "Store | None" = None,
        sandbox_app: "Starlette | None" = None,
        profile: Profile | None = None,
        watch: "Watch | None" = None,
    ) -> None:
        self._settings = settings
        self._profile = profile or Profile(settings=settings)
        self._store = store or Store(settings.store_url)
        self._sandbox_app = sandbox_app
        self._watch = watch
        self._client: ProductsClient | None = None
        self._own_sandbox: Sandbox | None = None
        self._sharing: Sharing | None = None

    @property
    def location_id(self) -> str:
        """The location that is worked on."""
        if not self._settings.sandbox or self._profile.name:
            return self._settings.location_id or ""
        from ..sandbox.identity import LOCATION_ID

        return LOCATION_ID

    @property
    def client(self) -> "ProductsClient":
        """The client."""
        if self._client is None:
            self._client = self._embedded() if self._settings.sandbox else self._live()
        return self._client

    def _live(self) -> "ProductsClient":
        from ..products_api.client import ProductsClient
        from .sharing import Sharing
        from .shop_access import access_of

        settings = self._settings
        self._sharing = Sharing(settings, self._store, self.location_id)
        return ProductsClient(
            base_url=settings.base_url,
            token=access_of(settings, self._store, login=self._profile.login, shop=self._profile.name),
            location_id=self.location_id,
            api_version=settings.api_version,
            timeout=settings.timeout,
            budget=self._sharing.budget,
            watch=self._watch,
        )

    def _embedded(self) -> "ProductsClient":
        from ..products_api.client import ProductsClient
        from ..sandbox.app import create_app, sandbox_of
        from ..sandbox.transport import SandboxTransport

        app = self._sandbox_app
        if app is None:
            file = self._settings.sandbox_file(self._profile.name)
            if file is not None:
                file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            app = create_app(data=file, location_id=self.location_id)
            self._own_sandbox = sandbox_of(app)
        return ProductsClient(
            base_url="http://sandbox.invalid",
            token=sandbox_of(app).token,
            location_id=self.location_id,
            timeout=self._settings.timeout,
            transport=SandboxTransport(app),
            watch=self._watch,
        )

    async def aclose(self) -> None:
        """Close the client's connections, if it ever had any."""
        if self._client is not None:
            await self._client.aclose()
            self._client = None
        if self._sharing is not None:
            self._sharing.close()
            self._sharing = None
        if self._own_sandbox is not None:
            self._own_sandbox.close()
            self._own_sandbox = None
