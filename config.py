"""What was this installation told by its environment, and is it enough to start?

Every setting is described in `.env.example`. An empty value counts as an absent one. Reading collects all
mistakes before it gives up, so that one start names them all.
"""

import hashlib
import os
import re
import secrets
import tempfile
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import time
from pathlib import Path
from typing import Any, Literal, Self
from urllib.parse import quote, unquote, urlsplit
from zoneinfo import ZoneInfo

from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError

ROOT = Path(__file__).resolve().parent

SECRET_KEY_LENGTH = 32
METRICS_TOKEN_LENGTH = 16
# The simulator stands in for the real gateway, so it asks for a token too; this one opens nothing else.
SIMULATOR_TOKEN = "the-simulator-knows-this-token"
# The longest socket path Linux takes is 107 bytes; our longest socket name is "/controller.sock" (16).
_LONGEST_RUN_DIR = 107 - 20
_MEGABYTE = 1024 * 1024
_POSTGRES = re.compile(r"^postgres(ql)?(\+psycopg)?://")
_HOST = re.compile(r"^[A-Za-z0-9._:-]+$")
_RATE = re.compile(r"^[1-9][0-9]{0,8}/(second|minute|hour|day)$")
_ROLES = ("administrator", "operator", "viewer")
_MAIL_FROM = re.compile(r"^(?:[^<>@\x00-\x1f]* )?<?[^<>@,;:\s]+@[A-Za-z0-9.-]+>?$")
_HERE = ("127.0.0.1", "::1", "localhost")
_LOG_LEVELS = ("DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL")


class SettingsError(Exception):
    """Settings are missing or wrong; `problems` holds one "NAME: what is expected" line for each."""

    def __init__(self, problems: Iterable[str]) -> None:
        self.problems = list(problems)
        super().__init__("\n".join(self.problems))


@dataclass(frozen=True, kw_only=True)
class Oidc:
    """The provider by which people may sign in. `roles`: what a value of its `role_claim` makes of them."""

    issuer: str
    client_id: str
    client_secret: str = field(repr=False)
    name: str
    scopes: str
    role_claim: str
    roles: Mapping[str, str]
    creates_users: bool
    is_only: bool


@dataclass(frozen=True, kw_only=True)
class Settings:
    """All settings, checked and complete. Secrets stay out of `repr`, and so out of logs and tracebacks."""

    environment: Literal["development", "production"]
    data_dir: Path
    database_url: str = field(repr=False)
    redis_url: str = field(repr=False)
    own_redis: bool
    simulated: bool
    gateway_url: str = field(repr=False)
    gateway_token: str = field(repr=False)
    gateway_on_uncertain: Literal["hold", "retry"]
    gateway_not_accepted: frozenset[int]
    gateway_timeout_seconds: float
    gateway_connections: int
    secret_key: str = field(repr=False)
    host: str
    port: int
    simulator_port: int
    senders: int
    web_threads: int
    timezone: str
    language: Literal["ru", "en"]
    log_level: str
    log_format: Literal["json", "text"]
    metrics_token: str = field(repr=False)
    max_tries: int
    import_max_megabytes: int
    import_max_rows: int
    trusted_proxies: int
    registration: Literal["closed", "approval", "open"]
    smtp_url: str = field(repr=False)
    mail_from: str
    public_url: str
    digest_at: time | None
    api_rate_limit: str
    api_create_rate_limit: str
    webhook_private_addresses: bool
    message_retention_days: int
    audit_retention_days: int
    oidc: Oidc | None

    @classmethod
    def from_environ(cls, environ: Mapping[str, str]) -> Self:
        """Raises SettingsError. In development it may write the secret key into the data folder."""
        return cls(**_settings(_Reader(environ)))

    @property
    def production(self) -> bool:
        return self.environment == "production"

    @property
    def passwords_open(self) -> bool:
        """Does anybody come in by a password?"""
        return not (self.oidc and self.oidc.is_only)

    @property
    def run_dir(self) -> Path:
        """Folder for sockets; `flask up` makes it."""
        return _run_dir(self.data_dir)

    @property
    def imports_dir(self) -> Path:
        """Files of clients that wait to be read."""
        return self.data_dir / "imports"

    @property
    def address(self) -> str:
        """Where a browser on this machine finds the dashboard."""
        host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(self.host, self.host)  # binds nothing  # nosec B104
        return f"http://{f'[{host}]' if ':' in host else host}:{self.port}"

    @property
    def public_address(self) -> str:
        """What links begin with, in letters and for people to hand on; no request has a say in it."""
        return self.public_url or self.address

    @property
    def secrets(self) -> tuple[str, ...]:
        """What no line of the log may hold, word for word."""
        addresses = (self.database_url, self.redis_url, self.smtp_url)
        passwords = (unquote(urlsplit(address).password or "") for address in addresses)
        of_provider = self.oidc.client_secret if self.oidc else ""
        ours = (self.gateway_token, self.secret_key, self.metrics_token, of_provider, *passwords)
        return tuple(filter(None, ours))

    def flask_config(self) -> dict[str, Any]:
        return {
            "SETTINGS": self,
            "SECRET_KEY": self.secret_key,
            "SQLALCHEMY_DATABASE_URI": self.database_url,
            # An error of the database would tell phones and texts to the log.
            "SQLALCHEMY_ENGINE_OPTIONS": {"hide_parameters": True},
            # A form around the largest file allowed.
            "MAX_CONTENT_LENGTH": (self.import_max_megabytes + 1) * _MEGABYTE,
            # Browsers do not keep cookies apart by port; two installations on one machine must not mix.
            "SESSION_COOKIE_NAME": f"vestnik_{self.port}",
            "SESSION_COOKIE_HTTPONLY": True,
            "SESSION_COOKIE_SAMESITE": "Lax",
            "SESSION_COOKIE_SECURE": self.production,
            # A CSRF token lives as long as its session: a form left open over lunch must not lose its text.
            "WTF_CSRF_TIME_LIMIT": None,
            "BABEL_DEFAULT_LOCALE": self.language,
            "BABEL_DEFAULT_TIMEZONE": self.timezone,
        }


class _Reader:
    """Takes values out of the environment one by one and notes what is wrong with them."""

    def __init__(self, environ: Mapping[str, str]) -> None:
        self._environ = environ
        self.problems: list[str] = []

    def text(self, name: str, default: str = "") -> str:
        return self._environ.get(name, "").strip() or default

    def wrong(self, name: str, expected: str, got: str | None = None) -> None:
        """`got` is left out for whatever may hold a password."""
        shown = "" if got is None else f" (got {got[:80]!r})" if got else " (it is not set)"
        self.problems.append(f"{name}: {expected}{shown}")

    def choice(self, name: str, choices: tuple[str, ...], default: str) -> str:
        value = self.text(name, default)
        if value not in choices:
            self.wrong(name, f"expected {' or '.join(choices)}", value)
        return value

    def flag(self, name: str) -> bool:
        return self.choice(name, ("0", "1"), "0") == "1"

    def whole(self, name: str, default: int, lowest: int, highest: int) -> int:
        value = self.text(name, str(default))
        number = int(value) if value.isascii() and value.isdecimal() and len(value) < 10 else -1
        if not lowest <= number <= highest:
            self.wrong(name, f"expected a whole number from {lowest} to {highest}", value)
            return default
        return number

    def checked(self, name: str, default: str, is_right: Callable[[str], bool], expected: str) -> str:
        value = self.text(name, default)
        if not is_right(value):
            self.wrong(name, f"expected {expected}", value)
        return value


def _settings(read: _Reader) -> dict[str, Any]:
    data_dir = _absolute(read.text("DATA_DIR", "var"))
    environment = read.choice("VESTNIK_ENV", ("development", "production"), "development")
    port = read.whole("PORT", 8000, 1, 65535)
    settings = {
        "environment": environment,
        "data_dir": data_dir,
        "database_url": _database_url(read, data_dir),
        **_redis(read, data_dir),
        "port": port,
        **_gateway(read, environment, port),
        **_limits(read),
        **_retention(read),
        **_mail(read, environment),
        "digest_at": _digest_at(read),
        "host": read.checked("HOST", "127.0.0.1", _is_host, "an address or a host name"),
        "timezone": read.checked("TIMEZONE", "Europe/Moscow", _is_zone, "an IANA name, like Europe/Moscow"),
        "language": read.choice("LANGUAGE", ("ru", "en"), "ru"),
        **_logs(read, environment),
        **_doors(read),
        "api_rate_limit": _rate(read, "API_RATE_LIMIT", "600/minute"),
        "api_create_rate_limit": _rate(read, "API_CREATE_RATE_LIMIT", "300/minute"),
        "webhook_private_addresses": read.flag("WEBHOOK_PRIVATE_ADDRESSES"),
    }
    given_key = _given_secret_key(read, environment)
    if read.problems:
        raise SettingsError(read.problems)
    try:
        return settings | {"secret_key": given_key or _kept_secret_key(data_dir)}
    except OSError as error:
        expected = f"expected a folder that can be written to ({error.strerror})"
        raise SettingsError([f"DATA_DIR: {expected} (got {str(data_dir)!r})"]) from error


def _absolute(path: str) -> Path:
    """A relative folder counts from the project's, so that it does not matter where a command is started."""
    return (ROOT / Path(path).expanduser()).resolve()


def _database_url(read: _Reader, data_dir: Path) -> str:
    value = read.text("DATABASE_URL") or f"sqlite:///{data_dir / 'vestnik.db'}"
    value = _POSTGRES.sub("postgresql+psycopg://", value)
    try:
        url = make_url(value)
    except (ArgumentError, ValueError):
        url = None
    if url is None or url.drivername not in ("sqlite", "postgresql+psycopg") or not url.database:
        read.wrong("DATABASE_URL", "expected postgresql://USER:PASSWORD@HOST/NAME or sqlite:///FILE")
        return value
    if url.drivername == "sqlite" and url.database != ":memory:":
        url = url.set(database=str(_absolute(url.database)))
    return url.render_as_string(hide_password=False)


def _redis(read: _Reader, data_dir: Path) -> dict[str, Any]:
    given = read.text("REDIS_URL")
    if given and not given.startswith(("redis://", "rediss://", "unix://")):
        read.wrong("REDIS_URL", "expected redis://HOST:PORT/0, rediss://HOST:PORT/0 or unix:///PATH")
    own = f"unix://{quote(str(_run_dir(data_dir) / 'redis.sock'))}"
    return {"redis_url": given or own, "own_redis": not given}


def _run_dir(data_dir: Path) -> Path:
    """Beside the data; where that path is too long for a socket, a private folder under the system's /tmp."""
    beside = data_dir / "run"
    if len(os.fsencode(beside)) <= _LONGEST_RUN_DIR:
        return beside
    digest = hashlib.sha256(os.fsencode(data_dir)).hexdigest()[:12]
    return Path(tempfile.gettempdir()) / f"vestnik-{os.getuid()}-{digest}"


def _gateway(read: _Reader, environment: str, port: int) -> dict[str, Any]:
    url = read.text("GATEWAY_URL").rstrip("/")
    token = read.text("GATEWAY_TOKEN")
    simulated = not url and environment != "production"
    # Nobody listens on the simulator's port when there is a real gateway; then it may be anything.
    simulator_port = read.whole("SIMULATOR_PORT", port + 1, 1, 65535) if simulated else port + 1
    if simulated and simulator_port == port:
        read.wrong("SIMULATOR_PORT", "expected another port than PORT", str(simulator_port))
    if not simulated:
        _check_gateway(read, url, token)
    return {
        "simulated": simulated,
        "simulator_port": simulator_port,
        "gateway_url": url or f"http://127.0.0.1:{simulator_port}",
        "gateway_token": token or SIMULATOR_TOKEN,
        "gateway_on_uncertain": read.choice("GATEWAY_ON_UNCERTAIN", ("hold", "retry"), "hold"),
        "gateway_not_accepted": _status_codes(read, "GATEWAY_NOT_ACCEPTED", "429,503"),
        "gateway_timeout_seconds": _seconds(read, "GATEWAY_TIMEOUT_SECONDS", "10"),
        "gateway_connections": read.whole("GATEWAY_CONNECTIONS", 64, 1, 900),
    }


def _check_gateway(read: _Reader, url: str, token: str) -> None:
    if not url:
        read.wrong("GATEWAY_URL", "expected the gateway's address; production has no simulator", url)
        return
    if not _is_web_address(url):
        read.wrong("GATEWAY_URL", "expected an address like https://gateway.example.com, without user, ? and #")
    if not token:
        read.wrong("GATEWAY_TOKEN", "expected the gateway's JWT, because GATEWAY_URL is set", token)
    elif not _is_visible(token):
        read.wrong("GATEWAY_TOKEN", "expected a JWT: visible ASCII characters without spaces")


def _status_codes(read: _Reader, name: str, default: str) -> frozenset[int]:
    """ "none" declares that no answer is a sure refusal."""
    value = read.text(name, default)
    if value == "none":
        return frozenset()
    codes = [code.strip() for code in value.split(",")]
    if not all(re.fullmatch(r"[45][0-9]{2}", code) for code in codes):
        read.wrong(name, "expected HTTP codes from 400 to 599 with commas between them, or none", value)
        return frozenset()
    return frozenset(int(code) for code in codes)


def _seconds(read: _Reader, name: str, default: str) -> float:
    value = read.text(name, default)
    if not re.fullmatch(r"[0-9]{1,3}(\.[0-9]{1,3})?", value) or not 0.1 <= float(value) <= 120:
        read.wrong(name, "expected seconds from 0.1 to 120", value)
        return 0.0
    return float(value)


def _logs(read: _Reader, environment: str) -> dict[str, Any]:
    usual = "json" if environment == "production" else "text"
    return {
        "log_level": read.choice("LOG_LEVEL", _LOG_LEVELS, "INFO"),
        "log_format": read.choice("LOG_FORMAT", ("json", "text"), usual),
        "metrics_token": _metrics_token(read),
    }


def _metrics_token(read: _Reader) -> str:
    token = read.text("METRICS_TOKEN")
    if token and (len(token) < METRICS_TOKEN_LENGTH or not _is_visible(token)):
        expected = f"expected at least {METRICS_TOKEN_LENGTH} visible ASCII characters without spaces"
        read.wrong("METRICS_TOKEN", expected)
    return token


def _limits(read: _Reader) -> dict[str, int]:
    return {
        "senders": read.whole("SENDERS", 2, 1, 64),
        "web_threads": read.whole("WEB_THREADS", 8, 1, 256),
        "max_tries": read.whole("MAX_TRIES", 12, 1, 100),
        "import_max_megabytes": read.whole("IMPORT_MAX_MEGABYTES", 64, 1, 1024),
        "import_max_rows": read.whole("IMPORT_MAX_ROWS", 1_000_000, 1, 20_000_000),
        "trusted_proxies": read.whole("TRUSTED_PROXIES", 0, 0, 10),
    }


def _retention(read: _Reader) -> dict[str, int]:
    """0: kept for ever."""
    return {
        "message_retention_days": read.whole("MESSAGE_RETENTION_DAYS", 0, 0, 36_500),
        "audit_retention_days": read.whole("AUDIT_RETENTION_DAYS", 0, 0, 36_500),
    }


def _doors(read: _Reader) -> dict[str, Any]:
    """Who registers gets a password: where none opens anything, nobody registers."""
    registration = read.choice("REGISTRATION", ("closed", "approval", "open"), "approval")
    oidc = _oidc(read)
    return {"oidc": oidc, "registration": "closed" if oidc and oidc.is_only else registration}


def _oidc(read: _Reader) -> Oidc | None:
    """All are read, so that one without the other is noticed. None: nobody signs in that way."""
    issuer = read.text("OIDC_ISSUER")
    found = Oidc(
        issuer=issuer,
        client_id=read.text("OIDC_CLIENT_ID"),
        client_secret=read.text("OIDC_CLIENT_SECRET"),
        name=read.text("OIDC_NAME", (urlsplit(issuer).hostname or "") if is_provider_address(issuer) else ""),
        scopes=read.text("OIDC_SCOPES", "openid profile email"),
        role_claim=read.text("OIDC_ROLE_CLAIM"),
        roles=_oidc_roles(read),
        creates_users=read.flag("OIDC_CREATE_USERS"),
        is_only=read.flag("OIDC_ONLY"),
    )
    if not issuer:
        if found.is_only:
            read.wrong("OIDC_ISSUER", "expected the provider's address, because OIDC_ONLY is 1", "")
        return None
    _check_oidc(read, found)
    return found


def _check_oidc(read: _Reader, oidc: Oidc) -> None:
    if not is_provider_address(oidc.issuer):
        read.wrong("OIDC_ISSUER", "expected an address like https://login.example.com, without user, ? and #")
    if not oidc.client_id:
        read.wrong("OIDC_CLIENT_ID", "expected the name by which the provider knows Vestnik", "")
    if "openid" not in oidc.scopes.split():
        read.wrong("OIDC_SCOPES", "expected openid among the scopes", oidc.scopes)
    if bool(oidc.role_claim) != bool(oidc.roles):
        missing = "OIDC_ROLE_MAP" if oidc.role_claim else "OIDC_ROLE_CLAIM"
        read.wrong(missing, "expected both OIDC_ROLE_CLAIM and OIDC_ROLE_MAP, or neither", "")
    if read.text("REGISTRATION") == "open":
        # Anybody could take somebody else's address first, and wait for them to be linked to that account.
        read.wrong("REGISTRATION", "expected closed or approval where OIDC_ISSUER is set", "open")


def _oidc_roles(read: _Reader) -> dict[str, str]:
    value = read.text("OIDC_ROLE_MAP")
    pairs = [each.strip().rpartition("=") for each in value.split(",")] if value else []
    if not all(name.strip() and role in _ROLES for name, _, role in pairs):
        read.wrong("OIDC_ROLE_MAP", f"expected NAME=ROLE,NAME=ROLE with {' or '.join(_ROLES)} as roles", value)
    return {name.strip(): role for name, _, role in pairs}


def _mail(read: _Reader, environment: str) -> dict[str, str]:
    """Without SMTP_URL no letters leave, and what needs them is not offered."""
    url, sender = read.text("SMTP_URL"), read.text("MAIL_FROM")
    public_url = read.text("PUBLIC_URL").rstrip("/")
    if public_url and not _is_web_address(public_url):
        read.wrong("PUBLIC_URL", "expected an address like https://vestnik.example.com, without user, ? and #")
    if url and not _is_mail_server(url):
        expected = "expected smtp://USER:PASSWORD@HOST:587 or smtps://USER:PASSWORD@HOST:465"
        read.wrong("SMTP_URL", f"{expected}; ?starttls=0 after it only on this machine or without password")
    if url and not sender:
        read.wrong("MAIL_FROM", "expected the sender's address, because SMTP_URL is set", sender)
    if sender and not _MAIL_FROM.match(sender):
        read.wrong("MAIL_FROM", "expected an address like Vestnik <vestnik@example.com>", sender)
    if url and not public_url and environment == "production":
        read.wrong("PUBLIC_URL", "expected the address that links in letters begin with", public_url)
    return {"smtp_url": url, "mail_from": sender, "public_url": public_url}


def _is_mail_server(url: str) -> bool:
    try:
        parts = urlsplit(url)
        is_one = parts.scheme in ("smtp", "smtps") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        return False
    is_bare = parts.path in ("", "/") and not parts.fragment and parts.query in ("", "starttls=0", "starttls=1")
    is_here = parts.hostname in _HERE
    is_open = parts.scheme == "smtp" and parts.query == "starttls=0" and bool(parts.password) and not is_here
    return is_one and is_bare and not is_open


def _digest_at(read: _Reader) -> time | None:
    value = read.text("DIGEST_AT", "23:59")
    if value == "off":
        return None
    if not re.fullmatch(r"([01][0-9]|2[0-3]):[0-5][0-9]", value):
        read.wrong("DIGEST_AT", "expected a time like 23:59, or off", value)
        return None
    return time.fromisoformat(value)


def _rate(read: _Reader, name: str, default: str) -> str:
    expected = "a number for a second, minute, hour or day, like 600/minute"
    return read.checked(name, default, lambda value: bool(_RATE.match(value)), expected)


def _is_visible(token: str) -> bool:
    return all("!" <= each <= "~" for each in token)


def _is_host(value: str) -> bool:
    return bool(_HOST.match(value))


def _is_web_address(url: str) -> bool:
    try:
        parts = urlsplit(url)
        is_bare = parts.username is None and not parts.query and not parts.fragment
        return parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0 and is_bare
    except ValueError:
        return False


def is_provider_address(url: str) -> bool:
    """HTTPS; without it only on this machine, where nobody listens in."""
    if not _is_web_address(url):
        return False
    parts = urlsplit(url)
    return parts.scheme == "https" or parts.hostname in _HERE


def _is_zone(name: str) -> bool:
    try:
        return bool(ZoneInfo(name))
    except (KeyError, ValueError, OSError):
        return False


def _given_secret_key(read: _Reader, environment: str) -> str:
    key = read.text("SECRET_KEY")
    if not key and environment == "production":
        read.wrong("SECRET_KEY", f"expected at least {SECRET_KEY_LENGTH} random characters in production", "")
    elif key and len(key) < SECRET_KEY_LENGTH:
        read.wrong("SECRET_KEY", f"expected at least {SECRET_KEY_LENGTH} characters, {len(key)} were given")
    return key


def _kept_secret_key(data_dir: Path) -> str:
    """Makes the key once. Several processes may start together: the first link wins, all read the same."""
    path = data_dir / "secret_key"
    if not path.exists():
        data_dir.mkdir(parents=True, exist_ok=True)
        descriptor, draft = tempfile.mkstemp(dir=data_dir, prefix="secret_key.")
        with os.fdopen(descriptor, "w") as file:
            file.write(secrets.token_urlsafe(48))
        try:
            os.link(draft, path)
        except FileExistsError:
            pass
        finally:
            os.unlink(draft)
    return path.read_text().strip()
