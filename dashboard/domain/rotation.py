"""Whose turn is it? Mailings with due messages, in turn, so that none waits for another to be done."""

import random
from collections.abc import Iterable, Mapping


class Rotation:
    """The due mailings as one worker sees them; times are monotonic seconds."""

    def __init__(self) -> None:
        # When each may be asked; who is asked goes to the end.
        self._turns: dict[int, float] = {}

    def __len__(self) -> int:
        return len(self._turns)

    def renew(self, due: Iterable[int]) -> None:
        """Take the new list over. Newcomers in a random order: other workers begin elsewhere."""
        there = set(due)
        newcomers = sorted(there - self._turns.keys())
        random.shuffle(newcomers)
        self._turns = {each: at for each, at in self._turns.items() if each in there} | dict.fromkeys(
            newcomers, 0.0
        )

    def next(self, count: int, now: float) -> list[int]:
        """At most `count` mailings whose turn it is."""
        chosen: list[int] = []
        for mailing_id, at in self._turns.items():
            if len(chosen) >= count:
                break
            if at <= now:
                chosen.append(mailing_id)
        return chosen

    def asked(self, mailing_ids: Iterable[int], again: Mapping[int, float]) -> None:
        """They had their turn. Those of which there may be more come back; the others with the next list."""
        for mailing_id in mailing_ids:
            self._turns.pop(mailing_id, None)
            if mailing_id in again:
                self._turns[mailing_id] = again[mailing_id]

    def clear(self) -> None:
        self._turns.clear()
