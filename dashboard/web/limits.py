"""Which limits hold for the whole installation? Administrators read and set them."""

from babel.numbers import get_currency_name, get_decimal_symbol
from flask import Blueprint, Response
from flask_babel import get_locale
from flask_babel import gettext as _

from ..domain import limits
from ..domain.errors import Invalid
from ..domain.limit_rules import CURRENCIES
from ..domain.permissions import may_administer
from ..marks import requires
from . import respond
from .access import actor
from .filters import CURRENCY_SIGNS
from .forms.limits import LimitsForm, contents_of

blueprint = Blueprint("limits", __name__, url_prefix="/limits")


@blueprint.route("", methods=["GET", "POST"])
@requires(may_administer)
def show() -> Response:
    form = LimitsForm(data=contents_of(limits.current(), get_decimal_symbol(get_locale())))
    form.currency.choices = [(code, _currency_word(code)) for code in CURRENCIES]
    if form.validate_on_submit():
        wanted = form.limits()
        try:
            if not form.errors:
                limits.change(actor(), wanted)
                respond.success(_("The limits have been saved. They hold from the next message on."))
                return respond.redirect_to("limits.show")
        except Invalid as refusal:
            respond.form_errors(form, refusal)
    return respond.page("limits/show.html", form=form)


def _currency_word(code: str) -> str:
    name = get_currency_name(code, locale=get_locale())
    sign = CURRENCY_SIGNS.get(code)
    return f"{name} ({sign})" if sign else name
