"""Who may work with Vestnik, and is it really them?"""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Self

from sqlalchemy import exists, or_, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from .. import clock, models, zones
from ..database import db, end_reading, transaction
from ..models import Role
from . import audit, passwords, user_rules
from .audit import Thing
from .errors import Conflict, Invalid, Problem
from .permissions import Actor
from .user_rules import name_key, tidy


@dataclass(frozen=True, slots=True)
class User:
    """A user as the rest of the house sees one."""

    id: int
    name: str
    email: str
    role: Role
    is_active: bool
    may_launch: bool
    language: str
    theme: str
    timezone: str
    waiting_since: datetime | None
    created_at: datetime

    @classmethod
    def of(cls, row: models.User) -> Self:
        return cls(
            id=row.id,
            name=row.name,
            email=row.email,
            role=row.role,
            is_active=row.is_active,
            may_launch=row.may_launch,
            language=row.language,
            theme=row.theme,
            timezone=row.timezone,
            waiting_since=row.waiting_since,
            created_at=row.created_at,
        )

    @property
    def actor(self) -> Actor:
        return Actor(self.id, self.role, self.may_launch)


@dataclass(frozen=True, slots=True)
class NewUser:
    name: str
    email: str
    password: str
    role: Role
    language: str
    timezone: str
    theme: str = "auto"
    may_launch: bool = True


def has_users() -> bool:
    return bool(db.session.scalar(select(exists(select(models.User.id)))))


def listed() -> list[User]:
    """All of them, by name."""
    query = select(models.User).where(models.User.deleted_at.is_(None)).order_by(models.User.name_key)
    return [User.of(row) for row in db.session.scalars(query)]


def active(user_id: int) -> User | None:
    row = db.session.scalar(select(models.User).where(models.User.id == user_id, models.User.is_active))
    return User.of(row) if row else None


def create(new: NewUser, actor: Actor | None = None) -> int:
    """Gives the new user's id; `actor` None: whoever runs the installation. Raises Invalid."""
    return add(new, lambda session: None, actor=actor)


def add(
    new: NewUser, permit: Callable[[Session], None], *, is_waiting: bool = False, actor: Actor | None = None
) -> int:
    """Hashes before the transaction, because hashing is slow; `permit` is asked within it. Raises Invalid."""
    new = replace(new, name=tidy(new.name), email=tidy(new.email).lower())
    _require_none([*_problems(new), *taken(db.session(), new.name, new.email)])
    end_reading()
    password_hash = passwords.hashed(new.password)
    try:
        with transaction() as session:
            permit(session)
            _require_none(taken(session, new.name, new.email))
            user = _row(new, password_hash, session)
            if is_waiting:
                user.is_active, user.waiting_since = False, user.created_at
            session.add(user)
            session.flush()
            note_new(session, actor, user)
            return user.id
    except IntegrityError:
        # PostgreSQL: somebody took the name between the question and the answer.
        _require_none(taken(db.session(), new.name, new.email))
        raise


def _require_none(problems: list[Problem]) -> None:
    if problems:
        raise Invalid(problems)


def _problems(new: NewUser) -> list[Problem]:
    found = [
        user_rules.problem_with_name(new.name),
        user_rules.problem_with_email(new.email),
        passwords.problem_with(new.password, new.name, new.email),
        *user_rules.problems_with_preferences(new.language, new.theme, new.timezone),
    ]
    return [problem for problem in found if problem]


def taken(session: Session, name: str, email: str, but: int | None = None) -> list[Problem]:
    """What another user already has, `but` this one; empty while the input is too odd to be looked up."""
    same = or_(models.User.name_key == name_key(name), models.User.email == email)
    others = [] if but is None else [models.User.id != but]
    found: list[Problem] = []
    for row in session.execute(select(models.User.name_key, models.User.email).where(same, *others)):
        if row.name_key == name_key(name):
            found.append(Problem("name", "name_taken"))
        if row.email == email:
            found.append(Problem("email", "email_taken"))
    return found


def note_new(session: Session, actor: Actor | None, row: models.User) -> None:
    said = audit.columns(row, "name", "email", "role", "is_active", "waiting_since")
    audit.note(session, actor, "register" if row.waiting_since else "create", Thing.USER, row.id, after=said)


def _row(new: NewUser, password_hash: str, session: Session) -> models.User:
    return models.User(
        name=new.name,
        name_key=name_key(new.name),
        email=new.email,
        password_hash=password_hash,
        role=new.role,
        may_launch=new.may_launch,
        is_active=True,
        language=new.language,
        theme=new.theme,
        timezone=zones.normalise(new.timezone),
        created_at=clock.database_now(session),
    )


def authenticate(login: str, password: str) -> User | None:
    """The active user with this name or e-mail (in any case) and this password, or None.

    Raises Conflict("user_waiting") for one who is not approved yet; only to whoever knows the password.
    """
    wanted = select(models.User).where(
        or_(models.User.name_key == name_key(login), models.User.email == tidy(login).lower())
    )
    row = db.session.scalar(wanted)
    user, password_hash = (User.of(row), row.password_hash) if row else (None, None)
    end_reading()  # hashing takes long: no connection is held meanwhile
    if not passwords.matches(password, password_hash) or user is None or password_hash is None:
        note_refusal(user.id if user else None, "wrong_password" if user else "unknown_user")
        return None
    if user.waiting_since:
        note_refusal(user.id, "user_waiting")
        raise Conflict("user_waiting")
    if not user.is_active:
        note_refusal(user.id, "user_inactive")
        return None
    if passwords.is_outdated(password_hash):
        _hash_anew(user.id, password, password_hash)
    return user


def tries_key(login: str) -> str:
    """By which wrong tries are counted: the user's own, whether name or e-mail was typed.

    For names that nobody has it is the name, hashed, because people type passwords there.
    """
    name = name_key(login)
    user_id = None
    # Anything may be asked here: nobody is called by what no database takes.
    if login.isprintable() and len(login) <= 254:
        wanted = or_(models.User.name_key == name, models.User.email == tidy(login).lower())
        user_id = db.session.scalar(select(models.User.id).where(wanted).limit(1))
        end_reading()
    return f"user:{user_id}" if user_id else "login:" + hashlib.sha256(name.encode(errors="replace")).hexdigest()


def note_refusal(user_id: int | None, reason: str) -> None:
    """Never what was typed: people type passwords where a name belongs."""
    audit.note_alone(None, "sign_in_refused", Thing.USER, user_id, {"reason": reason})


def has_password(user_id: int) -> bool:
    """Not so who comes in by somebody else's word only (domain/identities)."""
    return bool(db.session.scalar(select(models.User.password_hash).where(models.User.id == user_id)))


def is_own_password(user_id: int, password: str) -> bool:
    """Also of whoever has none."""
    password_hash = db.session.scalar(select(models.User.password_hash).where(models.User.id == user_id))
    end_reading()  # hashing takes long: no connection is held meanwhile
    return password_hash == "" or passwords.matches(password, password_hash)


def _hash_anew(user_id: int, password: str, outdated: str) -> None:
    """With today's parameters, unless the password has been changed meanwhile."""
    anew = passwords.hashed(password)
    unchanged = (models.User.id == user_id, models.User.password_hash == outdated)
    with transaction() as session:
        session.execute(update(models.User).where(*unchanged).values(password_hash=anew))


def change_preferences(user_id: int, language: str, theme: str, timezone: str) -> None:
    """Raises Invalid."""
    _require_none(user_rules.problems_with_preferences(language, theme, timezone))
    with transaction() as session:
        row = session.get_one(models.User, user_id)
        before = audit.columns(row, "language", "theme", "timezone")
        row.language, row.theme, row.timezone = language, theme, zones.normalise(timezone)
        after = audit.columns(row, *before)
        if after != before:
            audit.note(session, User.of(row).actor, "change_preferences", Thing.USER, user_id, before, after)
