"""What holds of every text that may stand where a phone belongs?"""

import contextlib

from hypothesis import given
from hypothesis import strategies as st

from dashboard import phone
from dashboard.phone import CANONICAL, PhoneError

canonical = st.from_regex(r"7[0-9]{10}", fullmatch=True)
separators = st.text(alphabet=" -().\u00a0\u202f\u2011", max_size=2)


@given(st.text(max_size=60))
def test_any_text_gives_a_canonical_phone_or_a_phone_error(text: str) -> None:
    with contextlib.suppress(PhoneError):
        assert CANONICAL.fullmatch(phone.normalise(text))


@given(canonical)
def test_a_canonical_phone_stays_as_it_is(number: str) -> None:
    assert phone.normalise(number) == number


@given(canonical, st.sampled_from(["7", "8", "+7"]), st.data())
def test_separators_and_prefixes_change_nothing(number: str, prefix: str, data: st.DataObject) -> None:
    written = prefix + "".join(data.draw(separators) + digit for digit in number[1:])

    if len(written) <= phone.LONGEST_INPUT:
        assert phone.normalise(written) == number
