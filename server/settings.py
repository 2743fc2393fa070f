"""The settings of the server: one model, read from the environment and the command line.

The command line wins over the environment. Whatever is wrong is reported at once and by name, and
no message repeats a value: what stands in the wrong variable may be the token.
"""

import os
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Annotated, Literal, NamedTuple

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, SecretStr, ValidationError

from ..tools.records import Toolset
from . import http_values, values
from .http_values import DEFAULT_SCOPES, Scopes, TokenShops
from .values import LONGEST_TIMEOUT, TOOLSETS, is_loopback, nearest

PREFIX = "HOOPAI_"
"""What every variable of this server begins with."""


SECRETS = frozenset({"access_token", "client_secret", "database_url", "http_keys"})
"""Only ever read from the environment: a command line can be read by every user of the machine."""


class SettingsError(Exception):
    """Raised at start when a setting is unknown or malformed; nothing has been started."""

    def __init__(self, problems: list[str]) -> None:
        super().__init__("\n".join(problems))
        self.problems = tuple(problems)


STORE_FILE = "guard.sqlite"
SANDBOX_FILE = "sandbox-shop.sqlite"
POLICY_FILE = "policy.toml"


class SettingRow(NamedTuple):
    """One line of the settings table."""

    variable: str
    flag: str
    default: str
    meaning: str


def _default_data_dir() -> Path:
    """The user's data folder, where the platform keeps such things."""
    home = Path.home()
    if sys.platform == "darwin":  # pragma: no cover
        folder = home / "Library" / "Application Support"
    elif sys.platform == "win32":  # pragma: no cover
        folder = Path(os.environ.get("LOCALAPPDATA") or home / "AppData" / "Local")
    else:
        given = os.environ.get("XDG_DATA_HOME", "")
        # The XDG Base Directory Specification: a relative path there is invalid and is ignored.
        folder = Path(given) if Path(given).is_absolute() else home / ".local" / "share"
    return folder / "hoopai-products-mcp"


class Settings(BaseModel):
    """Everything that can be set. `Settings.read` is how the command line makes one."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    access_token: Annotated[SecretStr | None, BeforeValidator(values.token)] = Field(
        default=None,
        description="The token of a Private Integration of the sub-account."
        " Only from the environment: a command line can be read by every user of the machine.",
    )
    access_token_file: Annotated[Path | None, BeforeValidator(values.file_path)] = Field(
        default=None,
        description="A file that holds the token alone, instead of the variable; read again when the API refuses it.",
    )
    client_id: Annotated[str | None, BeforeValidator(values.client_id)] = Field(
        default=None,
        description="The client id of an OAuth app, instead of a token: `hoopai-products-mcp login` lets it in.",
    )
    client_secret: Annotated[SecretStr | None, BeforeValidator(values.token)] = Field(
        default=None, description="The app's client secret. Only from the environment."
    )
    authorize_url: Annotated[str, BeforeValidator(values.base_url)] = Field(
        default="https://marketplace.gohighlevel.com/oauth/chooselocation",
        description="Where a person lets the app in; white labels have a host of their own.",
    )
    scopes: Annotated[str, BeforeValidator(values.scopes)] = Field(
        default="products.readonly products.write products/prices.readonly products/prices.write"
        " products/collection.readonly products/collection.write",
        description="What the app asks for at login, separated by spaces.",
    )
    location_id: Annotated[str | None, BeforeValidator(values.identifier)] = Field(
        default=None, description="The location (sub-account) whose catalog is worked on."
    )
    shops_file: Annotated[Path | None, BeforeValidator(values.file_path)] = Field(
        default=None,
        description="A file of several shops instead of one location, each with its own credential, policy and"
        " confirmation, see docs/shops.md.",
    )
    sandbox: Annotated[bool, BeforeValidator(values.switch)] = Field(
        default=False,
        description="Work on an invented shop inside the server: no account, no network.",
    )
    read_only: Annotated[bool, BeforeValidator(values.switch)] = Field(
        default=False, description="Offer only the tools that change nothing."
    )
    toolsets: Annotated[tuple[Toolset, ...], BeforeValidator(values.toolsets)] = Field(
        default=TOOLSETS,
        description="Which groups of tools to offer, separated by commas: "
        + ", ".join(f"`{name}`" for name in TOOLSETS)
        + ".",
    )
    confirmation: Annotated[
        Literal["ask", "human", "off"], BeforeValidator(values.one_of("ask", "human", "off"))
    ] = Field(
        default="ask",
        description="`ask`: a destructive or bulk call asks the person through the client; where that cannot ask, the"
        " model shows them the plan and calls again with a token. `human`: no token does; without a question"
        " through the client a person approves on the command line or the local page. `off`: it runs unasked,"
        " as the server says on stderr at start.",
    )
    confirm_writes: Annotated[
        Literal["destructive", "all"], BeforeValidator(values.one_of("destructive", "all"))
    ] = Field(
        default="destructive",
        description="`all`: single creations and updates that can be taken back ask as well.",
    )
    policy_file: Annotated[Path | None, BeforeValidator(values.file_path)] = Field(
        default=None,
        description="The shop's limits, see docs/policy.md. Without it `policy.toml` in the data folder counts, if"
        " there is one.",
    )
    data_dir: Annotated[Path, BeforeValidator(values.data_dir)] = Field(
        default_factory=_default_data_dir,
        description="The folder for the journal of changes and for approvals. With `--sandbox` they and the shop are"
        " kept in memory unless this is set.",
    )
    export_dir: Annotated[Path | None, BeforeValidator(values.folder)] = Field(
        default=None,
        description="The folder that exports are written to and imports are read from: nothing else of the machine is."
        " Without it `exports` in the data folder.",
    )
    database_url: Annotated[SecretStr | None, BeforeValidator(values.database_url)] = Field(
        default=None,
        description="A PostgreSQL database instead of the data folder, for several servers that share journal and"
        " approvals. Only from the environment: it may hold a password.",
    )
    journal_days: Annotated[int, BeforeValidator(values.days)] = Field(
        default=0, description="Days that the journal is kept; 0 keeps it for good."
    )
    timeout: Annotated[float, BeforeValidator(values.timeout)] = Field(
        default=30.0,
        description=f"Seconds that one request to the API may take, up to {LONGEST_TIMEOUT}.",
    )
    patience: Annotated[int, BeforeValidator(http_values.whole(0, 3600))] = Field(
        default=55,
        description="Seconds after which a call ends with a word of when to try again, since many assistants give up at"
        " 60; 0 for as long as it takes. See docs/limits.md.",
    )
    cache_seconds: Annotated[int, BeforeValidator(http_values.whole(0, 3600))] = Field(
        default=60,
        description="Seconds that names read for completions and prompts are kept; a change made by this process, or"
        " told to it, ends that at once. 0: they are read anew each time. Nothing else that was read outlives its"
        " call.",
    )
    base_url: Annotated[str, BeforeValidator(values.base_url)] = Field(
        default="https://services.leadconnectorhq.com",
        description="Where the API is. Must be https, except on this machine.",
    )
    api_version: Annotated[str, BeforeValidator(values.api_version)] = Field(
        default="2021-07-28", description="The version of the API to ask for."
    )
    max_result_bytes: Annotated[int, BeforeValidator(http_values.whole(10_000, 100_000_000))] = Field(
        default=1_000_000,
        description="The largest answer of a tool in bytes. What is read has to be asked for in smaller parts then.",
    )
    transport: Annotated[Literal["stdio", "http"], BeforeValidator(values.one_of("stdio", "http"))] = Field(
        default="stdio",
        description="How assistants reach the server: `stdio`, or streamable `http` at `/mcp`.",
    )
    host: Annotated[str, BeforeValidator(values.host)] = Field(
        default="127.0.0.1",
        description="With `http`: the address to listen on; one that others can reach needs authentication.",
    )
    port: Annotated[int, BeforeValidator(values.port)] = Field(
        default=8000, description="With `http`: the port to listen on."
    )
    webhook_keys: Annotated[Path | None, BeforeValidator(values.file_path)] = Field(
        default=None,
        description="With `http`: a file with the platform's public keys (PEM). Its webhooks are then taken at"
        " `/webhooks`, see docs/resources.md.",
    )
    http_auth: Annotated[
        Literal["none", "key", "oauth"], BeforeValidator(values.one_of("none", "key", "oauth"))
    ] = Field(
        default="none",
        description="Who may call over `http`: `none`, any program of this machine; `key`, whoever has one of the"
        " keys; `oauth`, whoever has a token of the issuer for this server. See docs/http.md.",
    )
    http_keys: Annotated[SecretStr | None, BeforeValidator(http_values.keys)] = Field(
        default=None,
        description="With `key`: `name=key`, several separated by commas; after a key what it may do, if not all:"
        " `read`, `write`, `destructive`. Only from the environment.",
    )
    http_keys_file: Annotated[Path | None, BeforeValidator(values.file_path)] = Field(
        default=None,
        description="With `key`: a file of such keys, one on a line; read again when it changes.",
    )
    public_url: Annotated[str | None, BeforeValidator(http_values.url)] = Field(
        default=None,
        description="With `http`: the address by which clients know the server, such as"
        " https://mcp.example.com/mcp. With `oauth` a token has to be for it.",
    )
    http_issuer: Annotated[str | None, BeforeValidator(http_values.issuer)] = Field(
        default=None,
        description="With `oauth`: the authorization server that issues the tokens, as it stands in them.",
    )
    http_jwks_url: Annotated[str | None, BeforeValidator(http_values.url)] = Field(
        default=None,
        description="With `oauth`: where the issuer's keys are. Without it the issuer is asked.",
    )
    http_scopes: Annotated[Scopes, BeforeValidator(http_values.scope_names)] = Field(
        default=DEFAULT_SCOPES,
        description="With `oauth`: what the issuer calls the three rights.",
    )
    http_locations: Annotated[TokenShops | None, BeforeValidator(http_values.token_shops)] = Field(
        default=None,
        description="With `oauth` and several shops: which of them a token is good for. `scope:PREFIX`, those named"
        " by scopes that begin so; `claim:NAME`, those that a claim lists; `all`, each of them.",
    )
    allowed_hosts: Annotated[tuple[str, ...], BeforeValidator(http_values.hosts)] = Field(
        default=(),
        description="With `http`: names by which the server may be called besides its own, separated by commas, such as"
        " `mcp.example.com`. A `Host` that is none of them is refused.",
    )
    allowed_origins: Annotated[tuple[str, ...], BeforeValidator(http_values.origins)] = Field(
        default=(),
        description="With `http`: web pages that may call, separated by commas, such as `https://app.example.com`.",
    )
    http_sessions: Annotated[bool, BeforeValidator(values.switch)] = Field(
        default=True,
        description="With `http`: keep sessions for clients of older revisions, in this process alone. Switch it off"
        " where a proxy spreads requests over several servers.",
    )
    http_rate: Annotated[int, BeforeValidator(http_values.whole(0, 1_000_000))] = Field(
        default=600,
        description="With `key` and `oauth`: requests a minute that a caller may make of a process; 0 for any number.",
    )
    http_max_bytes: Annotated[int, BeforeValidator(http_values.whole(10_000, 100_000_000))] = Field(
        default=4_000_000, description="With `http`: the largest request in bytes."
    )
    http_stop_seconds: Annotated[int, BeforeValidator(http_values.whole(0, 3600))] = Field(
        default=25,
        description="With `http`: seconds that calls under way have to finish when the server is told to end.",
    )
    log: Annotated[Literal["text", "json"], BeforeValidator(values.one_of("text", "json"))] = Field(
        default="text",
        description="What goes to stderr: `text`, warnings and faults; `json`, an object on each line, and one for each"
        " request over HTTP.",
    )

    @classmethod
    def read(cls, environ: Mapping[str, str], flags: Mapping[str, str]) -> "Settings":
        """Read the settings; `flags` maps names of fields to what the command line gave for them.

        Raises:
            SettingsError: a setting is unknown or malformed; it lists all problems there are.
        """
        by_variable = {variable(name): name for name in cls.model_fields}
        given = {key: value for key, value in environ.items() if key.startswith(PREFIX) and value}
        problems = [_unknown(key, list(by_variable)) for key in sorted(given.keys() - by_variable.keys())]
        raw = {by_variable[key]: value for key, value in given.items() if key in by_variable} | dict(flags)
        try:
            settings = cls.model_validate(raw)
        except ValidationError as error:
            for detail in error.errors(include_url=False, include_input=False):
                name = str(detail["loc"][0])
                source = flag(name) if name in flags else variable(name)
                problems.append(f"{source} {detail.get('ctx', {}).get('error', detail['msg'])}")
        else:
            for name, problem in settings.conflicts():
                problems.append(f"{flag(name) if name in flags else variable(name)} {problem}")
            if not problems:
                return settings
        # Outside the handler: the validation error must not hang on to this one, it knows the values.
        raise SettingsError(problems)

    @property
    def store_url(self) -> str:
        """Where journal and approvals are kept, as a URL; it may hold a password."""
        if self.database_url is not None:
            return self.database_url.get_secret_value()
        if self.keeps_nothing:
            return "sqlite://"
        return f"sqlite:///{self.data_dir / STORE_FILE}"

    @property
    def keeps_nothing(self) -> bool:
        """Whether journal and approvals are in memory, where no other process sees them."""
        return self.sandbox and self.database_url is None and "data_dir" not in self.model_fields_set

    def sandbox_file(self, shop: str = "") -> Path | None:
        """Where the embedded shop of this name is kept: beside a journal that outlives the process, else in memory."""
        if self.store_url == "sqlite://":
            return None
        return self.data_dir / (f"{shop}-{SANDBOX_FILE}" if shop else SANDBOX_FILE)

    @property
    def policy_path(self) -> Path:
        """Where the shop's limits are written; only a path that was set has to exist."""
        return self.policy_file or self.data_dir / POLICY_FILE

    def missing(self) -> list[str]:
        """The variables without which there is no shop to work on."""
        if self.sandbox or self.shops_file is not None:
            return []
        needed = [variable("location_id")] if self.location_id is None else []
        if self.client_id is not None and self.access_token is None and self.access_token_file is None:
            return [variable("client_secret"), *needed] if self.client_secret is None else needed
        given = (self.access_token, self.access_token_file)
        if all(value is None for value in given) and not self.keyring_mark.exists():
            needed.insert(0, variable("access_token" if self.client_secret is None else "client_id"))
        return needed

    def conflicts(self) -> Iterator[tuple[str, str]]:
        """What does not go together: a setting, and what is wrong with it beside the others."""
        if self.http_auth == "none" and not is_loopback(self.host):
            yield (
                "host",
                "must be this machine itself (127.0.0.1, ::1 or localhost) where nobody has to say who is calling:"
                f" set {variable('http_auth')} to key or oauth",
            )
        callers = [name for name in ("http_keys", "http_keys_file", "http_issuer") if getattr(self, name)]
        if self.http_auth == "none" and callers and is_loopback(self.host):
            # Whoever set it believes that it counts.
            yield (
                callers[0],
                f"is set, and nobody is asked for it: set {variable('http_auth')} to key or oauth",
            )
        if self.http_auth == "key" and self.http_keys is None and self.http_keys_file is None:
            needed = f"{variable('http_keys')} or {variable('http_keys_file')}"
            yield "http_auth", f"is key, and there are no keys: set {needed}"
        missing = [name for name in ("public_url", "http_issuer") if getattr(self, name) is None]
        if self.http_auth == "oauth" and missing:
            yield "http_auth", f"is oauth, which also needs {' and '.join(map(variable, missing))}"
        yield from self._conflicts_of_shops()

    def _conflicts_of_shops(self) -> Iterator[tuple[str, str]]:
        one_shop = ("location_id", "access_token", "access_token_file", "client_id", "client_secret")
        if self.shops_file is not None:
            beside = [variable(name) for name in one_shop if getattr(self, name) is not None]
            if beside:
                yield "shops_file", f"says it of each shop: leave out {', '.join(beside)}"
            if self.http_auth == "oauth" and self.http_locations is None:
                needed = f"{variable('http_locations')} has to say which shops a token is good for"
                yield "shops_file", f"has several shops, and with oauth {needed}"
        elif self.http_locations is not None:
            yield "http_locations", f"is about several shops, and there is no {variable('shops_file')}"

    @property
    def keyring_mark(self) -> Path:
        """The file that says of this location that its token is in the system's keyring; it holds no secret."""
        return self.data_dir / f"token-of-{self.location_id or 'no-location'}-is-in-the-keyring"


def variable(name: str) -> str:
    """The environment variable of a field."""
    return PREFIX + name.upper()


def flag(name: str) -> str:
    """The command line option of a field; secrets have none."""
    return "" if name in SECRETS else "--" + name.replace("_", "-")


def rows() -> Iterator[SettingRow]:
    """The settings table, in the order of the model."""
    for name, field in Settings.model_fields.items():
        if field.default_factory is not None:
            default = "your data folder"
        elif field.default == TOOLSETS:
            default = "all"
        elif isinstance(field.default, Scopes):
            default = field.default.text
        elif isinstance(field.default, bool):
            default = "on" if field.default else "off"
        elif field.default in (None, ()):
            default = ""
        else:
            default = f"{field.default:g}" if isinstance(field.default, float) else str(field.default)
        yield SettingRow(variable(name), flag(name), default, field.description or "")


def _unknown(key: str, known: list[str]) -> str:
    meant = nearest(key.removeprefix(PREFIX), [name.removeprefix(PREFIX) for name in known])
    hint = f"did you mean {PREFIX}{meant}?" if meant else f"known are {', '.join(known)}"
    return f"{key} is not a setting; {hint}"
