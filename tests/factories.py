"""How does a test come by a user, and by what else it needs to begin with?"""

from collections.abc import Callable
from functools import lru_cache
from itertools import count

from flask.testing import FlaskClient
from sqlalchemy import insert

from dashboard import clock, models
from dashboard.database import transaction
from dashboard.domain import passwords, user_rules
from dashboard.domain.permissions import Actor
from dashboard.domain.users import User
from dashboard.models import Role

PASSWORD = "correct horse battery staple"

# The fixture of tests/web: `signed_in(Role.VIEWER)`.
SignedIn = Callable[..., FlaskClient]

_numbers = count(1)


def make_user(
    role: Role = Role.OPERATOR,
    name: str | None = None,
    email: str | None = None,
    is_active: bool = True,
    language: str = "en",
    theme: str = "auto",
    timezone: str = "Europe/Moscow",
) -> User:
    """A user whose password is PASSWORD. Needs an application context."""
    name = name or f"{role.value}-{next(_numbers)}"
    values = {
        "name": name,
        "name_key": user_rules.name_key(name),
        "email": email or f"{name}@example.com",
        "password_hash": _hash_of_password(),
        "role": role,
        "is_active": is_active,
        "language": language,
        "theme": theme,
        "timezone": timezone,
        "created_at": clock.now(),
    }
    with transaction() as session:
        row = session.scalars(insert(models.User).values(**values).returning(models.User)).one()
    return User.of(row)


def make_actor(role: Role = Role.OPERATOR) -> Actor:
    """A new user, as the domain sees one who asks."""
    return make_user(role).actor


@lru_cache(maxsize=1)
def _hash_of_password() -> str:
    """Hashing is slow by design; once will do."""
    return passwords.hashed(PASSWORD)


def sign_in(client: FlaskClient, user: User, **more: str) -> None:
    """As the person would, by the form."""
    answer = client.post("/sign-in", data={"login": user.name, "password": PASSWORD, **more})
    assert answer.status_code == 303, answer.text
