"""What happens once it is known who somebody is? They come in, or still have to show a second factor."""

from flask import Response, current_app, request, session

from ..domain import half_sign_ins, second_factor
from ..domain.half_sign_ins import Half
from ..domain.sealing import Seal
from ..domain.second_factor import Demand
from ..domain.users import User
from . import access, context, respond

# The address of overview.show.
HOME = "/"
PREFERENCE_COOKIE_SECONDS = 31_536_000
# In the browser's session: the token of a sign-in that still lacks a second factor, and how it began.
HALF, HALF_BY_PROVIDER = "half", "half_by_provider"
# Whoever came by the OpenID Connect provider is told, when they leave, that they are still signed in there.
BY_PROVIDER = "by_provider"

STEPS = {Demand.CODE: "second_step.code", Demand.SET_UP: "second_step.set_up"}


def enter(
    user: User, remember: bool, wanted: str | None, *, by_provider: bool = False, is_proven_twice: bool = False
) -> Response:
    """On to the page that was `wanted`, if it is one of ours, or first to the second factor.

    `is_proven_twice`: the provider has asked for a second factor itself.
    """
    step = None if is_proven_twice else STEPS.get(second_factor.demand(user))
    if step is None:
        _begin(user, remember, by_provider)
        answer = respond.redirect_to_path(way_to(wanted))
    else:
        access.end_session()
        session[HALF] = half_sign_ins.begin(user.id, remember)
        session[HALF_BY_PROVIDER] = by_provider
        answer = respond.redirect_to(step, next=access.local_path(wanted))
    return with_cookies(answer, user)


def half() -> Half | None:
    """Who has shown a first factor in this browser, and not yet a second."""
    token = session.get(HALF)
    return half_sign_ins.resume(token) if isinstance(token, str) else None


def use_up_half() -> bool:
    """False: somebody was quicker with the same one."""
    return half_sign_ins.use_up(session[HALF])


def let_in(found: Half) -> None:
    """The second factor was right, too, and the half sign-in is used up."""
    _begin(found.user, found.is_remembered, by_provider=bool(session.get(HALF_BY_PROVIDER)))


def _begin(user: User, remember: bool, by_provider: bool) -> None:
    access.begin_session(user.id, remember)
    session[BY_PROVIDER] = by_provider


def way_to(wanted: str | None) -> str:
    return access.local_path(wanted) or HOME


def seal() -> Seal:
    return Seal(current_app.config["SECRET_KEY"])


def with_cookies(answer: Response, user: User) -> Response:
    """The sign-in page, which knows nobody, will look the same to them."""
    for name, value in ((context.LANGUAGE_COOKIE, user.language), (context.THEME_COOKIE, user.theme)):
        answer.set_cookie(
            name,
            value,
            max_age=PREFERENCE_COOKIE_SECONDS,
            secure=request.is_secure,
            httponly=True,
            samesite="Lax",
        )
    return answer
