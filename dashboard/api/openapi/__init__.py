"""What can be asked of the API, and how does it answer? The description (OpenAPI 3.1), made from the code.

flask-smorest tells paths, parameters and schemas; `document` adds what holds for every operation because of where
it stands and how it is marked. Nothing of it is written twice: a new address is described by being there.
"""

import json
from typing import Any

from flask import Flask, Response, current_app, request

from ...marks import open_to_all
from ..extensions import description
from ..resources import Resource
from . import document
from .described import described

KEY = "api-description"

blueprint = Resource("description", __name__, "/openapi.json", "What describes the API")


def prepare() -> None:
    """Before the first address is described."""
    description.ma_plugin.converter.add_attribute_function(described)


def of(app: Flask) -> dict[str, Any]:
    """Made once; not to be changed."""
    if KEY not in app.extensions:
        app.extensions[KEY] = document.of(app, description.describe())
    found: dict[str, Any] = app.extensions[KEY]
    return found


def text_of(described: dict[str, Any]) -> str:
    """As a file holds it."""
    return json.dumps(described, ensure_ascii=False, indent=2) + "\n"


@blueprint.asked("GET")
@open_to_all
def show() -> Response:
    """Open to all, like the source it is made from: it tells nothing about anybody."""
    response = Response(text_of(of(current_app)), mimetype="application/json")
    response.add_etag()
    response.make_conditional(request)
    return response
