"""BDF, the Battery Data Format, as CSV or parquet; by its labels or its machine-readable names."""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from labctl.exports.bdf_columns import (
    AMBIENT,
    CHARGING_CAPACITY,
    CHARGING_ENERGY,
    COLUMNS,
    CURRENT,
    CYCLE,
    DISCHARGING_CAPACITY,
    DISCHARGING_ENERGY,
    NET_CAPACITY,
    NET_ENERGY,
    REQUIRED,
    STEP,
    TIME,
    UNIX_TIME,
    VOLTAGE,
    BdfColumn,
)
from labctl.exports.needs import needed
from labctl.imports.charge import net_of_counters
from labctl.imports.readings import (
    Floats,
    Integers,
    Readings,
    Rows,
    not_kept,
    refusal,
    shortened,
    step_counts,
    whole_numbers,
)
from labctl.imports.text_table import (
    LOOKED_AT,
    Wanted,
    convert_of,
    encoding_of,
    heading_of,
    read_head,
    read_numbers,
    records_of,
)

FORMAT = "bdf"


def is_bdf(header: Sequence[str]) -> bool:
    """Return whether a header is one of BDF: two of its columns, by label or by name."""
    names = {each.strip() for each in header}
    return len({column for column in COLUMNS if {column.label, column.name} & names}) > 1


def read_bdf(path: Path) -> Readings:
    """Read a file. Raises DataError on what BDF does not allow."""
    line, table, remarks = _read_parquet(path) if path.suffix == ".parquet" else _read_csv(path)
    if not len(line):
        raise refusal(path, 0, "has no whole row")
    cycle = whole_numbers(path, line, table.get(CYCLE), CYCLE.label)
    turns = step_counts(np.sign(np.nan_to_num(table[CURRENT])), cycle)
    step = whole_numbers(path, line, table[STEP], STEP.label) if STEP in table else turns
    rows = Rows(
        line=line,
        test_time=table[TIME],
        voltage=table[VOLTAGE],
        current=table[CURRENT],
        step_index=step - 1,
        step_count=step,
        cycle=cycle,
        unix_time=table.get(UNIX_TIME),
        charge=_net(table, NET_CAPACITY, CHARGING_CAPACITY, DISCHARGING_CAPACITY),
        energy=_net(table, NET_ENERGY, CHARGING_ENERGY, DISCHARGING_ENERGY),
        temperature=table.get(AMBIENT),
    )
    began = None if rows.unix_time is None else float(rows.unix_time[0] - rows.test_time[0])
    return Readings(FORMAT, rows, began=began, remarks=tuple(remarks))


def _read_csv(path: Path) -> tuple[Integers, dict[BdfColumn, Floats], list[str]]:
    head = read_head(path)
    encoding = encoding_of(head, ())
    heading = heading_of(head, encoding, is_bdf)
    records = records_of(path, encoding, heading.delimiter, heading.line)
    line, header = next(records)
    chosen, unknown = _choose(path, line, header)
    first = list(itertools.islice(records, LOOKED_AT))
    convert = convert_of((fields for _, fields in first), chosen.values(), heading.delimiter)
    wanted = {column.name: Wanted(index, header[index], convert) for column, index in chosen.items()}
    numbers = read_numbers(path, encoding, itertools.chain(first, records), wanted)
    remarks = [] if heading.delimiter == "," else ["its fields are not parted by commas, as BDF has them"]
    remarks += not_kept(unknown)
    found = {column: numbers.columns[column.name] for column in chosen}
    return numbers.line, found, [*remarks, *numbers.remarks]


def _read_parquet(path: Path) -> tuple[Integers, dict[BdfColumn, Floats], list[str]]:
    arrow, parquet = needed("pyarrow", "pyarrow"), needed("pyarrow.parquet", "pyarrow")
    try:
        header = parquet.read_schema(path).names
        chosen, unknown = _choose(path, 0, header)
        table = parquet.read_table(path, columns=[header[index] for index in chosen.values()])
        found = {
            column: np.asarray(_floats(arrow, table.column(header[index])), dtype=float)
            for column, index in chosen.items()
        }
    except (arrow.ArrowException, OSError, ValueError) as error:
        raise refusal(path, 0, f"cannot be read as parquet ({shortened(error, 100)})") from error
    for column, values in found.items():
        if np.isinf(values).any():
            raise refusal(path, int(np.argmax(np.isinf(values))) + 1, f"{column.label} is infinite")
    return np.arange(1, len(found[TIME]) + 1), found, not_kept(unknown)


def _floats(arrow: Any, column: Any) -> Any:
    return column.cast(arrow.float64()).to_numpy()


def _choose(path: Path, line: int, header: Sequence[str]) -> tuple[dict[BdfColumn, int], list[str]]:
    """Return where our columns stand, and the names of others. Raises DataError on missing, double, other units."""
    names = [each.strip() for each in header]
    chosen: dict[BdfColumn, int] = {}
    for column in COLUMNS:
        places = [index for index, name in enumerate(names) if name in (column.label, column.name)]
        if len(places) > 1:
            raise refusal(path, line, f"has {len(places)} columns for {column.label}")
        base = f"{column.label.partition(' / ')[0].lower()} /"
        other = [name for name in names if name.lower().startswith(base) and name != column.label]
        if other:
            raise refusal(path, line, f"has {shortened(other[0])!r}; the unit of BDF is {column.unit}")
        if places:
            chosen[column] = places[0]
    missing = [column.label for column in REQUIRED if column not in chosen]
    if missing:
        raise refusal(path, line, f"has no column {', '.join(missing)}, which BDF requires")
    known = set(chosen.values())
    return chosen, [name for index, name in enumerate(names) if index not in known]


def _net(
    table: Mapping[BdfColumn, Floats], net: BdfColumn, gain: BdfColumn, loss: BdfColumn
) -> Floats | None:
    """Return a net value, from its increments where there is no column for it, None where they are missing, too."""
    if net in table and np.isfinite(table[net]).all():
        return table[net]
    if gain in table and loss in table and np.isfinite(table[gain] + table[loss]).all():
        return net_of_counters(table[gain], table[loss])
    return None
