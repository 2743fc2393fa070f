"""The settings: what they accept, and that they refuse by name without repeating a value."""

import string
import traceback
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from hoopai_products_mcp.server.settings import SECRETS, Settings, SettingsError, flag, rows, variable
from hoopai_products_mcp.server.values import TOOLSETS, is_loopback

CANARY = "pit-canary-7f3a"
KEY = "k3y-of-an-invented-caller-0123456789"
SCOPES = (
    "products.readonly products.write products/prices.readonly products/prices.write"
    " products/collection.readonly products/collection.write"
)

FIELDS = list(Settings.model_fields)

# Printable text as an environment can hold it: no NUL, no lone surrogates.
TEXT = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), min_size=1)


def problems(environ: dict[str, str], flags: dict[str, str] | None = None) -> tuple[str, ...]:
    with pytest.raises(SettingsError) as caught:
        Settings.read(environ, flags or {})
    return caught.value.problems


def test_an_empty_environment_gives_the_defaults() -> None:
    settings = Settings.read({}, {})
    assert settings.model_dump(exclude={"data_dir"}) == {
        "access_token": None,
        "access_token_file": None,
        "client_id": None,
        "client_secret": None,
        "authorize_url": "https://marketplace.gohighlevel.com/oauth/chooselocation",
        "scopes": SCOPES,
        "location_id": None,
        "shops_file": None,
        "sandbox": False,
        "read_only": False,
        "toolsets": TOOLSETS,
        "confirmation": "ask",
        "confirm_writes": "destructive",
        "policy_file": None,
        "export_dir": None,
        "database_url": None,
        "journal_days": 0,
        "timeout": 30.0,
        "patience": 55,
        "cache_seconds": 60,
        "base_url": "https://services.leadconnectorhq.com",
        "api_version": "2021-07-28",
        "transport": "stdio",
        "host": "127.0.0.1",
        "port": 8000,
        "webhook_keys": None,
        "max_result_bytes": 1_000_000,
        "http_auth": "none",
        "http_keys": None,
        "http_keys_file": None,
        "public_url": None,
        "http_issuer": None,
        "http_jwks_url": None,
        "http_scopes": {
            "read": "products:read",
            "write": "products:write",
            "destructive": "products:destructive",
        },
        "http_locations": None,
        "allowed_hosts": (),
        "allowed_origins": (),
        "http_sessions": True,
        "http_rate": 600,
        "http_max_bytes": 4_000_000,
        "http_stop_seconds": 25,
        "log": "text",
    }
    assert settings.data_dir.name == "hoopai-products-mcp"


def test_every_setting_is_read_from_its_variable(tmp_path: Path) -> None:
    settings = Settings.read(
        {
            "HOOPAI_ACCESS_TOKEN": CANARY,
            "HOOPAI_ACCESS_TOKEN_FILE": str(tmp_path / "token"),
            "HOOPAI_CLIENT_ID": "65f0a1-lk3.app",
            "HOOPAI_CLIENT_SECRET": "a-secret",
            "HOOPAI_AUTHORIZE_URL": "https://login.example.com/v2/oauth/chooselocation",
            "HOOPAI_SCOPES": " products.readonly  products/prices.write products.readonly".strip(),
            "HOOPAI_LOCATION_ID": "ve9EPM428h8vShlRW1KT",
            "HOOPAI_SANDBOX": "yes",
            "HOOPAI_READ_ONLY": "1",
            "HOOPAI_TOOLSETS": "reviews, products,reviews",
            "HOOPAI_CONFIRMATION": "Human",
            "HOOPAI_CONFIRM_WRITES": "ALL",
            "HOOPAI_POLICY_FILE": str(tmp_path / "limits.toml"),
            "HOOPAI_EXPORT_DIR": str(tmp_path / "exports"),
            "HOOPAI_DATABASE_URL": "postgresql://me:secret@db/guard",
            "HOOPAI_JOURNAL_DAYS": "365",
            "HOOPAI_DATA_DIR": str(tmp_path),
            "HOOPAI_TIMEOUT": "2.5",
            "HOOPAI_PATIENCE": "0",
            "HOOPAI_CACHE_SECONDS": "0",
            "HOOPAI_BASE_URL": "http://127.0.0.1:8100/api/",
            "HOOPAI_API_VERSION": "v3",
            "HOOPAI_MAX_RESULT_BYTES": "50000",
            "HOOPAI_TRANSPORT": "http",
            "HOOPAI_HOST": "::1",
            "HOOPAI_PORT": "9000",
            "HOOPAI_WEBHOOK_KEYS": str(tmp_path / "keys.pem"),
            "HOOPAI_HTTP_AUTH": "OAuth",
            "HOOPAI_HTTP_KEYS": f"ann={KEY}, bot = {KEY[::-1]} read write",
            "HOOPAI_HTTP_KEYS_FILE": str(tmp_path / "keys"),
            "HOOPAI_PUBLIC_URL": "https://mcp.example.com/mcp/",
            "HOOPAI_HTTP_ISSUER": "https://login.example.com/",
            "HOOPAI_HTTP_JWKS_URL": "https://login.example.com/keys",
            "HOOPAI_HTTP_SCOPES": "write=catalog.write  read=catalog.read destructive=catalog.all",
            "HOOPAI_ALLOWED_HOSTS": "MCP.example.com, 10.0.0.5:8443,[::1]:9000",
            "HOOPAI_ALLOWED_ORIGINS": "https://app.example.com,http://localhost:3000",
            "HOOPAI_HTTP_SESSIONS": "off",
            "HOOPAI_HTTP_RATE": "0",
            "HOOPAI_HTTP_MAX_BYTES": "10000",
            "HOOPAI_HTTP_STOP_SECONDS": "5",
            "HOOPAI_LOG": "JSON",
            "PATH": "/bin",
        },
        {},
    )
    assert settings.access_token
    assert settings.access_token.get_secret_value() == CANARY
    assert settings.database_url
    assert settings.database_url.get_secret_value() == "postgresql://me:secret@db/guard"
    assert settings.http_keys
    assert settings.http_keys.get_secret_value() == f"ann={KEY}, bot = {KEY[::-1]} read write"
    assert settings.client_secret
    assert settings.client_secret.get_secret_value() == "a-secret"
    assert settings.model_dump(exclude=set(SECRETS)) == {
        "access_token_file": tmp_path / "token",
        "client_id": "65f0a1-lk3.app",
        "authorize_url": "https://login.example.com/v2/oauth/chooselocation",
        "scopes": "products.readonly products/prices.write",
        "location_id": "ve9EPM428h8vShlRW1KT",
        "shops_file": None,
        "sandbox": True,
        "read_only": True,
        "toolsets": ("products", "reviews"),
        "confirmation": "human",
        "confirm_writes": "all",
        "policy_file": tmp_path / "limits.toml",
        "export_dir": tmp_path / "exports",
        "data_dir": tmp_path,
        "journal_days": 365,
        "timeout": 2.5,
        "patience": 0,
        "cache_seconds": 0,
        "base_url": "http://127.0.0.1:8100/api",
        "api_version": "v3",
        "max_result_bytes": 50_000,
        "transport": "http",
        "host": "::1",
        "port": 9000,
        "webhook_keys": tmp_path / "keys.pem",
        "http_auth": "oauth",
        "http_keys_file": tmp_path / "keys",
        "public_url": "https://mcp.example.com/mcp",
        "http_issuer": "https://login.example.com/",
        "http_jwks_url": "https://login.example.com/keys",
        "http_scopes": {"read": "catalog.read", "write": "catalog.write", "destructive": "catalog.all"},
        "http_locations": None,
        "allowed_hosts": ("mcp.example.com", "10.0.0.5:8443", "[::1]:9000"),
        "allowed_origins": ("https://app.example.com", "http://localhost:3000"),
        "http_sessions": False,
        "http_rate": 0,
        "http_max_bytes": 10_000,
        "http_stop_seconds": 5,
        "log": "json",
    }


def test_the_command_line_wins_over_the_environment() -> None:
    settings = Settings.read({"HOOPAI_READ_ONLY": "true", "HOOPAI_PORT": "9000"}, {"read_only": "false"})
    assert (settings.read_only, settings.port) == (False, 9000)


def test_a_value_the_command_line_replaces_is_not_even_looked_at() -> None:
    assert Settings.read({"HOOPAI_PORT": "nonsense"}, {"port": "9000"}).port == 9000


@pytest.mark.parametrize("name", FIELDS)
def test_an_empty_variable_counts_as_unset(name: str) -> None:
    assert Settings.read({variable(name): ""}, {}) == Settings.read({}, {})


def test_an_empty_option_is_refused() -> None:
    assert problems({}, {"toolsets": ""}) == ("--toolsets is empty; give a value or leave it out",)


def test_an_unknown_variable_is_refused_with_the_nearest_name() -> None:
    assert problems({"HOOPAI_ACCES_TOKEN": CANARY}) == (
        "HOOPAI_ACCES_TOKEN is not a setting; did you mean HOOPAI_ACCESS_TOKEN?",
    )


def test_an_unknown_variable_like_no_other_is_refused_with_all_names() -> None:
    (problem,) = problems({"HOOPAI_Q": "1"})
    assert problem == f"HOOPAI_Q is not a setting; known are {', '.join(variable(name) for name in FIELDS)}"


def test_all_problems_are_listed_at_once() -> None:
    found = problems(
        {"HOOPAI_FOO": "1", "HOOPAI_PORT": "0", "HOOPAI_TIMEOUT": "never"}, {"host": "everywhere"}
    )
    assert [problem.split(" ")[0] for problem in found] == [
        "HOOPAI_FOO",
        "HOOPAI_TIMEOUT",
        "--host",
        "HOOPAI_PORT",
    ]


@pytest.mark.parametrize(
    ("name", "value", "problem"),
    [
        ("access_token", "pit-1\n", "has white space around it or a line break in it; give the value alone"),
        (
            "access_token",
            "pit-1\x00x",
            "has white space around it or a line break in it; give the value alone",
        ),
        ("access_token", "Bearer pit-1", "begins with the word Bearer; give the token alone"),
        (
            "access_token",
            "pit 1",
            "has characters that no token has (spaces or letters beyond ASCII); copy it again",
        ),
        (
            "access_token",
            "pít-1",
            "has characters that no token has (spaces or letters beyond ASCII); copy it again",
        ),
        ("access_token", "x" * 5000, "is longer than 4096 characters"),
        ("location_id", "../locations", "is not a location id: 1 to 64 letters, digits, '-' and '_'"),
        ("location_id", "x" * 65, "is not a location id: 1 to 64 letters, digits, '-' and '_'"),
        ("sandbox", "maybe", "must be true or false (also 1 or 0, yes or no, on or off)"),
        (
            "toolsets",
            "products,reviewz",
            "has as its second name no toolset. Did you mean reviews?"
            " Allowed: products, prices, inventory, store, collections, reviews, bulk, changes, workflows, guides, all",
        ),
        (
            "toolsets",
            "products,,",
            "has as its second name no toolset."
            " Allowed: products, prices, inventory, store, collections, reviews, bulk, changes, workflows, guides, all",
        ),
        ("confirmation", "no", "has a value it cannot have. Allowed: ask, human, off"),
        ("confirmation", "of", "has a value it cannot have. Did you mean off? Allowed: ask, human, off"),
        ("confirm_writes", "al", "has a value it cannot have. Did you mean all? Allowed: destructive, all"),
        ("policy_file", "policy.toml", "must be a whole path: assistants start servers from any folder"),
        (
            "database_url",
            "sqlite:///guard.sqlite",
            "is not the address of a PostgreSQL database; it looks like postgresql://user@host/name",
        ),
        ("journal_days", "-1", "must be a whole number of days from 0 to 36500"),
        ("journal_days", "36501", "must be a whole number of days from 0 to 36500"),
        ("journal_days", "9" * 4000, "must be a whole number of days from 0 to 36500"),
        ("journal_days", "a week", "must be a whole number of days from 0 to 36500"),
        ("transport", "sse", "has a value it cannot have. Allowed: stdio, http"),
        ("patience", "-1", "must be a whole number from 0 to 3600"),
        ("patience", "3601", "must be a whole number from 0 to 3600"),
        ("timeout", "soon", "must be a number of seconds above 0 and at most 600"),
        ("timeout", "0", "must be a number of seconds above 0 and at most 600"),
        ("timeout", "600.1", "must be a number of seconds above 0 and at most 600"),
        ("timeout", "nan", "must be a number of seconds above 0 and at most 600"),
        ("timeout", "-5", "must be a number of seconds above 0 and at most 600"),
        ("port", "0", "must be a whole number from 1 to 65535"),
        ("port", "65536", "must be a whole number from 1 to 65535"),
        ("port", "80.0", "must be a whole number from 1 to 65535"),
        ("port", "9" * 4000, "must be a whole number from 1 to 65535"),
        (
            "host",
            "0.0.0.0",
            "must be this machine itself (127.0.0.1, ::1 or localhost) where nobody has to say who is calling:"
            " set HOOPAI_HTTP_AUTH to key or oauth",
        ),
        (
            "host",
            "shop.example.com",
            "must be localhost or an address of this machine, such as 127.0.0.1, ::1 or 0.0.0.0",
        ),
        (
            "http_keys",
            f"ann={KEY}",
            "is set, and nobody is asked for it: set HOOPAI_HTTP_AUTH to key or oauth",
        ),
        (
            "http_issuer",
            "https://login.example.com",
            "is set, and nobody is asked for it: set HOOPAI_HTTP_AUTH to key or oauth",
        ),
        ("http_auth", "key", "is key, and there are no keys: set HOOPAI_HTTP_KEYS or HOOPAI_HTTP_KEYS_FILE"),
        ("http_auth", "oauth", "is oauth, which also needs HOOPAI_PUBLIC_URL and HOOPAI_HTTP_ISSUER"),
        ("http_auth", "basic", "has a value it cannot have. Allowed: none, key, oauth"),
        (
            "http_keys",
            KEY,
            "has as its first entry no key; it looks like name = key, the name of 1 to 64 letters, digits and -_.@",
        ),
        (
            "http_keys",
            f"ann={KEY},bob=secret",
            "has as its second entry a key that can be guessed: at least 24 random characters are needed",
        ),
        (
            "http_keys",
            f"ann={KEY},bob={KEY}",
            "has as its second entry a name or a key that an earlier one has; each caller has one of its own",
        ),
        (
            "http_keys",
            f"local={KEY}",
            "has as its first entry the name local, which stands for callers that nobody asked who they are",
        ),
        (
            "http_keys",
            f"ann={KEY} admin",
            "has as its first entry a right that there is not. Allowed after the key: read, write, destructive",
        ),
        ("http_keys", "# none", "holds no key; each looks like name = key"),
        (
            "public_url",
            "http://mcp.example.com",
            "must begin with https://, or the token would travel unencrypted (http:// is for this machine)",
        ),
        ("http_issuer", "login", "is not an address; it looks like https://login.example.com"),
        (
            "http_scopes",
            "read=a write=b",
            "must name all three rights, each once, such as read=products:read write=products:write"
            " destructive=products:destructive",
        ),
        (
            "http_scopes",
            "read=a write=a destructive=c",
            "must name all three rights, each once, such as read=products:read write=products:write"
            " destructive=products:destructive",
        ),
        (
            "allowed_hosts",
            "mcp.example.com,https://a",
            "has as its second entry no host; one looks like mcp.example.com or mcp.example.com:8443",
        ),
        (
            "allowed_hosts",
            "*",
            "has as its first entry no host; one looks like mcp.example.com or mcp.example.com:8443",
        ),
        (
            "allowed_origins",
            "https://app.example.com/",
            "has as its first entry no origin; one looks like https://app.example.com, without a path",
        ),
        (
            "allowed_origins",
            "*",
            "has as its first entry no origin; one looks like https://app.example.com, without a path",
        ),
        ("http_rate", "-1", "must be a whole number from 0 to 1000000"),
        ("http_max_bytes", "9999", "must be a whole number from 10000 to 100000000"),
        ("http_stop_seconds", "4h", "must be a whole number from 0 to 3600"),
        ("log", "xml", "has a value it cannot have. Allowed: text, json"),
        (
            "host",
            "::",
            "must be this machine itself (127.0.0.1, ::1 or localhost) where nobody has to say who is calling:"
            " set HOOPAI_HTTP_AUTH to key or oauth",
        ),
        ("api_version", "2021/07", "is not a version of the API; it looks like 2021-07-28"),
        ("base_url", "services", "is not an address; it looks like https://services.leadconnectorhq.com"),
        ("base_url", "https://", "is not an address; it looks like https://services.leadconnectorhq.com"),
        (
            "base_url",
            "https://a:99999",
            "is not an address; it looks like https://services.leadconnectorhq.com",
        ),
        ("base_url", "https://a b", "is not an address; it looks like https://services.leadconnectorhq.com"),
        ("base_url", "https://[::1", "is not an address; it looks like https://services.leadconnectorhq.com"),
        ("base_url", "ftp://a", "is not an address; it looks like https://services.leadconnectorhq.com"),
        ("base_url", "https://me:secret@a", "must not hold a user name or password"),
        ("base_url", "https://a/?b", "must end with the path: no '?', no '#' and no backslash"),
        (
            "base_url",
            "http://example.com",
            "must begin with https://, or the token would travel unencrypted (http:// is for this machine)",
        ),
        (
            "base_url",
            "http://127.0.0.1.example.com",
            "must begin with https://, or the token would travel unencrypted (http:// is for this machine)",
        ),
        ("data_dir", "here", "must be a whole path: assistants start servers from any folder"),
        ("data_dir", __file__, "is a file; give a folder"),
        ("export_dir", "here", "must be a whole path: assistants start servers from any folder"),
        ("export_dir", __file__, "is a file; give a folder"),
    ],
)
def test_a_malformed_value_is_refused_by_name_with_what_is_allowed(
    name: str, value: str, problem: str
) -> None:
    assert problems({variable(name): value}) == (f"{variable(name)} {problem}",)


def test_a_tilde_stands_for_the_home_folder(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    assert Settings.read({"HOOPAI_DATA_DIR": "~/catalog"}, {}).data_dir == tmp_path / "catalog"


def test_a_tilde_of_nobody_is_refused() -> None:
    assert problems({"HOOPAI_DATA_DIR": "~no-such-person-here/x"}) == (
        "HOOPAI_DATA_DIR begins with ~, and there is no home folder; give the whole path",
    )


@pytest.mark.parametrize(
    ("given_folder", "used"), [("/data", "/data"), ("data", "~/.local/share"), ("", "~/.local/share")]
)
def test_the_data_folder_is_where_the_platform_keeps_data(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, given_folder: str, used: str
) -> None:
    monkeypatch.setattr("sys.platform", "linux")
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("XDG_DATA_HOME", given_folder)
    assert Settings.read({}, {}).data_dir == Path(used).expanduser() / "hoopai-products-mcp"


def test_what_is_missing_is_named() -> None:
    assert Settings().missing() == ["HOOPAI_ACCESS_TOKEN", "HOOPAI_LOCATION_ID"]
    assert Settings.read({"HOOPAI_ACCESS_TOKEN": CANARY}, {}).missing() == ["HOOPAI_LOCATION_ID"]
    assert Settings(sandbox=True).missing() == []


@pytest.mark.parametrize("name", FIELDS)
@pytest.mark.parametrize(
    "shape",
    [
        "{}",
        " {}",
        "{}\n",
        "bearer {}",
        "https://{}@a",
        "postgres://a:{}@b/c",
        "products,{}",
        "0{}",
        "~{}/x",
        "é{}",
    ],
)
def test_a_refusal_never_repeats_the_value(name: str, shape: str) -> None:
    """Whatever stands in the wrong variable may be the token."""
    try:
        settings = Settings.read({variable(name): shape.format(CANARY)}, {})
    except SettingsError as error:
        said = "".join(traceback.format_exception(error))
    else:
        # A value that was taken is shown, unless it is a secret.
        said = f"{settings!r} {settings} {settings.model_dump_json()}" if name in SECRETS else ""
    assert CANARY not in said


@given(st.sampled_from(FIELDS), TEXT)
def test_any_text_is_either_a_value_or_refused_by_name(name: str, text: str) -> None:
    try:
        settings = Settings.read({variable(name): text}, {})
    except SettingsError as error:
        (problem,) = error.problems
        assert problem.startswith(f"{variable(name)} ")
        assert problem.isprintable()
    else:
        assert Settings.model_validate(settings.model_dump()) == settings


@given(st.text(st.characters(max_codepoint=0x17F, exclude_characters="\0"), min_size=1))
def test_any_token_that_is_taken_fits_a_header(text: str) -> None:
    try:
        token = Settings.read({"HOOPAI_ACCESS_TOKEN": text}, {}).access_token
    except SettingsError:
        return
    assert token
    assert set(token.get_secret_value()) <= {*string.ascii_letters, *string.digits, *string.punctuation}


@given(st.lists(st.sampled_from(TOOLSETS), min_size=1))
def test_toolsets_keep_their_own_order_however_they_are_named(names: list[str]) -> None:
    chosen = Settings.read({"HOOPAI_TOOLSETS": ",".join(names)}, {}).toolsets
    assert chosen == tuple(name for name in TOOLSETS if name in names)


def test_all_stands_for_every_toolset() -> None:
    assert Settings.read({"HOOPAI_TOOLSETS": "All"}, {}).toolsets == TOOLSETS


@given(st.floats(min_value=0, max_value=600, exclude_min=True))
def test_any_timeout_in_range_is_taken(seconds: float) -> None:
    assert Settings.read({"HOOPAI_TIMEOUT": repr(seconds)}, {}).timeout == seconds


@given(st.integers(1, 65535))
def test_any_port_in_range_is_taken(port: int) -> None:
    assert Settings.read({}, {"port": str(port)}).port == port


def test_this_machine_can_be_listened_on_by_its_name() -> None:
    assert Settings.read({"HOOPAI_HOST": "LocalHost"}, {}).host == "LocalHost"


@given(st.ip_addresses())
def test_only_this_machine_can_be_listened_on(address: object) -> None:
    try:
        host = Settings.read({"HOOPAI_HOST": str(address)}, {}).host
    except SettingsError:
        assert not is_loopback(str(address))
    else:
        assert is_loopback(host)


@pytest.mark.parametrize(
    "values",
    [
        {"sandbox": 1},
        {"toolsets": ()},
        {"toolsets": (1,)},
        {"timeout": True},
        {"port": True},
        {"port": 1.5},
        {"host": None},
    ],
)
def test_values_made_in_code_are_checked_alike(values: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        Settings.model_validate(values)


def test_settings_do_not_change() -> None:
    with pytest.raises(ValidationError):
        Settings().read_only = True  # pyright: ignore[reportAttributeAccessIssue]


def test_the_table_has_one_row_for_each_setting_and_no_option_for_a_secret() -> None:
    table = list(rows())
    assert [row.variable for row in table] == [variable(name) for name in FIELDS]
    assert {row.variable for row in table if not row.flag} == {
        "HOOPAI_ACCESS_TOKEN",
        "HOOPAI_CLIENT_SECRET",
        "HOOPAI_DATABASE_URL",
        "HOOPAI_HTTP_KEYS",
    }
    assert [row.flag for row in table if row.flag] == [flag(name) for name in FIELDS if name not in SECRETS]
    assert {row.variable: row.default for row in table if row.default} == {
        "HOOPAI_AUTHORIZE_URL": "https://marketplace.gohighlevel.com/oauth/chooselocation",
        "HOOPAI_SCOPES": SCOPES,
        "HOOPAI_SANDBOX": "off",
        "HOOPAI_READ_ONLY": "off",
        "HOOPAI_TOOLSETS": "all",
        "HOOPAI_CONFIRMATION": "ask",
        "HOOPAI_CONFIRM_WRITES": "destructive",
        "HOOPAI_JOURNAL_DAYS": "0",
        "HOOPAI_DATA_DIR": "your data folder",
        "HOOPAI_TIMEOUT": "30",
        "HOOPAI_CACHE_SECONDS": "60",
        "HOOPAI_PATIENCE": "55",
        "HOOPAI_BASE_URL": "https://services.leadconnectorhq.com",
        "HOOPAI_API_VERSION": "2021-07-28",
        "HOOPAI_MAX_RESULT_BYTES": "1000000",
        "HOOPAI_TRANSPORT": "stdio",
        "HOOPAI_HOST": "127.0.0.1",
        "HOOPAI_PORT": "8000",
        "HOOPAI_HTTP_AUTH": "none",
        "HOOPAI_HTTP_SCOPES": "read=products:read write=products:write destructive=products:destructive",
        "HOOPAI_HTTP_SESSIONS": "on",
        "HOOPAI_HTTP_RATE": "600",
        "HOOPAI_HTTP_MAX_BYTES": "4000000",
        "HOOPAI_HTTP_STOP_SECONDS": "25",
        "HOOPAI_LOG": "text",
    }
    assert all(row.meaning.endswith(".") for row in table)


@pytest.mark.parametrize(
    ("environ", "missing"),
    [
        ({}, ["HOOPAI_ACCESS_TOKEN", "HOOPAI_LOCATION_ID"]),
        ({"HOOPAI_LOCATION_ID": "loc"}, ["HOOPAI_ACCESS_TOKEN"]),
        ({"HOOPAI_LOCATION_ID": "loc", "HOOPAI_ACCESS_TOKEN": CANARY}, []),
        ({"HOOPAI_LOCATION_ID": "loc", "HOOPAI_ACCESS_TOKEN_FILE": "/run/secrets/token"}, []),
        ({"HOOPAI_LOCATION_ID": "loc", "HOOPAI_CLIENT_ID": "app"}, ["HOOPAI_CLIENT_SECRET"]),
        ({"HOOPAI_CLIENT_ID": "app", "HOOPAI_CLIENT_SECRET": "secret"}, ["HOOPAI_LOCATION_ID"]),
        ({"HOOPAI_LOCATION_ID": "loc", "HOOPAI_CLIENT_ID": "app", "HOOPAI_CLIENT_SECRET": "secret"}, []),
        ({"HOOPAI_SANDBOX": "true"}, []),
    ],
)
def test_a_shop_needs_its_location_and_one_way_to_have_a_token(
    environ: dict[str, str], missing: list[str], tmp_path: Path
) -> None:
    assert Settings.read({**environ, "HOOPAI_DATA_DIR": str(tmp_path)}, {}).missing() == missing


@pytest.mark.parametrize(
    ("variables", "problem"),
    [
        ({"HOOPAI_CLIENT_ID": "a b"}, "HOOPAI_CLIENT_ID is not a client id"),
        ({"HOOPAI_SCOPES": "products;all"}, "HOOPAI_SCOPES is not a list of scopes"),
        (
            {"HOOPAI_AUTHORIZE_URL": "http://login.example.com/"},
            "HOOPAI_AUTHORIZE_URL must begin with https://",
        ),
        ({"HOOPAI_ACCESS_TOKEN_FILE": "token"}, "HOOPAI_ACCESS_TOKEN_FILE must be a whole path"),
    ],
)
def test_settings_of_a_login_are_checked(variables: dict[str, str], problem: str) -> None:
    (found,) = problems(variables)
    assert found.startswith(problem)


def test_a_network_is_served_where_callers_say_who_they_are() -> None:
    keys = {"HOOPAI_HOST": "0.0.0.0", "HOOPAI_HTTP_AUTH": "key", "HOOPAI_HTTP_KEYS": f"ann={KEY}"}
    assert Settings.read(keys, {}).host == "0.0.0.0"
    assert problems({**keys, "HOOPAI_HTTP_AUTH": "none"}) == (
        "HOOPAI_HOST must be this machine itself (127.0.0.1, ::1 or localhost) where nobody has to say who is"
        " calling: set HOOPAI_HTTP_AUTH to key or oauth",
    )


def test_what_does_not_go_together_is_named_by_the_option_that_was_given() -> None:
    assert problems({}, {"http_auth": "key"}) == (
        "--http-auth is key, and there are no keys: set HOOPAI_HTTP_KEYS or HOOPAI_HTTP_KEYS_FILE",
    )
