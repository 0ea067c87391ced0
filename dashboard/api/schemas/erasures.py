"""Who shall be forgotten, and what was?"""

from .fields import COUNT, Body, Text, Truth, Whole
from .stop_list import OnePhone

__all__ = ["Erasure", "OnePhone"]


class Erasure(Body):
    phone_number = Text(attribute="phone", metadata={"description": "Masked", "example": "+7 999 ***-**-67"})
    clients = Whole(metadata={**COUNT, "example": 1})
    messages = Whole(metadata={**COUNT, "description": "Emptied; their rows stay in the numbers", "example": 3})
    traces = Whole(metadata={**COUNT, "description": "Lines, answers and drafts in which the phone stood"})
    is_stopped = Truth(metadata={"description": "Stopped again, should the phone come back", "example": True})
