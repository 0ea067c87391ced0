"""What do the settings say to the gateway's client and to the engine? Loads neither jobs nor verbs."""

from config import Settings

from .. import logs
from ..domain.policy import OnUncertain, SendingPolicy
from ..gateway import GatewaySettings


def gateway(settings: Settings) -> GatewaySettings:
    return GatewaySettings(
        url=settings.gateway_url,
        token=settings.gateway_token,
        not_accepted=settings.gateway_not_accepted,
        timeout_seconds=settings.gateway_timeout_seconds,
        connections=settings.gateway_connections,
        request_id=logs.request_id.get() or logs.job_id.get(),
    )


def policy(settings: Settings) -> SendingPolicy:
    return SendingPolicy(
        call_seconds=settings.gateway_timeout_seconds,
        most_tries=settings.max_tries,
        on_uncertain=OnUncertain(settings.gateway_on_uncertain),
    )
