"""Which of our users is it that an OpenID Connect provider sends us, and what may they do?

The provider's issuer and subject name an account there for good. An e-mail address does so only once, if the
provider has verified it: addresses change hands, and an unverified one is only what somebody has typed.
"""

import logging
import secrets
from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from .. import clock, models
from ..database import db, retrying, transaction
from ..models import Identity, Role
from . import audit, sign_ins, user_rules, users
from .audit import Thing
from .errors import Conflict
from .user_rules import name_key, tidy
from .users import User

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Arrival:
    """Whom the provider vouches for. `role`: what its claim makes of them; None: nothing."""

    issuer: str
    subject: str
    email: str
    is_email_verified: bool
    name: str
    role: Role | None = None


@dataclass(frozen=True, slots=True)
class Policy:
    """`takes_roles`: the provider decides about roles, anew at each sign-in; else an administrator of ours does.

    `language` and `timezone` are those of new users.
    """

    creates_users: bool
    takes_roles: bool
    language: str
    timezone: str


def arrive(who: Arrival, policy: Policy) -> User:
    """The active user whose account this is; linked or made, if this is the first time.

    Raises Conflict: "provider_gives_no_role", "provider_email_unverified", "provider_email_taken" (its user is
    known by another account there), "provider_user_unknown" (and none is made), "user_inactive", "user_waiting".
    """
    try:
        return _let_in(who, policy)
    except Conflict as refusal:
        users.note_refusal(_meant(who), refusal.code)
        raise


def _let_in(who: Arrival, policy: Policy) -> User:
    if policy.takes_roles and who.role is None:
        raise Conflict("provider_gives_no_role")
    try:
        user = retrying(lambda: _found_or_made(who, policy))
    except IntegrityError:
        # Two first sign-ins at once: by now the account is there.
        user = retrying(lambda: _found_or_made(who, policy))
    if user.waiting_since:
        raise Conflict("user_waiting")
    if not user.is_active:
        raise Conflict("user_inactive")
    return user


def _meant(who: Arrival) -> int | None:
    """Whose account here it is, or would be by its verified address."""
    known = select(Identity.user_id).where(Identity.issuer == who.issuer, Identity.subject == who.subject)
    by_email = select(models.User.id).where(models.User.email == _address(who))
    return db.session.scalar(known) or (db.session.scalar(by_email) if who.is_email_verified else None)


def _found_or_made(who: Arrival, policy: Policy) -> User:
    with transaction() as session:
        row = _known(session, who) or _linked(session, who) or _made(session, who, policy)
        before = audit.columns(row, "role", "may_launch")
        if policy.takes_roles and who.role is not None:
            _give_role(session, row, who.role)
        session.flush()
        if (after := audit.columns(row, *before)) != before:
            audit.note(session, None, "take_role", Thing.USER, row.id, before, after)
        return User.of(row)


def _known(session: Session, who: Arrival) -> models.User | None:
    account = (Identity.issuer == who.issuer, Identity.subject == who.subject)
    return session.scalar(
        select(models.User).join(Identity, Identity.user_id == models.User.id).where(*account).with_for_update()
    )


def _linked(session: Session, who: Arrival) -> models.User | None:
    """By the verified address, the first time."""
    if not who.is_email_verified:
        raise Conflict("provider_email_unverified")
    by_email = select(models.User).where(models.User.email == _address(who)).with_for_update()
    row = session.scalar(by_email)
    if row is None:
        return None
    linked = select(Identity.subject).where(Identity.user_id == row.id, Identity.issuer == who.issuer)
    if (subject := session.scalar(linked)) == who.subject:
        # Their other first sign-in has come between the two looks.
        return row
    if subject is not None:
        raise Conflict("provider_email_taken")
    if row.waiting_since:
        # Registered by nobody knows whom, with an address that nobody had verified.
        row.password_hash = ""
    _link(session, row, who)
    return row


def _address(who: Arrival) -> str:
    return tidy(who.email).lower()


def _link(session: Session, row: models.User, who: Arrival) -> None:
    now = clock.database_now(session)
    session.add(Identity(user_id=row.id, issuer=who.issuer, subject=who.subject, linked_at=now))
    session.flush()
    audit.note(session, None, "link", Thing.USER, row.id, after={"issuer": who.issuer})
    logger.warning("linked with an account at the provider", extra={"user_id": row.id})


def _made(session: Session, who: Arrival, policy: Policy) -> models.User:
    """Without a role from the provider an administrator has to approve them, as one who has registered."""
    if not policy.creates_users or user_rules.problem_with_email(_address(who)):
        raise Conflict("provider_user_unknown")
    name = _free_name(session, who)
    now = clock.database_now(session)
    row = models.User(
        name=name,
        name_key=name_key(name),
        email=_address(who),
        password_hash="",
        role=Role.OPERATOR,
        is_active=policy.takes_roles,
        waiting_since=None if policy.takes_roles else now,
        language=policy.language,
        theme="auto",
        timezone=policy.timezone,
        created_at=now,
    )
    session.add(row)
    session.flush()
    users.note_new(session, None, row)
    _link(session, row, who)
    return row


def _free_name(session: Session, who: Arrival) -> str:
    """As the provider calls them, if nobody here is called so already."""
    wanted = "".join(each for each in tidy(who.name) if each.isprintable() and each != "@")
    wanted = tidy(wanted)[: user_rules.LONGEST_NAME - 8]
    if user_rules.problem_with_name(wanted):
        wanted = _address(who).partition("@")[0][: user_rules.LONGEST_NAME - 8]
    for name in (wanted, *(f"{wanted} {number}" for number in range(2, 10)), f"{wanted} {secrets.token_hex(3)}"):
        if session.scalar(select(models.User.id).where(models.User.name_key == name_key(name))) is None:
            return name
    raise Conflict("provider_user_unknown")


def _give_role(session: Session, row: models.User, role: Role) -> None:
    """Who waits is let in by it; whoever is signed in elsewhere signs in anew, as the role has to.

    The last active administrator stays one, whatever the provider says.
    """
    if row.waiting_since:
        row.waiting_since, row.is_active = None, True
        audit.note(session, None, "approve", Thing.USER, row.id, after={"role": role})
    if row.role is role:
        return
    if row.role is Role.ADMINISTRATOR and row.is_active and not _others_administer(session, row):
        logger.warning("the last administrator keeps the role", extra={"user_id": row.id})
        return
    logger.warning("role changed by the provider: %s", role.value, extra={"user_id": row.id})
    row.role = role
    sign_ins.end_open(session, row.id)


def _others_administer(session: Session, row: models.User) -> bool:
    """All are locked, so that two cannot each be the other's reason to go."""
    chiefs = select(models.User.id).where(models.User.role == Role.ADMINISTRATOR, models.User.is_active)
    return any(chief != row.id for chief in session.scalars(chiefs.order_by(models.User.id).with_for_update()))
