"""Is each setting checked, documented, and kept to itself where it is a secret?"""

import re
import threading
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from config import ROOT, Settings, SettingsError

PASSWORD = "correct-horse-battery"
KEY = "k" * 32
PRODUCTION = {
    "VESTNIK_ENV": "production",
    "SECRET_KEY": KEY,
    "GATEWAY_URL": "https://gateway.example.com/",
    "GATEWAY_TOKEN": "head.body.signature",
}


def names(error: pytest.ExceptionInfo[SettingsError]) -> list[str]:
    return sorted(problem.split(":")[0] for problem in error.value.problems)


class Remembering(Mapping[str, str]):
    """An environment that knows which names were asked for."""

    def __init__(self, environ: dict[str, str]) -> None:
        self._environ = environ
        self.asked: set[str] = set()

    def __getitem__(self, name: str) -> str:
        self.asked.add(name)
        return self._environ[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._environ)

    def __len__(self) -> int:
        return len(self._environ)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("VESTNIK_ENV", "staging"),
        ("DATABASE_URL", "mysql://localhost/vestnik"),
        ("DATABASE_URL", "postgresql://localhost"),
        ("DATABASE_URL", "vestnik.db"),
        ("REDIS_URL", "localhost:6379"),
        ("GATEWAY_URL", "gateway.example.com"),
        ("GATEWAY_URL", "http://"),
        ("GATEWAY_URL", "http://host:notaport"),
        ("GATEWAY_URL", "http://user@host"),
        ("GATEWAY_URL", "http://host/?key=1"),
        ("GATEWAY_ON_UNCERTAIN", "guess"),
        ("GATEWAY_NOT_ACCEPTED", "429;503"),
        ("GATEWAY_NOT_ACCEPTED", "200"),
        ("GATEWAY_TIMEOUT_SECONDS", "0"),
        ("GATEWAY_TIMEOUT_SECONDS", "inf"),
        ("GATEWAY_CONNECTIONS", "0"),
        ("SECRET_KEY", "short"),
        ("HOST", "not a host"),
        ("PORT", "65536"),
        ("PORT", "٨٠"),
        ("SIMULATOR_PORT", "8000"),
        ("SENDERS", "-1"),
        ("WEB_THREADS", "many"),
        ("TIMEZONE", "Moscow"),
        ("TIMEZONE", "../etc/passwd"),
        ("LANGUAGE", "de"),
        ("LOG_LEVEL", "loud"),
        ("LOG_FORMAT", "xml"),
        ("DIGEST_AT", "24:00"),
        ("METRICS_TOKEN", "short"),
        ("MAX_TRIES", "1.5"),
        ("IMPORT_MAX_MEGABYTES", "0"),
        ("IMPORT_MAX_ROWS", "0"),
        ("TRUSTED_PROXIES", "all"),
        ("REGISTRATION", "yes"),
        ("MESSAGE_RETENTION_DAYS", "-1"),
        ("AUDIT_RETENTION_DAYS", "a year"),
        ("API_RATE_LIMIT", "600"),
        ("API_RATE_LIMIT", "0/minute"),
        ("API_CREATE_RATE_LIMIT", "60 per minute"),
        ("WEBHOOK_PRIVATE_ADDRESSES", "yes"),
        ("OIDC_ROLE_MAP", "admins"),
        ("OIDC_ROLE_MAP", "admins=owner"),
        ("OIDC_ROLE_MAP", "=viewer"),
        ("OIDC_CREATE_USERS", "yes"),
        ("OIDC_ONLY", "2"),
        ("SMTP_URL", "mail.example.com:25"),
        ("SMTP_URL", "smtp://"),
        ("SMTP_URL", "smtp://mail.example.com?tls=0"),
        ("SMTP_URL", "smtp://user:password@mail.example.com?starttls=0"),
        ("MAIL_FROM", "nobody"),
        ("MAIL_FROM", "a@example.com, b@example.com"),
        ("PUBLIC_URL", "vestnik.example.com"),
        ("PUBLIC_URL", "https://vestnik.example.com/?a=1"),
    ],
)
def test_a_wrong_value_is_named(name: str, value: str, tmp_path: Path) -> None:
    environ = {"DATA_DIR": str(tmp_path), "GATEWAY_TOKEN": "a.b.c", "MAIL_FROM": "a@example.com", name: value}

    with pytest.raises(SettingsError) as error:
        Settings.from_environ(environ)

    assert len(error.value.problems) == 1
    assert error.value.problems[0].startswith(f"{name}: expected ")


def test_all_mistakes_are_told_at_once() -> None:
    with pytest.raises(SettingsError) as error:
        Settings.from_environ({"PORT": "x", "SENDERS": "y", "LANGUAGE": "z"})

    assert names(error) == ["LANGUAGE", "PORT", "SENDERS"]


def test_production_asks_for_key_gateway_and_token(tmp_path: Path) -> None:
    with pytest.raises(SettingsError) as without_gateway:
        Settings.from_environ({"DATA_DIR": str(tmp_path), "VESTNIK_ENV": "production"})
    with pytest.raises(SettingsError) as without_token:
        Settings.from_environ({**PRODUCTION, "GATEWAY_TOKEN": ""})

    assert names(without_gateway) == ["GATEWAY_URL", "SECRET_KEY"]
    assert names(without_token) == ["GATEWAY_TOKEN"]


def test_mail_asks_for_its_sender_and_in_production_for_our_own_address() -> None:
    with pytest.raises(SettingsError) as error:
        Settings.from_environ({**PRODUCTION, "SMTP_URL": "smtps://mail.example.com"})

    assert names(error) == ["MAIL_FROM", "PUBLIC_URL"]


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("SMTP_URL", f"smtp://user:{PASSWORD}@mail.example.com?wrong"),
        ("DATABASE_URL", f"mysql://user:{PASSWORD}@host/name"),
        ("REDIS_URL", f"amqp://:{PASSWORD}@host"),
        ("GATEWAY_URL", f"gopher://user:{PASSWORD}@host"),
        ("GATEWAY_TOKEN", f"{PASSWORD} with a blank"),
        ("SECRET_KEY", PASSWORD),
        ("METRICS_TOKEN", f"{PASSWORD} with a blank"),
    ],
)
def test_an_error_never_repeats_a_secret(name: str, value: str, tmp_path: Path) -> None:
    with pytest.raises(SettingsError) as error:
        Settings.from_environ({**PRODUCTION, "DATA_DIR": str(tmp_path), name: value})

    assert error.value.problems
    assert PASSWORD not in str(error.value)


def test_settings_do_not_show_secrets_when_printed(tmp_path: Path) -> None:
    settings = Settings.from_environ(
        {
            **PRODUCTION,
            "DATA_DIR": str(tmp_path),
            "SECRET_KEY": PASSWORD * 2,
            "GATEWAY_TOKEN": PASSWORD,
            "SMTP_URL": f"smtp://user:{PASSWORD}@mail.example.com",
            "MAIL_FROM": "vestnik@example.com",
            "PUBLIC_URL": "https://vestnik.example.com",
            "DATABASE_URL": f"postgresql://user:{PASSWORD}@host/name",
            "REDIS_URL": f"redis://:{PASSWORD}@host",
        }
    )

    assert PASSWORD not in repr(settings)


OIDC = {"OIDC_ISSUER": "https://login.example.com", "OIDC_CLIENT_ID": "vestnik"}


@pytest.mark.parametrize(
    ("environ", "named"),
    [
        ({"OIDC_ISSUER": "http://login.example.com"}, "OIDC_ISSUER"),
        ({"OIDC_ISSUER": "https://login.example.com/?a=b"}, "OIDC_ISSUER"),
        ({"OIDC_ISSUER": "http://127.0.0.1.example.com"}, "OIDC_ISSUER"),
        ({"OIDC_ISSUER": "", "OIDC_ONLY": "1"}, "OIDC_ISSUER"),
        ({"OIDC_CLIENT_ID": ""}, "OIDC_CLIENT_ID"),
        ({"OIDC_SCOPES": "profile email"}, "OIDC_SCOPES"),
        ({"OIDC_ROLE_CLAIM": "roles"}, "OIDC_ROLE_MAP"),
        ({"OIDC_ROLE_MAP": "admins=administrator"}, "OIDC_ROLE_CLAIM"),
        ({"REGISTRATION": "open"}, "REGISTRATION"),
    ],
)
def test_a_provider_is_named_whole_or_not_at_all(environ: dict[str, str], named: str, tmp_path: Path) -> None:
    with pytest.raises(SettingsError) as error:
        Settings.from_environ({"DATA_DIR": str(tmp_path), **OIDC, **environ})

    assert names(error) == [named]


def test_a_provider_is_read_and_its_secret_not_shown(tmp_path: Path) -> None:
    claim = {"OIDC_ROLE_CLAIM": "https://vestnik.example/roles", "OIDC_ROLE_MAP": "a=b=viewer, ops =operator"}
    environ = {"DATA_DIR": str(tmp_path), **OIDC, **claim, "OIDC_CLIENT_SECRET": PASSWORD}

    settings = Settings.from_environ(environ)
    local = Settings.from_environ(environ | {"OIDC_ISSUER": "http://127.0.0.1:9400"}).oidc
    alone = Settings.from_environ(environ | {"OIDC_ONLY": "1"})

    assert settings.oidc is not None
    assert settings.oidc.name == "login.example.com"
    assert settings.oidc.roles == {"a=b": "viewer", "ops": "operator"}
    assert PASSWORD not in repr(settings)
    # The log leaves these out, whoever repeats them.
    assert PASSWORD in settings.secrets
    assert local is not None
    assert (settings.registration, alone.registration) == ("approval", "closed")


def test_every_setting_is_in_the_example_and_nothing_else(tmp_path: Path) -> None:
    development = Remembering({"DATA_DIR": str(tmp_path)})
    Settings.from_environ(development)
    production = Remembering(PRODUCTION | {"DATA_DIR": str(tmp_path)})
    Settings.from_environ(production)

    documented = set(re.findall(r"^([A-Z_]+)=", (ROOT / ".env.example").read_text(), re.MULTILINE))

    assert documented == development.asked | production.asked


def test_the_example_shows_the_defaults(tmp_path: Path) -> None:
    example = dict(re.findall(r"^([A-Z_]+)=(.*)$", (ROOT / ".env.example").read_text(), re.MULTILINE))
    kept = {"DATA_DIR": str(tmp_path), "SECRET_KEY": KEY}

    assert example["DATA_DIR"] == "var"
    assert Settings.from_environ(example | kept) == Settings.from_environ(kept)


@pytest.mark.parametrize("scheme", ["postgres", "postgresql", "postgresql+psycopg"])
def test_every_usual_postgres_address_is_taken(scheme: str) -> None:
    settings = Settings.from_environ({"SECRET_KEY": KEY, "DATABASE_URL": f"{scheme}://u:p%40ss@db:5433/vestnik"})

    assert settings.database_url == "postgresql+psycopg://u:p%40ss@db:5433/vestnik"


def test_a_gateway_replaces_the_simulator(tmp_path: Path) -> None:
    alone = Settings.from_environ({"DATA_DIR": str(tmp_path), "PORT": "9000"})
    real = Settings.from_environ(PRODUCTION | {"DATA_DIR": str(tmp_path)})

    assert (alone.simulated, alone.gateway_url) == (True, "http://127.0.0.1:9001")
    assert (real.simulated, real.gateway_url) == (False, "https://gateway.example.com")


def test_the_key_is_made_once_even_by_processes_that_start_together(tmp_path: Path) -> None:
    keys: list[str] = []

    def start() -> None:
        keys.append(Settings.from_environ({"DATA_DIR": str(tmp_path / "new")}).secret_key)

    starts = [threading.Thread(target=start) for _ in range(8)]
    for thread in starts:
        thread.start()
    for thread in starts:
        thread.join()

    assert len(keys) == 8
    assert len(set(keys)) == 1
    assert len(keys[0]) >= 32
    assert [path.name for path in (tmp_path / "new").iterdir()] == ["secret_key"]
    assert (tmp_path / "new" / "secret_key").stat().st_mode & 0o077 == 0


def test_a_data_folder_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").touch()

    with pytest.raises(SettingsError, match=r"^DATA_DIR: expected a folder that can be written"):
        Settings.from_environ({"DATA_DIR": str(tmp_path / "file" / "var")})


def test_sockets_move_to_a_short_folder_when_the_data_lies_deep(tmp_path: Path) -> None:
    deep = tmp_path / ("d" * 100)
    near = Path("/srv/vestnik")

    assert Settings.from_environ({"SECRET_KEY": KEY, "DATA_DIR": str(near)}).run_dir == near / "run"
    assert len(str(Settings.from_environ({"SECRET_KEY": KEY, "DATA_DIR": str(deep)}).run_dir)) < 60


def test_cookies_are_for_https_only_in_production(tmp_path: Path) -> None:
    development = Settings.from_environ({"DATA_DIR": str(tmp_path)}).flask_config()
    production = Settings.from_environ(PRODUCTION | {"DATA_DIR": str(tmp_path)}).flask_config()

    assert not development["SESSION_COOKIE_SECURE"]
    assert production["SESSION_COOKIE_SECURE"]
