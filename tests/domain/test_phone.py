"""Which number did they mean?"""

import pytest

from dashboard import phone
from dashboard.phone import PhoneError, PhoneProblem


@pytest.mark.parametrize(
    "written",
    [
        "79991234567",
        "+79991234567",
        "89991234567",
        "9991234567",
        "8 (999) 123-45-67",
        "+7 999 123 45 67",
        "\u00a0+7\u202f999\u2011123\u201345\u201467 ",
        "8.999.123.45.67",
    ],
)
def test_every_usual_notation_is_one_number(written: str) -> None:
    assert phone.normalise(written) == "79991234567"


@pytest.mark.parametrize(
    "written, problem",
    [
        ("", PhoneProblem.EMPTY),
        (" - ", PhoneProblem.EMPTY),
        ("12345", PhoneProblem.INVALID),
        ("799912345678", PhoneProblem.INVALID),
        ("+7 999 123 45 6x", PhoneProblem.INVALID),
        ("7.9991234567E+10", PhoneProblem.INVALID),
        ("٧٩٩٩١٢٣٤٥٦٧", PhoneProblem.INVALID),
        ("7" + " " * 50 + "9991234567", PhoneProblem.INVALID),
        ("+4915112345678", PhoneProblem.NOT_RUSSIAN),
        ("+8 999 123 45 67", PhoneProblem.NOT_RUSSIAN),
        ("19991234567", PhoneProblem.NOT_RUSSIAN),
    ],
)
def test_what_is_no_phone_is_refused_with_its_reason(written: str, problem: PhoneProblem) -> None:
    with pytest.raises(PhoneError) as refused:
        phone.normalise(written)

    assert refused.value.problem is problem


def test_the_operator_code_is_digits_two_to_four() -> None:
    assert phone.operator_code("79161234567") == "916"
