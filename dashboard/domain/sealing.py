"""How is a secret kept that has to be read again?

Encrypted and authenticated (Fernet) by a key that is derived (HKDF, RFC 5869) from the installation's secret key,
one for each purpose: what was sealed for one opens for no other. Under another secret key nothing opens any more.
"""

import base64
from dataclasses import dataclass
from datetime import timedelta

from cryptography.fernet import Fernet, InvalidToken
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from .. import clock


class Unreadable(Exception):
    """Sealed by another key, for another purpose, too long ago, or not by us at all."""


@dataclass(frozen=True, slots=True)
class Seal:
    """`secret_key` is the installation's."""

    secret_key: str

    def close(self, purpose: str, text: str) -> str:
        return self._box(purpose).encrypt_at_time(text.encode(), _now()).decode()

    def open(self, purpose: str, sealed: str, lasts: timedelta | None = None) -> str:
        """Raises Unreadable."""
        try:
            if lasts is None:
                return self._box(purpose).decrypt(sealed.encode()).decode()
            ttl = int(lasts.total_seconds())
            return self._box(purpose).decrypt_at_time(sealed.encode(), ttl, _now()).decode()
        except InvalidToken:
            raise Unreadable from None

    def __repr__(self) -> str:
        """Without the key."""
        return "Seal()"

    def _box(self, purpose: str) -> Fernet:
        derive = HKDF(algorithm=SHA256(), length=32, salt=None, info=f"vestnik {purpose}".encode())
        return Fernet(base64.urlsafe_b64encode(derive.derive(self.secret_key.encode())))


def _now() -> int:
    return int(clock.now().timestamp())
