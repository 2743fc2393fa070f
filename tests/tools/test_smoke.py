import pytest
from shop_session import ERAS, Era, no, shop_session, yes

pytestmark = pytest.mark.anyio


@pytest.mark.parametrize("era", ERAS)
async def test_a_product_is_deleted_after_a_yes_and_kept_after_a_no(era: Era) -> None:
    async with shop_session(yes, era=era) as session:
        first = (await session.call("list_products", limit=1))["items"][0]
        gone = await session.call("delete_product", product_id=first["id"])
        assert gone == {"deleted": True, "id": first["id"], "name": first["name"]}
        assert first["name"] in session.questions[0]
    async with shop_session(no, era=era) as session:
        said = await session.refused("delete_product", product_id=first["id"])
        assert said.startswith("Not confirmed: the answer was no. Nothing was changed.")
        assert session.writes() == []
