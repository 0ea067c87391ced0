"""What describes the API?"""

from typing import Any

from apispec.ext.marshmallow import MarshmallowPlugin
from apispec.ext.marshmallow.common import resolve_schema_instance
from flask_smorest import Api
from werkzeug.exceptions import HTTPException


class _Description(Api):  # type: ignore[misc]
    """Only describes: who may ask, and how errors are answered, is the blueprints' business."""

    def _register_error_handlers(self) -> None:
        """None for the whole application: pages have their own."""

    def handle_http_exception(self, error: HTTPException) -> None:
        raise error


def _name_of(schema: Any) -> str:
    """What a change takes, of which nothing is needed, has a name of its own: `ClientInputChange`."""
    instance = resolve_schema_instance(schema)
    return type(instance).__name__ + ("Change" if instance.partial else "")


description = _Description(spec_kwargs={"marshmallow_plugin": MarshmallowPlugin(schema_name_resolver=_name_of)})
