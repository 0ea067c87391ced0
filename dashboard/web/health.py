"""Is this process alive, and can it do its work? Asked by machines, so it is plain and without a login."""

from functools import lru_cache

import redis
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from flask import Blueprint, Response, current_app, jsonify
from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError

from ..database import db
from .access import open_to_all

REDIS_TIMEOUT_SECONDS = 1

blueprint = Blueprint("health", __name__)


@blueprint.get("/healthz")
@open_to_all
def alive() -> Response:
    """Touches nothing else: a supervisor that restarts the web cannot cure a database."""
    return Response("ok", mimetype="text/plain")


@blueprint.get("/readyz")
@open_to_all
def ready() -> tuple[Response, int]:
    parts = {"database": _database_answers(), "migrations": _is_migrated(), "redis": _redis_answers()}
    return jsonify({name: "ok" if works else "down" for name, works in parts.items()}), (
        200 if all(parts.values()) else 503
    )


def _database_answers() -> bool:
    try:
        db.session.execute(text("SELECT 1"))
    except SQLAlchemyError:
        db.session.rollback()
        return False
    return True


def _is_migrated() -> bool:
    """The tables are those this version was written for."""
    try:
        found = MigrationContext.configure(db.session.connection()).get_current_heads()
    except SQLAlchemyError:
        db.session.rollback()
        return False
    return set(found) == _wanted_heads(current_app.extensions["migrate"].directory)


@lru_cache(maxsize=1)
def _wanted_heads(directory: str) -> set[str]:
    return set(ScriptDirectory(directory).get_heads())


def _redis_answers() -> bool:
    address = current_app.config["SETTINGS"].redis_url
    try:
        with redis.Redis.from_url(
            address,
            socket_connect_timeout=REDIS_TIMEOUT_SECONDS,
            socket_timeout=REDIS_TIMEOUT_SECONDS,
        ) as connection:
            return bool(connection.ping())
    except redis.RedisError:
        return False
