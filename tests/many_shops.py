"""Several invented shops of two agencies, each with a text of its own in everything, and a file that names them."""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from starlette.applications import Starlette

from hoopai_products_mcp.sandbox.app import create_app, sandbox_of
from hoopai_products_mcp.sandbox.engine import Sandbox


@dataclass(frozen=True)
class Invented:
    """One shop: the name in the file, its location, its title, and the mark that all its texts bear."""

    name: str
    location_id: str
    title: str
    mark: str

    @property
    def words(self) -> set[str]:
        """Whatever tells of this shop and of no other."""
        return {self.name, self.location_id, self.title, self.mark}


LAMPS = Invented("north-lamps", "locNorthLamps01", "Lumen Hall", "Quizzlewick")
VASES = Invented("north-vases", "locNorthVases02", "Urn & Ewer", "Brambleton")
RUGS = Invented("south-rugs", "locSouthRugs03", "Warp Works", "Zephyrine")
BEDS = Invented("south-beds", "locSouthBeds04", "Downy Deep", "Korvaxian")
NORTH, SOUTH = (LAMPS, VASES), (RUGS, BEDS)
SHOPS = (*NORTH, *SOUTH)

_TEXTS = ("name", "headline", "detail")
_TABLES = ("products", "prices", "collections", "reviews")


def marked_app(shop: Invented) -> Starlette:
    """The demo shop, with the mark of this one in every text, and a token of its own."""
    app = create_app(location_id=shop.location_id, token=f"pit-of-{shop.name}", rate_limit=0)
    database = sandbox_of(app).database
    for table in _TABLES:
        for text in _TEXTS:
            database.run(f"update {table} set doc = replace(doc, ?, ?)", *_marked(text, shop.mark))
    return app


def _marked(text: str, mark: str) -> tuple[str, str]:
    return f'"{text}":"', f'"{text}":"{mark} '


def marked_apps(shops: Iterable[Invented] = SHOPS) -> dict[str, Starlette]:
    """The apps of these shops, by name."""
    return {shop.name: marked_app(shop) for shop in shops}


def sandboxes(apps: dict[str, Starlette]) -> dict[str, Sandbox]:
    """What is behind the apps."""
    return {name: sandbox_of(app) for name, app in apps.items()}


def shops_file(folder: Path, shops: Iterable[Invented] = SHOPS, **more: str) -> Path:
    """A file that names these shops; `more` is further lines for a shop, by its name with `_` for `-`."""
    path = folder / "shops.toml"
    tables = [
        f'[shops.{shop.name}]\nlocation_id = "{shop.location_id}"\ntitle = "{shop.title}"\n'
        + more.get(shop.name.replace("-", "_"), "")
        for shop in shops
    ]
    path.write_text("\n\n".join(tables))
    return path
