"""What is there?"""

from collections.abc import Iterator

from flask import current_app
from marshmallow import fields

from ..marks import open_to_all
from .resources import PREFIX, Resource
from .schemas.fields import Body

blueprint = Resource("index", __name__, "", "What there is")
# What describes the API, as far as it is served.
DESCRIPTIONS = {"openapi": f"{PREFIX}/openapi.json", "swagger_ui": "/docs/", "redoc": "/redoc/"}


class Index(Body):
    collections = fields.Dict(
        fields.String(),
        fields.String(),
        metadata={
            "description": "Address of each kind of thing, by name",
            "example": {"clients": f"{PREFIX}/clients", "mailings": f"{PREFIX}/mailings"},
        },
    )
    description = fields.Dict(
        fields.String(),
        fields.String(),
        metadata={"description": "What describes all this: as OpenAPI, and as pages", "example": DESCRIPTIONS},
    )


@blueprint.asked("GET")
@open_to_all
@blueprint.gives(200, Index)
def show() -> dict[str, dict[str, str]]:
    """Name the collections, and what describes them."""
    served = {_plain(rule.rule) for rule in current_app.url_map.iter_rules()}
    described = {name: address for name, address in DESCRIPTIONS.items() if _plain(address) in served}
    return {"collections": dict(sorted(_collections())), "description": described}


def _collections() -> Iterator[tuple[str, str]]:
    """Every address right below the API's own."""
    for rule in current_app.url_map.iter_rules():
        address = _plain(rule.rule)
        above, _, name = address.rpartition("/")
        if above == PREFIX and not rule.arguments and address not in map(_plain, DESCRIPTIONS.values()):
            yield name.replace("-", "_"), address


def _plain(address: str) -> str:
    return address.rstrip("/")
