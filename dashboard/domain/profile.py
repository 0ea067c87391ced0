"""What may a user change of their own account? Whoever sits at an open browser has to know its password."""

from sqlalchemy.exc import IntegrityError

from .. import models
from ..database import transaction
from . import audit, mails, password_changes, user_administration, user_rules, users
from .audit import Thing
from .errors import Conflict, Invalid, Problem
from .user_rules import name_key, tidy
from .users import User


def change(user: User, name: str, email: str, current: str, *, tells: bool, keeps_address: bool = False) -> User:
    """Name and address, by which the user signs in; `tells`: a letter to the old address says that it was changed.

    `keeps_address`: it stays as it is. A provider's word about an address opens the account that has it: who took
    a colleague's before they first came would become what they are. Raises Invalid, and
    Conflict("name_or_email_taken") for who comes second.
    """
    name, email = tidy(name), tidy(email).lower()
    found = [user_rules.problem_with_name(name), user_rules.problem_with_email(email)]
    problems = [problem for problem in found if problem]
    if keeps_address and email != user.email:
        problems.append(Problem("email", "email_kept"))
    if not users.is_own_password(user.id, current):
        problems.append(Problem("current", "password_wrong"))
    if problems:
        raise Invalid(problems)
    try:
        with transaction() as session:
            row = session.get_one(
                models.User, user.id, with_for_update={"key_share": True}, populate_existing=True
            )
            user_administration.require_free(session, user.id, name, email)
            before, was = row.email, audit.columns(row, "name", "email")
            row.name, row.name_key, row.email = name, name_key(name), email
            if before != email:
                password_changes.follow_address(session, user.id, email)
            if tells and before != email:
                mails.post(session, "email_changed", before, user_id=user.id, params={"email": email})
            session.flush()
            audit.note(
                session, user.actor, "change", Thing.USER, user.id, was, audit.columns(row, "name", "email")
            )
            return User.of(row)
    except IntegrityError:
        # PostgreSQL: somebody took the name between the question and the answer.
        raise Conflict("name_or_email_taken") from None
