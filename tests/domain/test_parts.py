"""Are parts counted as gateways bill them, and the dear characters named?"""

import pytest

from dashboard.domain import parts


@pytest.mark.parametrize(
    "text, expected",
    [
        ("x" * 160, 1),
        ("x" * 161, 2),
        ("x" * 306, 2),
        ("x" * 307, 3),
        ("я" * 70, 1),
        ("я" * 71, 2),
        ("я" * 134, 2),
        ("я" * 135, 3),
        ("€" * 80, 1),
        ("€" * 81, 2),
        ("😀" * 35, 1),
        ("😀" * 36, 2),
        ("", 1),
    ],
)
def test_a_text_has_so_many_parts(text: str, expected: int) -> None:
    counted = parts.counting(text)

    assert parts.count(text) == counted.parts == expected
    assert counted.length <= counted.room


@pytest.mark.parametrize(
    "text, forcing, double",
    [
        ("Hello", (), ()),
        ("Hello — you, you", ("—",), ()),
        ("Ready, Алёна: ё — ё", (), ()),
        ("ё", ("ё",), ()),
        ("Nice 😀", ("😀",), ("😀",)),
        ("100 € [each]", (), ("€", "[", "]")),
    ],
)
def test_the_characters_that_make_it_dearer_are_named_once(
    text: str, forcing: tuple[str, ...], double: tuple[str, ...]
) -> None:
    counted = parts.counting(text)

    assert (counted.forcing, counted.double) == (forcing, double)


def test_where_a_whole_alphabet_needs_unicode_no_letter_is_to_blame() -> None:
    counted = parts.counting("Привет — всем")

    assert counted.is_unicode
    assert counted.is_other_alphabet
    assert counted.forcing == ()
