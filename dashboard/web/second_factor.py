"""How do people set up their second factor, renew their recovery codes and switch it off? Who must have one?"""

from flask import Blueprint, Response, request, url_for
from flask_babel import gettext as _

from ..domain import proving, second_factor, second_factor_rule, second_factor_setup, users
from ..domain.errors import Conflict, Invalid
from ..domain.permissions import may_administer
from ..marks import own_account, requires
from ..models import Requirement
from . import access, entrance, respond
from .access import actor, signed_in
from .extensions import limiter, was_refused
from .forms.second_factor import ProofForm, RuleForm, SetUpForm
from .paging import LARGEST_ID
from .qr import picture

blueprint = Blueprint("second_factor", __name__)
OWN = "/profile/second-factor"


def _account() -> str:
    return f"second-factor:{signed_in().user.id}"


# A stolen session must not be a place to guess the password at.
_braked = limiter.limit("5/minute", key_func=_account, methods=["POST"], deduct_when=was_refused)


@blueprint.get(OWN)
def show() -> Response:
    standing = second_factor.standing(signed_in().user.id)
    is_required = second_factor_rule.is_required_of(signed_in().user.role)
    return respond.page("second_factor/show.html", standing=standing, is_required=is_required)


@blueprint.route(f"{OWN}/set-up", methods=["GET", "POST"])
@own_account
@_braked
def set_up() -> Response:
    user, form, seal = signed_in().user, SetUpForm(), entrance.seal()
    if second_factor.standing(user.id) is not None:
        return respond.redirect_to("second_factor.show")
    try:
        if form.validate_on_submit():
            offer = second_factor_setup.offered(user, form.offer.data or "", seal)
            proving.prove(user, form.password.data or "", "", seal)
            return _codes(
                second_factor_setup.confirm(
                    user.id, offer.sealed, form.code.data or "", seal, kept_session=signed_in().get_id()
                )
            )
        offer = second_factor_setup.offer(user, seal)
    except Conflict as refusal:
        respond.error(refusal.code)
        return respond.redirect_to("second_factor.show")
    except Invalid as refusal:
        respond.form_errors(form, refusal)
    return respond.page(
        "second_factor/set_up.html",
        form=form,
        offer=offer,
        picture=picture(offer.address),
        has_password=users.has_password(user.id),
    )


def _codes(codes: list[str]) -> Response:
    """There is no address at which they are seen again."""
    onward = respond.redirect_to("second_factor.show").location
    return respond.page("second_factor/codes.html", 201, codes=codes, onward=onward)


@blueprint.route(f"{OWN}/recovery-codes", methods=["GET", "POST"])
@own_account
@_braked
def renew() -> Response:
    form = ProofForm()
    if _is_proven(form):
        return _codes(second_factor_setup.renew_codes(signed_in().user.id))
    return _asking("second_factor/renew.html", form)


@blueprint.route(f"{OWN}/switch-off", methods=["GET", "POST"])
@own_account
@_braked
def switch_off() -> Response:
    form = ProofForm()
    if _is_proven(form):
        second_factor.switch_off(signed_in().user, kept_session=signed_in().get_id())
        respond.success(
            _("The second factor is off: your password alone lets you in. You are signed out elsewhere.")
        )
        return respond.redirect_to("second_factor.show")
    return _asking("second_factor/switch_off.html", form)


def _is_proven(form: ProofForm) -> bool:
    """The form has been sent, and it is really them; otherwise it says what is wrong."""
    if not form.validate_on_submit():
        return False
    try:
        proving.prove(signed_in().user, form.password.data or "", form.code.data or "", entrance.seal())
    except Invalid as refusal:
        respond.form_errors(form, refusal)
        return False
    return True


def _asking(template: str, form: ProofForm) -> Response:
    """Nothing to ask of whoever has no second factor."""
    if second_factor.standing(signed_in().user.id) is None:
        return respond.redirect_to("second_factor.show")
    return respond.page(template, form=form, has_password=users.has_password(signed_in().user.id))


@blueprint.route("/second-factor-rule", methods=["GET", "POST"])
@requires(may_administer)
def rule() -> Response:
    """For the whole installation."""
    current = second_factor_rule.current(actor())
    form = RuleForm(data={"required": current.required.value})
    wanted = {each.value: each for each in Requirement}.get(form.required.data)
    if form.validate_on_submit() and wanted:
        second_factor_rule.change(actor(), wanted)
        respond.success(_("Saved. Whoever lacks a second factor now sets one up at their next sign-in."))
        return respond.redirect_to("second_factor.rule")
    return respond.page("second_factor/rule.html", form=form, rule=current)


@blueprint.post(f"/users/<int(max={LARGEST_ID}):user_id>/second-factor/reset")
@requires(may_administer)
def reset(user_id: int) -> Response:
    """The button stands in second_factor/_of_user.html; it leads back to the page that includes it."""
    second_factor.reset(actor(), user_id)
    respond.success(_("The second factor is reset: the password alone lets them in until they set up a new one."))
    return respond.redirect_to_path(access.local_path(request.form.get("next")) or url_for("second_factor.rule"))
