"""How does somebody whose password was right show a second factor, or set one up because they must have one?

Both pages are open to all, but show nothing without a half sign-in; it opens nothing else.
"""

from flask import Blueprint, Response, request
from flask_babel import ngettext

from ..domain import second_factor, second_factor_setup
from ..domain.errors import Conflict, Invalid
from ..domain.half_sign_ins import Half
from ..domain.second_factor import Check, Demand, Verdict
from ..marks import open_to_all
from . import entrance, respond
from .extensions import limiter, was_refused
from .forms.second_factor import CodeForm, FirstCodeForm
from .qr import picture

blueprint = Blueprint("second_step", __name__, url_prefix="/sign-in")


@blueprint.route("/code", methods=["GET", "POST"])
@open_to_all
@limiter.limit("20/minute", methods=["POST"], deduct_when=was_refused)
def code() -> Response:
    """A code of the authenticator, or with `?recovery` one of those that were kept for its loss."""
    half = entrance.half()
    if half is None or second_factor.demand(half.user) is not Demand.CODE:
        return _anew()
    form = CodeForm()
    if form.validate_on_submit():
        found = second_factor.check(half.user.id, form.code.data or "", entrance.seal())
        if found.is_right:
            return _complete(half, found)
        respond.form_errors(form, Invalid([found.problem()]))
        if found.verdict is Verdict.BLOCKED:
            return _with_wait(respond.page("auth/code.html", 429, form=form), found)
    return respond.page("auth/code.html", form=form)


def _complete(half: Half, found: Check) -> Response:
    if not entrance.use_up_half():
        return _anew()
    entrance.let_in(half)
    if found.wrong_before:
        respond.info(_about_wrong_codes(found.wrong_before))
    answer = respond.redirect_to_path(entrance.way_to(request.args.get("next")))
    return entrance.with_cookies(answer, half.user.language, half.user.theme)


def _about_wrong_codes(wrong: int) -> str:
    """Whoever came as far as to be asked for a code knew the password."""
    return str(
        ngettext(
            "Since your last sign-in, %(num)s wrong code was entered after your password. If that was not you, "
            "somebody knows your password: change it.",
            "Since your last sign-in, %(num)s wrong codes were entered after your password. If that was not you, "
            "somebody knows your password: change it.",
            wrong,
        )
    )


def _with_wait(answer: Response, found: Check) -> Response:
    answer.headers["Retry-After"] = str(found.wait_seconds)
    return answer


@blueprint.route("/set-up", methods=["GET", "POST"])
@open_to_all
@limiter.limit("20/minute", methods=["POST"], deduct_when=was_refused)
def set_up() -> Response:
    """The last step of the first sign-in of whoever must have a second factor; signed in with its first code."""
    half = entrance.half()
    if half is None or second_factor.demand(half.user) is not Demand.SET_UP:
        return _anew()
    form, seal = FirstCodeForm(), entrance.seal()
    try:
        if form.validate_on_submit():
            offer = second_factor_setup.offered(half.user, form.offer.data or "", seal)
            codes = second_factor_setup.confirm(half.user.id, offer.sealed, form.code.data or "", seal)
            return _let_in(half, codes)
        offer = second_factor_setup.offer(half.user, seal)
    except Conflict:
        return _anew()
    except Invalid as refusal:
        respond.form_errors(form, refusal)
    return respond.page("auth/set_up_second_factor.html", form=form, offer=offer, picture=picture(offer.address))


def _let_in(half: Half, codes: list[str]) -> Response:
    """`confirm` has ended the half sign-in with all others."""
    entrance.let_in(half)
    onward = entrance.way_to(request.args.get("next"))
    answer = respond.page("second_factor/codes.html", 201, codes=codes, onward=onward)
    return entrance.with_cookies(answer, half.user.language, half.user.theme)


def _anew() -> Response:
    """The half sign-in has run out, or has been used."""
    return respond.redirect_to("auth.sign_in", next=request.args.get("next"))
