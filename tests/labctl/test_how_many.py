from __future__ import annotations

import pytest

from labctl.how_many import how_many


@pytest.mark.parametrize(
    ("count", "said"), [(0, "0 rows"), (1, "1 row"), (1.0, "1 row"), (12345, "12345 rows")]
)
def test_one_thing_is_no_plural(count: float, said: str) -> None:
    assert how_many(count, "row") == said
