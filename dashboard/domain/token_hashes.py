"""What is kept of a token that somebody else holds?"""

import hashlib


def token_hash(token: str) -> str:
    """Of 256 random bits, which need no salt and no slow hash."""
    return hashlib.sha256(token.encode()).hexdigest()
