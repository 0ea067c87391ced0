"""How long before the next try? Pure."""

import random
from datetime import timedelta

LONGEST_SECONDS = 300.0
FIRST_SECONDS = 2.0


def wait(tries: int, retry_after: float | None, rng: random.Random) -> timedelta:
    """The pause after the `tries`-th failed try (1 or more).

    max(Retry-After, random share of min(300 s, 2 s · 2^tries)): "full jitter", which spreads the tries of many
    messages that failed together (https://aws.amazon.com/builders-library/timeouts-retries-and-backoff-with-jitter/).
    """
    ceiling = min(LONGEST_SECONDS, FIRST_SECONDS * 2 ** min(tries, 16))
    return timedelta(seconds=max(retry_after or 0.0, rng.random() * ceiling))
