"""What is there?"""

from flask import url_for

from .access import open_to_all
from .resources import Resource
from .schemas.fields import Body, Text

blueprint = Resource("index", __name__, "", "What there is")


class Index(Body):
    tokens = Text()
    token = Text()


@blueprint.asked("GET")
@open_to_all
@blueprint.gives(200, Index)
def show() -> dict[str, str]:
    """Name the collections."""
    return {"token": url_for("api_token.sign_in"), "tokens": url_for("api_tokens.index")}
