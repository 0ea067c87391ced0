"""Does a page that asks again still show what is true? It says the version it has of its picture."""

from hashlib import blake2s


def version_of(picture: object) -> str:
    """Short, and another one whenever anything in this dataclass is."""
    return blake2s(repr(picture).encode(), digest_size=8).hexdigest()
