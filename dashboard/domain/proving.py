"""Is it still the same person who sits at this browser? Asked again before a door is rebuilt."""

from . import second_factor, users
from .errors import Invalid, Problem
from .sealing import Seal
from .users import User


def prove(user: User, password: str, code: str, seal: Seal) -> None:
    """The password of whoever has one, and a code of whoever has a second factor; the code is used up.

    Raises Invalid.
    """
    if not users.is_own_password(user.id, password):
        raise Invalid([Problem("password", "password_wrong")])
    if second_factor.standing(user.id) is None:
        return
    found = second_factor.check(user.id, code, seal)
    if not found.is_right:
        raise Invalid([found.problem()])
