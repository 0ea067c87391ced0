"""The tables, one idea a file: columns, constraints, and indexes with the query each serves."""

from .api_token import ApiToken, Scope, TokenFamily
from .chunk import Chunk, Flight
from .client import Client, Tag, client_tags
from .client_change import ChangeState, ClientChange, ClientVerb
from .form_draft import FormDraft
from .idempotency_key import IdempotencyKey
from .identity import Identity
from .import_ import Import, ImportProblem, ImportState, KnownPhones
from .mail import Mail
from .mailing import UNDER_WAY, Allowance, FanOut, Lane, Mailing, PauseReason, RateUnit, State, TimeBasis
from .message import UNSENT, WAITING, Attempt, Message, Status
from .second_factor import HalfSignIn, RecoveryCode, Requirement, SecondFactor
from .service import Breaker, BreakerOpening, CallWindow, Digest, Heartbeat, IdBlock, Service, StopReason
from .setup_link import SetupLink
from .stop_list import StopListEntry
from .tally import Dimension, HourTally, Tally
from .trial import Trial, TrialOutcome
from .user import PasswordLink, Role, User, UserSession
from .webhook import (
    WEBHOOK_CHOICES,
    DeliveryState,
    OffReason,
    WebhookDelivery,
    WebhookEndpoint,
    WebhookEvent,
    WebhookKind,
    WebhookSettlement,
)

__all__ = [
    "UNDER_WAY",
    "UNSENT",
    "WAITING",
    "WEBHOOK_CHOICES",
    "Allowance",
    "ApiToken",
    "Attempt",
    "Breaker",
    "BreakerOpening",
    "CallWindow",
    "ChangeState",
    "Chunk",
    "Client",
    "ClientChange",
    "ClientVerb",
    "DeliveryState",
    "Digest",
    "Dimension",
    "FanOut",
    "Flight",
    "FormDraft",
    "HalfSignIn",
    "Heartbeat",
    "HourTally",
    "IdBlock",
    "IdempotencyKey",
    "Identity",
    "Import",
    "ImportProblem",
    "ImportState",
    "KnownPhones",
    "Lane",
    "Mail",
    "Mailing",
    "Message",
    "OffReason",
    "PasswordLink",
    "PauseReason",
    "RateUnit",
    "RecoveryCode",
    "Requirement",
    "Role",
    "Scope",
    "SecondFactor",
    "Service",
    "SetupLink",
    "State",
    "Status",
    "StopReason",
    "StopListEntry",
    "Tag",
    "Tally",
    "TokenFamily",
    "Trial",
    "TrialOutcome",
    "TimeBasis",
    "User",
    "UserSession",
    "WebhookDelivery",
    "WebhookEndpoint",
    "WebhookEvent",
    "WebhookKind",
    "WebhookSettlement",
    "client_tags",
]
