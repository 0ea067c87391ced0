"""Does sending go on at all, or what holds everything back?"""

from dataclasses import asdict
from typing import Any

from ..domain import brakes
from .resources import Resource
from .schemas import sending as schemas

blueprint = Resource("sending", __name__, "/sending", "What holds all sending back")


@blueprint.asked("GET")
@blueprint.gives(200, schemas.Sending)
def show() -> dict[str, Any]:
    """Tell whether everything is stopped, by whom or why, and whether the gateway is in trouble.

    While `stopped_at` is set no message of any mailing leaves; an administrator lets it go on, in the dashboard.
    """
    return asdict(brakes.standing())
