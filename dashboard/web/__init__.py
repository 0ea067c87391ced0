"""What do people see in their browser? Pages, and the parts of pages that htmx asks for."""

from collections.abc import Callable

from flask import Flask
from werkzeug.middleware.proxy_fix import ProxyFix

from . import (
    administration,
    api_docs,
    api_tokens,
    audit,
    auth,
    brakes,
    clients,
    context,
    erasing,
    errors,
    extensions,
    filters,
    headers,
    health,
    imports,
    limits,
    mailings,
    messages,
    metrics_page,
    oidc,
    overview,
    passwords,
    profile,
    provider,
    registration,
    request_log,
    sample_clients,
    second_factor,
    second_step,
    single_messages,
    stop_list,
    stories,
    unknowns,
    users,
    webhooks,
)

BLUEPRINTS = (
    administration.blueprint,
    api_docs.blueprint,
    api_tokens.blueprint,
    audit.blueprint,
    auth.blueprint,
    brakes.blueprint,
    clients.blueprint,
    erasing.blueprint,
    health.blueprint,
    imports.blueprint,
    limits.blueprint,
    mailings.blueprint,
    messages.blueprint,
    metrics_page.blueprint,
    overview.blueprint,
    passwords.blueprint,
    profile.blueprint,
    provider.blueprint,
    registration.blueprint,
    sample_clients.blueprint,
    second_factor.blueprint,
    second_step.blueprint,
    single_messages.blueprint,
    stop_list.blueprint,
    stories.blueprint,
    unknowns.blueprint,
    users.blueprint,
    webhooks.blueprint,
)


def init_app(app: Flask, trusted_proxies: int, is_elsewhere: Callable[[str], bool]) -> None:
    """`is_elsewhere` tells paths that another room guards and answers."""
    if trusted_proxies:
        hops = trusted_proxies
        app.wsgi_app = ProxyFix(app.wsgi_app, x_for=hops, x_proto=hops, x_host=hops)  # type: ignore[method-assign]
    headers.init_app(app)
    request_log.init_app(app)
    metrics_page.init_app(app)
    extensions.init_app(app, is_elsewhere)
    context.init_app(app)
    filters.init_app(app)
    errors.init_app(app)
    brakes.init_app(app)
    oidc.init_app(app)
    for blueprint in BLUEPRINTS:
        app.register_blueprint(blueprint)
