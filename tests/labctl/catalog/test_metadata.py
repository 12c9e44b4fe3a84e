import json

from hypothesis import given
from hypothesis import strategies as st

from labctl.catalog.metadata import LARGEST, kept_text

TEXTS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"))
DOCUMENTS = st.recursive(
    st.none() | st.booleans() | st.integers(-LARGEST, LARGEST) | st.floats(allow_nan=False) | TEXTS,
    lambda inner: st.lists(inner) | st.dictionaries(TEXTS, inner),
)


@given(DOCUMENTS)
def test_what_databases_can_hold_is_left_as_it_is(document: object) -> None:
    assert kept_text(document) == document


@given(st.text())
def test_any_text_can_be_written_as_utf8_without_nul_afterwards(text: str) -> None:
    kept = kept_text({text: [text]})
    assert b"\0" not in json.dumps(kept, ensure_ascii=False).encode()
    assert all(len(key) == len(text) for key in kept)


def test_an_integer_beyond_64_bits_becomes_text_with_all_its_digits() -> None:
    assert kept_text({"seed": 2**127}) == {"seed": str(2**127)}
