"""How is a secret kept that has to be read again?

Encrypted and authenticated by a key that is derived (HKDF, RFC 5869) from the installation's secret key, one for
each purpose: what was sealed for one opens for no other. Under another secret key nothing opens any more.

Two ways: by Fernet, with the time and never twice alike; and by AES-SIV (RFC 5297), short and the same text always
alike, for what stands in addresses.
"""

import base64
import binascii
from dataclasses import dataclass
from datetime import timedelta

from cryptography.exceptions import InvalidTag
from cryptography.fernet import Fernet, InvalidToken
from cryptography.hazmat.primitives.ciphers.aead import AESSIV
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

    def close_alike(self, purpose: str, text: str) -> str:
        """For an address: letters, digits, - and _, about half as long again as the text and 22 more."""
        sealed = self._siv(purpose).encrypt(text.encode(), None)
        return base64.urlsafe_b64encode(sealed).decode().rstrip("=")

    def open_alike(self, purpose: str, sealed: str) -> str:
        """Raises Unreadable."""
        try:
            packed = base64.b64decode(sealed + "=" * (-len(sealed) % 4), altchars=b"-_", validate=True)
            return self._siv(purpose).decrypt(packed, None).decode()
        except (binascii.Error, ValueError, InvalidTag):
            raise Unreadable from None

    def __repr__(self) -> str:
        """Without the key."""
        return "Seal()"

    def _box(self, purpose: str) -> Fernet:
        return Fernet(base64.urlsafe_b64encode(self._key(purpose, 32)))

    def _siv(self, purpose: str) -> AESSIV:
        return AESSIV(self._key(f"{purpose}, alike", 64))

    def _key(self, purpose: str, length: int) -> bytes:
        derive = HKDF(algorithm=SHA256(), length=length, salt=None, info=f"vestnik {purpose}".encode())
        return derive.derive(self.secret_key.encode())


def _now() -> int:
    return int(clock.now().timestamp())
