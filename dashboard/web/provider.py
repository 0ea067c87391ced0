"""How do people sign in by the OpenID Connect provider, and out of it?"""

from flask import Blueprint, Response, current_app, request, session, url_for
from werkzeug.exceptions import NotFound

from ..domain import identities
from ..domain.errors import Conflict
from ..domain.identities import Policy
from ..marks import open_to_all
from . import access, entrance, oidc, respond
from .extensions import limiter
from .oidc import Provider

# In the browser's session: where somebody wants to go once they are signed in.
WANTED = "provider_wanted"

blueprint = Blueprint("provider", __name__, url_prefix="/sign-in/provider")


def _provider() -> Provider:
    found = oidc.provider()
    if found is None:
        raise NotFound
    return found


@blueprint.get("")
@open_to_all
@limiter.limit("60/minute")
def begin() -> Response:
    """A link, not a form: a form may lead to addresses of ours only (Content-Security-Policy)."""
    provider = _provider()
    if access.user_or_none():
        return respond.redirect_to_path(entrance.way_to(request.args.get("next")))
    session[WANTED] = access.local_path(request.args.get("next"))
    try:
        return oidc.way_there(provider, _address_of("provider.callback"))
    except Conflict as refusal:
        return _refused(refusal)


@blueprint.get("/callback")
@open_to_all
@limiter.limit("60/minute")
def callback() -> Response:
    """Where the provider sends people back to."""
    provider = _provider()
    settings = current_app.config["SETTINGS"]
    policy = Policy(
        creates_users=provider.settings.creates_users,
        takes_roles=bool(provider.settings.role_claim),
        language=settings.language,
        timezone=settings.timezone,
    )
    try:
        vouched = oidc.vouched(provider)
        user = identities.arrive(vouched.who, policy)
    except Conflict as refusal:
        return _refused(refusal)
    wanted = session.get(WANTED)
    return entrance.enter(user, False, wanted, by_provider=True, is_proven_twice=vouched.is_proven_twice)


def _address_of(endpoint: str) -> str:
    """As the provider knows us: by PUBLIC_URL, else by the name under which this request has come."""
    public = current_app.config["SETTINGS"].public_url
    return public + url_for(endpoint) if public else url_for(endpoint, _external=True)


def _refused(refusal: Conflict) -> Response:
    status = 502 if refusal.code == "provider_away" else 403
    return respond.page("auth/provider_refused.html", status, problem=refusal.code, wanted=session.get(WANTED))


@blueprint.get("/signed-out")
@open_to_all
@limiter.limit("60/minute")
def signed_out() -> Response:
    """Vestnik is left, the provider not yet: the next person at this browser would get in without a password."""
    provider = _provider()
    way_out = oidc.way_out(provider, _address_of("auth.sign_in"))
    return respond.page("auth/signed_out.html", way_out=way_out)
