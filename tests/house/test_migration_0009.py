"""Does an older installation keep its messages as they were?"""

from flask import Flask

from tests.support.first_slice import downgrade_to, fill_the_first_slice, migrate_afresh_to, read, upgrade_to


def test_messages_of_before_were_added_by_nobody_and_come_back_as_they_were(any_context: Flask) -> None:
    migrate_afresh_to("0001")
    fill_the_first_slice()
    upgrade_to("0006")
    before = read("messages")

    upgrade_to("0009")
    after = read("messages")
    downgrade_to("0006")

    assert before
    assert after == [{**row, "added_by_id": None} for row in before]
    assert read("messages") == before
