"""Which programs do I let know what happens, and has it reached them?"""

from flask import Blueprint, Response, current_app
from flask_babel import gettext as _

from ..domain.errors import Conflict, Invalid
from ..domain.webhooks import deliveries, endpoints
from ..jobs import queues
from ..marks import requires_change
from ..models import WEBHOOK_CHOICES
from . import respond
from .access import actor
from .extensions import creates
from .forms.webhooks import WebhookForm
from .paging import LARGEST_ID, LARGEST_NUMBER, Page, asked_for

blueprint = Blueprint("webhooks", __name__, url_prefix="/webhooks")
ONE = f"/<int(max={LARGEST_ID}):webhook_id>"
LOG_LINES = 25


@blueprint.get("")
@requires_change
def index() -> Response:
    """The user's own."""
    return respond.page("webhooks/index.html", webhooks=endpoints.listed(actor()), most=endpoints.MOST_OF_A_USER)


@blueprint.route("/new", methods=["GET", "POST"])
@requires_change
@creates
def new() -> Response:
    """Its secret is on the answer to the form, and nowhere else."""
    form = WebhookForm(data={"is_on": True, "events": [kind.value for kind in WEBHOOK_CHOICES]})
    if form.validate_on_submit():
        try:
            webhook, secret = endpoints.make(actor(), form.draft(), private_allowed=_private_allowed())
            return respond.page("webhooks/secret.html", webhook=webhook, secret=secret)
        except Invalid as refusal:
            respond.form_errors(form, refusal)
    return respond.page("webhooks/edit.html", form=form, webhook=None)


@blueprint.get(ONE)
@requires_change
def show(webhook_id: int) -> Response:
    webhook = endpoints.get(actor(), webhook_id)
    page = Page.by_id(deliveries.page(actor(), webhook_id, asked_for(LARGEST_NUMBER), LOG_LINES))
    return respond.page("webhooks/show.html", webhook=webhook, page=page)


@blueprint.route(f"{ONE}/edit", methods=["GET", "POST"])
@requires_change
def edit(webhook_id: int) -> Response:
    webhook = endpoints.get(actor(), webhook_id)
    form = WebhookForm()
    if not form.is_submitted():
        form.show(webhook)
    elif form.validate():
        try:
            endpoints.change(
                actor(), webhook_id, form.draft(), form.seen_version(), private_allowed=_private_allowed()
            )
            respond.success(_("The webhook has been saved."))
            return respond.redirect_to("webhooks.show", webhook_id=webhook_id)
        except Invalid as refusal:
            respond.form_errors(form, refusal)
        except Conflict as refusal:
            form.form_errors.append(refusal.code)
            form.version.data = str(webhook.version)
    return respond.page("webhooks/edit.html", form=form, webhook=webhook)


@blueprint.post(f"{ONE}/ping")
def ping(webhook_id: int) -> Response:
    endpoints.ping(actor(), webhook_id)
    queues.tell_webhooks_later()
    respond.success(_("A test event is on its way. Reload the page to see what became of it."))
    return respond.redirect_to("webhooks.show", webhook_id=webhook_id)


@blueprint.post(f"{ONE}/rotate-secret")
def rotate_secret(webhook_id: int) -> Response:
    """The new secret is on this answer, and nowhere else."""
    secret = endpoints.rotate_secret(actor(), webhook_id)
    return respond.page("webhooks/secret.html", webhook=endpoints.get(actor(), webhook_id), secret=secret)


@blueprint.post(f"{ONE}/delete")
def delete(webhook_id: int) -> Response:
    endpoints.remove(actor(), webhook_id)
    respond.success(_("The webhook has been deleted."))
    return respond.redirect_to("webhooks.index")


@blueprint.post(f"{ONE}/deliveries/<int(max={LARGEST_NUMBER}):delivery_id>/resend")
def resend(webhook_id: int, delivery_id: int) -> Response:
    deliveries.resend(actor(), webhook_id, delivery_id)
    queues.tell_webhooks_later()
    respond.success(_("It is being sent again. Reload the page to see what became of it."))
    return respond.redirect_to("webhooks.show", webhook_id=webhook_id)


def _private_allowed() -> bool:
    return bool(current_app.config["SETTINGS"].webhook_private_addresses)
