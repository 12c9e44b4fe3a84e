"""The made-up night of tests/labctl/telling, for reports of it."""

from tests.labctl.telling.conftest import MadeNight as MadeNight
from tests.labctl.telling.conftest import made as made
