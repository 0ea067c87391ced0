"""How many clients to try things out with shall come, and how many came or went?"""

from ...domain import sample_clients
from .fields import Body, Whole


class Wanted(Body):
    count = Whole(
        load_default=sample_clients.USUAL,
        metadata={"description": "From 1 to 10,000", "example": sample_clients.USUAL},
    )


class Added(Body):
    added = Whole(metadata={"description": "Who was missing", "example": sample_clients.USUAL})


class Removed(Body):
    removed = Whole(metadata={"example": sample_clients.USUAL})
