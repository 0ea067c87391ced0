"""Is this process alive, and can it do its work? Asked by machines, so it is plain and without a login."""

from functools import lru_cache

import redis
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from flask import Blueprint, Response, current_app, jsonify
from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError

from ..database import db
from ..jobs import meters
from ..marks import open_to_all

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
    """503 while this process could not do its work.

    Workers and scheduler are told, but do not count: whoever takes the web away because they are down (Kubernetes
    does) takes away the page that says so, and brings none of them back.
    """
    redis_answers = _redis_answers()
    parts = {"database": database_answers(), "migrations": is_migrated(), "redis": redis_answers}
    told = parts | (_beside() if redis_answers else {"workers": False, "scheduler": False})
    return jsonify({name: "ok" if works else "down" for name, works in told.items()}), (
        200 if all(parts.values()) else 503
    )


def _beside() -> dict[str, bool]:
    try:
        return {"workers": all(meters.workers().values()), "scheduler": meters.schedulers() > 0}
    except redis.RedisError:
        return {"workers": False, "scheduler": False}


def database_answers() -> bool:
    try:
        db.session.execute(text("SELECT 1"))
    except SQLAlchemyError:
        db.session.rollback()
        return False
    return True


def is_migrated() -> bool:
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
