"""How does a test come by codes, as a person with a telephone does?"""

import pyotp
from flask import current_app

from dashboard import clock
from dashboard.domain import second_factor_setup
from dashboard.domain.one_time_codes import step_of
from dashboard.domain.sealing import Seal
from dashboard.domain.users import User
from tests.support.settings import SECRET_KEY

SEAL = Seal(SECRET_KEY)


class Authenticator:
    """Knows a secret, and how many half minutes its clock is ahead; recovery codes lie beside it."""

    def __init__(self, secret: str, recovery_codes: list[str] | None = None) -> None:
        self.secret = secret
        self.recovery_codes = recovery_codes or []

    def code(self, steps: int = 0) -> str:
        return pyotp.TOTP(self.secret).generate_otp(step_of(clock.now()) + steps)

    @property
    def next_code(self) -> str:
        """Not used up by switching on, and good already."""
        return self.code(1)

    @property
    def wrong_code(self) -> str:
        near = {self.code(steps) for steps in range(-3, 4)}
        return next(code for code in map("{:06}".format, range(10)) if code not in near)


def switch_on(user: User) -> Authenticator:
    """As if the user had; the code of now is used up by it. Needs an application context."""
    seal = Seal(current_app.config["SECRET_KEY"])
    offer = second_factor_setup.offer(user, seal)
    authenticator = Authenticator(offer.secret)
    codes = second_factor_setup.confirm(user.id, offer.sealed, authenticator.code(-1), seal)
    return Authenticator(offer.secret, codes)
