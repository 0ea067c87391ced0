"""What describes the API?"""

from threading import Lock
from typing import Any

from apispec.ext.marshmallow import MarshmallowPlugin
from apispec.ext.marshmallow.common import resolve_schema_instance
from flask import Flask
from flask_smorest import Api, Blueprint
from werkzeug.exceptions import HTTPException


class _Description(Api):  # type: ignore[misc]
    """Only describes: who may ask, and how errors are answered, is the blueprints' business.

    To describe takes longer than to start all the rest, so it is done once somebody wants to read it.
    """

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self._undescribed: list[Blueprint] = []
        self._lock = Lock()

    def init_app(self, app: Flask, **options: Any) -> None:
        self._undescribed = []
        super().init_app(app, **options)

    def register_blueprint(self, blueprint: Blueprint, **options: Any) -> None:
        """Its addresses answer from now on."""
        self._app.extensions["flask-smorest"]["blp_name_to_api"][blueprint.name] = self
        self._app.register_blueprint(blueprint, **options)
        self._undescribed.append(blueprint)

    def describe(self) -> dict[str, Any]:
        """What flask-smorest tells of the addresses."""
        with self._lock:
            while self._undescribed:
                blueprint = self._undescribed.pop(0)
                blueprint.register_views_in_doc(self, self._app, self.spec, name=blueprint.name, parameters=None)
                self.spec.tag({"name": blueprint.name, "description": blueprint.description})
            told: dict[str, Any] = self.spec.to_dict()
            return told

    def _register_error_handlers(self) -> None:
        """None for the whole application: pages have their own."""

    def handle_http_exception(self, error: HTTPException) -> None:
        raise error


def _name_of(schema: Any) -> str:
    """What a change takes, of which nothing is needed, has a name of its own: `ClientInputChange`."""
    instance = resolve_schema_instance(schema)
    return type(instance).__name__ + ("Change" if instance.partial else "")


description = _Description(spec_kwargs={"marshmallow_plugin": MarshmallowPlugin(schema_name_resolver=_name_of)})
