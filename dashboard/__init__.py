"""How do the rooms become one application? Nothing else happens here, and no room imports this."""

import os
from pathlib import Path

from flask import Flask

from config import Settings, SettingsError

from . import connections, database, logs
from .cli import worker

ROOT = Path(__file__).resolve().parent.parent


def create_app(settings: Settings | None = None) -> Flask:
    """Without settings they are read from the environment (SettingsError). Opens no connection."""
    # Not with the module: what answers people and programs takes a fifth of the memory, and senders do without it.
    from flask_migrate import Migrate

    from . import api, web
    from .cli import commands

    app = _ground(settings or Settings.from_environ(os.environ))
    web.init_app(app, trusted_proxies=app.config["SETTINGS"].trusted_proxies, is_elsewhere=api.is_ours)
    api.init_app(app)
    for blueprint in api.BLUEPRINTS:
        web.extensions.csrf.exempt(blueprint)  # cookies count for nothing there
    # Batch mode: SQLite alters a table by copying it.
    Migrate(app, database.db, directory=str(ROOT / "migrations"), render_as_batch=True, compare_type=True)
    commands.init_app(app)
    return app


def create_worker() -> Flask:
    """`flask --app dashboard:create_worker worker sending`: no pages, no API, no commands but of workers.

    So a process is smaller and starts sooner. Settings are the environment's; with wrong ones it ends.
    """
    try:
        app = _ground(Settings.from_environ(os.environ))
    except SettingsError as error:
        raise SystemExit(refused(error)) from None
    worker.init_app(app)
    return app


def refused(error: SettingsError) -> str:
    return f"Vestnik cannot start, because of its settings (see .env.example):\n{error}"


def _ground(settings: Settings) -> Flask:
    """What every process stands on: logs, settings, the database."""
    logs.set_up(settings.log_level, settings.log_format, settings.secrets)
    app = Flask(__name__, template_folder=str(ROOT / "templates"), static_folder=str(ROOT / "static"))
    app.config.from_mapping(settings.flask_config())
    database.db.init_app(app)
    with app.app_context():
        connections.configure(database.db.engine)
    return app
