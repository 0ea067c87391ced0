"""The gateway room: speaks the protocol of the external SMS service and knows nothing of our database."""

from .calls import Answer, Call, GatewaySettings, Reason, Verdict
from .check import CheckResult, check, token_expires_at
from .http import HttpGateway

__all__ = [
    "Answer",
    "Call",
    "CheckResult",
    "GatewaySettings",
    "HttpGateway",
    "Reason",
    "Verdict",
    "check",
    "token_expires_at",
]
