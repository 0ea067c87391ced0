"""How much may one program ask for, and what describes the API?"""

from typing import Any

from apispec.ext.marshmallow import MarshmallowPlugin
from apispec.ext.marshmallow.common import resolve_schema_instance
from flask import g, request
from flask_limiter import Limiter
from flask_smorest import Api
from werkzeug.exceptions import HTTPException


class _Description(Api):  # type: ignore[misc]
    """Only describes: who may ask, and how errors are answered, is the blueprints' business."""

    def _register_error_handlers(self) -> None:
        """None for the whole application: pages have their own."""

    def handle_http_exception(self, error: HTTPException) -> None:
        raise error


def _who() -> str:
    """Tries without a good token are counted by address: the one that the trusted proxies tell, if any."""
    user = g.get("api_user")
    return f"user:{user.id}" if user else f"address:{request.remote_addr}"


def _name_of(schema: Any) -> str:
    """What a change takes, of which nothing is needed, has a name of its own: `ClientInputChange`."""
    instance = resolve_schema_instance(schema)
    return type(instance).__name__ + ("Change" if instance.partial else "")


# Counts in Redis, and in this process while Redis is away.
limiter = Limiter(_who, in_memory_fallback_enabled=True, swallow_errors=True)
description = _Description(spec_kwargs={"marshmallow_plugin": MarshmallowPlugin(schema_name_resolver=_name_of)})
