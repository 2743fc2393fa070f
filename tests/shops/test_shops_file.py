"""The file of shops: what it may hold, and the words for what it may not."""

from collections.abc import Mapping
from pathlib import Path

import pytest

from hoopai_products_mcp.server.profiles import Profile, profiles_of
from hoopai_products_mcp.server.settings import Settings, SettingsError

SECRET = "pit-1b2c3d4e-0000-4000-8000-5f6a7b8c9d0e"
"""Stands where no secret belongs, and must not be repeated."""


def read(folder: Path, text: str, **flags: str) -> list[Profile]:
    """The shops of a file with this text; it may name files of the folder as `@name`."""
    path = folder / "shops.toml"
    path.write_text(text.replace("@", f"{folder}/"))
    return profiles_of(Settings.read({}, {"shops_file": str(path), **flags}))


def problems(folder: Path, text: str, **flags: str) -> list[str]:
    """What is said of a file that is not taken."""
    with pytest.raises(SettingsError) as refused:
        read(folder, text, **flags)
    said = str(refused.value)
    assert SECRET not in said
    assert str(folder) not in said
    first, *others = refused.value.problems
    assert first == "HOOPAI_SHOPS_FILE (--shops-file) names shops.toml, which cannot be used:"
    return [problem.strip() for problem in others]


def shop(name: str = "lamps", location: str = "loc1", **keys: str) -> str:
    """A table."""
    lines = [f'location_id = "{location}"', *(f"{key} = {value}" for key, value in keys.items())]
    return "\n".join([f"[shops.{name}]", *lines, ""])


@pytest.fixture
def secrets(tmp_path: Path) -> Path:
    """A folder with a token and a client secret in it."""
    (tmp_path / "token").write_text(f"{SECRET}\n")
    (tmp_path / "secret").write_text("a-client-secret\n")
    (tmp_path / "policy.toml").write_text("")
    return tmp_path


def test_each_shop_has_settings_of_its_own(secrets: Path) -> None:
    text = (
        shop("lamps", "loc1", title='"Lumen Hall"', access_token_file='"@token"', confirmation='"human"')
        + shop("vases", "loc2", agency='"north"', policy_file='"@policy.toml"', read_only="true")
        + shop("rugs", "loc3", client_id='"app.1"', client_secret_file='"@secret"', confirm_writes='"all"')
        + '[agencies.north]\nclient_id = "app.2"\nclient_secret_file = "@secret"\n'
    )
    lamps, vases, rugs = read(secrets, text, journal_days="30")
    assert [profile.words for profile in (lamps, vases, rugs)] == ["Lumen Hall (lamps)", "vases", "rugs"]
    assert lamps.settings.access_token_file == secrets / "token"
    assert (lamps.settings.confirmation, vases.settings.confirmation) == ("human", "ask")
    assert (vases.settings.read_only, rugs.settings.read_only) == (True, False)
    assert vases.settings.policy_file == secrets / "policy.toml"
    assert (vases.settings.client_id, vases.login) == ("app.2", "agency north")
    assert (rugs.settings.client_id, rugs.login) == ("app.1", "shop rugs")
    assert rugs.settings.client_secret
    assert rugs.settings.client_secret.get_secret_value() == "a-client-secret"
    assert rugs.settings.confirm_writes == "all"
    assert {profile.settings.journal_days for profile in (lamps, vases, rugs)} == {30}


def test_without_a_file_the_settings_are_the_only_shop() -> None:
    settings = Settings(location_id="loc1")
    assert profiles_of(settings) == [Profile(settings=settings)]
    assert profiles_of(settings)[0].words == "location loc1"


UNUSABLE: Mapping[str, tuple[str, list[str]]] = {
    "an unknown key": (
        shop(acess_token_file='"@token"'),
        ["shops.lamps.acess_token_file is not known; did you mean access_token_file?"],
    ),
    "a key like no other": (
        shop(zzz="1"),
        [
            "shops.lamps.zzz is not known; known are location_id, title, access_token_file, client_id, "
            "client_secret_file, agency, policy_file, confirmation, confirm_writes, read_only, base_url"
        ],
    ),
    "an unknown table": (
        shop(access_token_file='"@token"') + "[shop.vases]\n",
        ["shop is not known; did you mean shops?"],
    ),
    "a secret in the file": (
        shop(access_token=f'"{SECRET}"'),
        [
            "shops.lamps.access_token stands in a file that holds no secrets; name a file that does, with "
            "access_token_file"
        ],
    ),
    "no location": ('[shops.lamps]\ntitle = "Lamps"\n', ["shops.lamps.location_id is missing"]),
    "no shop": ("[shops]\n", ["shops has no table; a shop begins with [shops.NAME]"]),
    "nothing": ("", ["shops is missing"]),
    "no table": ('[shops]\nlamps = "loc1"\n', ["shops.lamps must be a table"]),
    "a name that is none": (
        f'[shops."{SECRET} "]\nlocation_id = "loc1"\n',
        [
            "shops has a table whose name has white space around it or a line break in it; give the value alone",
        ],
    ),
    "a title that hides something": (
        shop(title='"Lamps\\u200b"', access_token_file='"@token"'),
        ["shops.lamps.title has white space around it or a line break in it; give the value alone"],
    ),
    "a value that is not allowed": (
        shop(confirmation='"never"', access_token_file='"@token"'),
        ["shops.lamps.confirmation has a value it cannot have. Allowed: ask, human, off"],
    ),
    "a location twice": (
        shop("lamps", "loc1", access_token_file='"@token"')
        + shop("vases", "loc1", access_token_file='"@token"'),
        ["shops.vases and shops.lamps share a location id or a name: each has its own"],
    ),
    "a name that is another's location": (
        shop("lamps", "vases", access_token_file='"@token"')
        + shop("vases", "loc2", access_token_file='"@token"'),
        ["shops.vases and shops.lamps share a location id or a name: each has its own"],
    ),
    "a file that is not there": (
        shop(access_token_file='"@gone"', policy_file='"@gone"'),
        [
            "shops.lamps has as access_token_file a file that cannot be read: No such file or directory",
            "shops.lamps has as policy_file a file that cannot be read: No such file or directory",
        ],
    ),
    "a secret that is not there": (
        shop(client_id='"app"', client_secret_file='"@gone"'),
        ["shops.lamps has a client_secret_file that cannot be read: No such file or directory"],
    ),
    "half an app": (
        shop(client_id='"app"'),
        ["shops.lamps needs both client_id and client_secret_file, or neither"],
    ),
    "two ways in": (
        shop(access_token_file='"@token"', client_id='"app"', client_secret_file='"@secret"'),
        ["shops.lamps has several ways in (access_token_file, client_id): leave one"],
    ),
    "an agency that is not there": (
        shop(agency='"north"'),
        ["shops.lamps names the agency north, and there is no table agencies.north"],
    ),
    "an agency of nobody": (
        shop(access_token_file='"@token"')
        + '[agencies.north]\nclient_id = "a"\nclient_secret_file = "@secret"\n',
        ["agencies.north is the agency of no shop"],
    ),
    "no way in": (
        shop(),
        [
            "shops.lamps does not say how it is reached: give access_token_file, client_id with client_secret_file, or "
            "agency; or keep its token with `login --token --shop lamps`"
        ],
    ),
}


@pytest.mark.parametrize("name", UNUSABLE)
def test_a_file_that_cannot_be_used_is_refused_in_words(name: str, secrets: Path) -> None:
    text, said = UNUSABLE[name]
    assert problems(secrets, text) == said


def test_a_file_that_is_not_toml_is_refused_with_the_place(tmp_path: Path) -> None:
    (said,) = problems(tmp_path, "[shops.lamps\n")
    assert said.startswith("is not TOML: ")
    assert "at line 1, column 13" in said


def test_a_file_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="cannot be read: No such file"):
        profiles_of(Settings(shops_file=tmp_path / "shops.toml"))


def test_a_file_that_is_no_text_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "shops.toml"
    path.write_bytes(b"\xff\xfe")
    with pytest.raises(SettingsError, match="is not text in UTF-8"):
        profiles_of(Settings(shops_file=path))
    path.write_bytes(b"#" * 1_000_001)
    with pytest.raises(SettingsError, match="is longer than 1000000 bytes"):
        profiles_of(Settings(shops_file=path))


def test_a_client_secret_that_is_none_is_refused(secrets: Path) -> None:
    text = shop(client_id='"app"', client_secret_file='"@secret"')
    (secrets / "secret").write_bytes(b"\xff")
    assert problems(secrets, text) == ["shops.lamps has a client_secret_file that holds no text"]
    (secrets / "secret").write_text("Bearer x")
    assert problems(secrets, text) == [
        "shops.lamps has a client_secret_file whose text begins with the word Bearer; give the token alone"
    ]


def test_in_the_sandbox_a_shop_needs_no_way_in(tmp_path: Path) -> None:
    (profile,) = read(tmp_path, shop(access_token_file='"@gone"'), sandbox="true")
    assert profile.settings.sandbox


@pytest.mark.parametrize(
    ("flags", "said"),
    [
        ({"location_id": "loc1"}, "says it of each shop: leave out HOOPAI_LOCATION_ID"),
        (
            {
                "http_auth": "oauth",
                "public_url": "https://m.example.com/mcp",
                "http_issuer": "https://l.example.com",
            },
            "has several shops, and with oauth HOOPAI_HTTP_LOCATIONS has to say which shops a token is good for",
        ),
    ],
)
def test_what_does_not_go_with_a_file_of_shops_is_refused(flags: dict[str, str], said: str) -> None:
    with pytest.raises(SettingsError) as refused:
        Settings.read({}, {"shops_file": "/etc/shops.toml", **flags})
    assert refused.value.problems == (f"--shops-file {said}",)


@pytest.mark.parametrize("value", ["scope:", "role:x", "claim", "scope:a b", "every"])
def test_a_way_to_name_shops_in_a_token_is_one_of_three(value: str) -> None:
    with pytest.raises(SettingsError, match="must be scope:PREFIX such as scope:shop:, claim:NAME"):
        Settings.read({}, {"http_locations": value})


def test_a_way_to_name_shops_without_shops_is_refused() -> None:
    with pytest.raises(SettingsError, match="is about several shops, and there is no HOOPAI_SHOPS_FILE"):
        Settings.read({}, {"http_locations": "claim:shops"})
