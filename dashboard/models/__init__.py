"""The tables, one idea a file: columns, constraints, and indexes with the query each serves."""

from .client import Client, Tag, client_tags
from .import_ import Import, ImportProblem, ImportState, KnownPhones
from .mailing import UNDER_WAY, FanOut, Lane, Mailing, State
from .message import WAITING, Attempt, Message, Status
from .service import Breaker, Heartbeat, IdBlock, Service
from .setup_link import SetupLink
from .stop_list import StopListEntry
from .tally import Dimension, Tally
from .user import Role, User, UserSession

__all__ = [
    "UNDER_WAY",
    "WAITING",
    "Attempt",
    "Breaker",
    "Client",
    "Dimension",
    "FanOut",
    "Heartbeat",
    "IdBlock",
    "Import",
    "ImportProblem",
    "ImportState",
    "KnownPhones",
    "Lane",
    "Mailing",
    "Message",
    "Role",
    "Service",
    "SetupLink",
    "State",
    "Status",
    "StopListEntry",
    "Tag",
    "Tally",
    "User",
    "UserSession",
    "client_tags",
]
