"""Does the gateway answer, and does it take our token?

Asked without sending anything: the body is an empty object, which the gateway must refuse with 400.
"""

import base64
import json
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

import requests

from .. import clock
from .calls import GatewaySettings, Reason


@dataclass(frozen=True, slots=True)
class CheckResult:
    """`token_accepted` is None if the answer does not tell. `reason`: as in `Answer.reason`.

    `answered_at`: by the gateway's clock, in whole seconds, if it says so.
    """

    reachable: bool
    token_accepted: bool | None
    http_status: int | None
    reason: str
    duration_ms: int
    answered_at: datetime | None = None


def check(settings: GatewaySettings) -> CheckResult:
    """One harmless request. Takes at most twice `timeout_seconds` (once to connect, once for the answer)."""
    started = clock.monotonic()
    reachable, status, reason, answered_at = _ask(settings)
    return CheckResult(
        reachable=reachable,
        token_accepted={400: True, 401: False, 403: False}.get(status or 0),
        http_status=status,
        reason=reason,
        duration_ms=round((clock.monotonic() - started) * 1000),
        answered_at=answered_at,
    )


def _ask(settings: GatewaySettings) -> tuple[bool, int | None, str, datetime | None]:
    """Reachable, HTTP status, reason, and when by its own clock."""
    with requests.Session() as session:
        # Otherwise a proxy or a .netrc of this machine would change where we ask and as whom.
        session.trust_env = False
        try:
            with session.post(
                settings.address_of(0),
                json={},
                headers={"Authorization": f"Bearer {settings.token}"},
                timeout=(settings.timeout_seconds, settings.timeout_seconds),
                allow_redirects=False,
                verify=settings.ca_file,
                stream=True,  # the status says it all; a body, however large, is not read
            ) as answer:
                return True, answer.status_code, _reason(answer.status_code), _told(answer.headers.get("Date", ""))
        except requests.exceptions.SSLError:
            return False, None, Reason.TLS, None
        except requests.exceptions.ConnectTimeout:
            return False, None, Reason.CONNECT_TIMEOUT, None
        except requests.exceptions.Timeout:
            return False, None, Reason.TIMEOUT, None
        except requests.exceptions.RequestException as error:
            return False, None, _reason_unreachable(error), None


def _told(date: str) -> datetime | None:
    try:
        return parsedate_to_datetime(date).astimezone(UTC)
    except ValueError:
        return None


def _reason(status: int) -> str:
    if status == 400:
        return Reason.OK
    if status == 401:
        return Reason.BAD_TOKEN
    return Reason.REDIRECT if 300 <= status < 400 else f"http_{status}"


def _reason_unreachable(error: BaseException) -> Reason:
    """requests hides the cause behind several layers of its own and of urllib3."""
    text = repr(error)
    if "NameResolutionError" in text:
        return Reason.UNRESOLVED
    if "NewConnectionError" in text:
        return Reason.REFUSED_CONNECTION
    return Reason.RESET


def token_expires_at(token: str) -> datetime | None:
    """When a JWT runs out by its own `exp`, unverified; None if it does not say or is no JWT."""
    parts = token.split(".")
    if len(parts) != 3:
        return None
    try:
        payload = base64.b64decode(parts[1] + "=" * (-len(parts[1]) % 4), altchars=b"-_", validate=True)
        claims = json.loads(payload)
        expires = claims.get("exp") if isinstance(claims, dict) else None
        if isinstance(expires, bool) or not isinstance(expires, int | float):
            return None
        return datetime.fromtimestamp(expires, UTC)
    except (ValueError, OverflowError, OSError, RecursionError):  # no base64, no JSON, no such year
        return None
