"""How do the rooms become one application? Nothing else happens here, and no room imports this."""

import os
from pathlib import Path

from flask import Flask
from flask_migrate import Migrate

from config import Settings

from . import api, cli, connections, database, logs, web

ROOT = Path(__file__).resolve().parent.parent


def create_app(settings: Settings | None = None) -> Flask:
    """Without settings they are read from the environment (SettingsError). Opens no connection."""
    settings = settings or Settings.from_environ(os.environ)
    logs.set_up(settings.log_level, settings.log_format, settings.secrets)
    app = Flask(__name__, template_folder=str(ROOT / "templates"), static_folder=str(ROOT / "static"))
    app.config.from_mapping(settings.flask_config())
    _init_database(app)
    web.init_app(app, trusted_proxies=settings.trusted_proxies, is_elsewhere=api.is_ours)
    api.init_app(app)
    for blueprint in api.BLUEPRINTS:
        web.extensions.csrf.exempt(blueprint)  # cookies count for nothing there
    cli.init_app(app)
    return app


def _init_database(app: Flask) -> None:
    database.db.init_app(app)
    with app.app_context():
        connections.configure(database.db.engine)
    # Batch mode: SQLite alters a table by copying it.
    Migrate(app, database.db, directory=str(ROOT / "migrations"), render_as_batch=True, compare_type=True)
