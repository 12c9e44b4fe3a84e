"""Numbers with a unit: SI floats inside, text with a unit at the border.

A field is declared once, `Annotated[float, Field(gt=0, le=950), Unit("V")]`. In code it takes a float in that
unit. When the validation context carries `units` (config files do), it takes text such as "850 V" and nothing
else, so that a bare number is refused where a unit is due.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from pydantic import ConfigDict, GetCoreSchemaHandler, ValidationInfo
from pydantic_core import CoreSchema, core_schema

STRICT = ConfigDict(strict=True, extra="forbid", allow_inf_nan=False)


@dataclass(frozen=True)
class Unit:
    """The SI unit of a float field, as a pint expression ("V", "A/m^2"); "1" is a pure number."""

    symbol: str

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        """Read text through the context's `units` before the field's own checks."""
        return core_schema.with_info_before_validator_function(self._read, handler(source))

    def _read(self, value: Any, info: ValidationInfo) -> Any:
        parse = (info.context or {}).get("units")
        return value if parse is None or value is None else parse(value, self.symbol)
