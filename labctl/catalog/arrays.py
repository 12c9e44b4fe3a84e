"""Array columns of a stream as array nodes: along their first dimension one element for each row of the stream.

In a table Tiled's client would give such cells as rounded text. So bluesky's own writer does the same: arrays whose
shape is known are zarr arrays, which are files, arrays of unlike shapes are ragged ones, which are in the database.
In a database that other machines reach all of them are ragged: files of the writer's would be nobody else's.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import chain
from typing import Any

import awkward
import numpy as np
import ragged
from tiled.structures.array import ArrayStructure, BuiltinDtype
from tiled.structures.core import StructureFamily
from tiled.structures.data_source import DataSource
from tiled.structures.ragged import RaggedStructure
from tiled.utils import Conflicts

from labctl.catalog.columns import Rows, is_array
from labctl.catalog.metadata import kept_text
from labctl.journal.documents import numeric

Array = np.ndarray[Any, Any]

KINDS = {"i": "<i8", "u": "<i8", "b": "|b1"}
"""The numpy type of an array's elements by the kind of the one that its key names; others are floats."""

ZARR, RAGGED = "application/x-zarr", "application/x-ragged+sql"


class ArrayNode:
    """One array column in the catalogue."""

    def __init__(
        self, stream: Any, node: Any, key: str, described: Mapping[str, Any], *, may_be_files: bool
    ) -> None:
        """Open the node, or make it in the container `stream` when it is None.

        Raises Conflicts for ragged ones that are there: whoever was killed between a page of them and its number left
        a page that Tiled would neither show nor replace, and nothing tells whether somebody was.
        """
        self._key = key
        self._shape = tuple(described["shape"] or [None])
        self._kind = np.dtype(KINDS.get(np.dtype(described.get("dtype_numpy", "f8")).kind, "<f8"))
        self._uniform = may_be_files and all(self._shape)
        if node is not None and not self._uniform:
            raise Conflicts(f"{key} is ragged: what was written of it cannot be gone on with")
        if node is None:
            node = stream.new(
                StructureFamily.array if self._uniform else StructureFamily.ragged,
                [self._source()],
                key=key,
                metadata=kept_text(dict(described)),
                specs=[],
            )
        self._node = node
        if not self._uniform:
            node.patch(self._values([]), offset=(0,), extend=True)  # without a page it could not be read

    @property
    def length(self) -> int:
        """How many rows the catalogue shows."""
        return int(self._node.shape[0])

    def append(self, records: Sequence[Rows], first: int, skip: int) -> None:
        """Write the rows of several records without the first `skip`; the very first is the stream's row `first`.

        Raises ValueError, TypeError when they do not fit the key, and Conflicts when rows before them are missing.
        """
        if self.length < first + skip:
            raise Conflicts(f"{self._key} has {self.length} rows, the table {first + skip}")
        cells = list(chain.from_iterable(rows["data"][self._key] for rows in records))[skip:]
        if cells:
            self._node.patch(self._values(numeric(cells)), offset=(first + skip,), extend=True)

    def _values(self, cells: Sequence[Any]) -> Any:
        if all(self._shape) and len(cells):
            values = _typed(cells, self._kind)
            if values.shape[1:] != self._shape:
                raise ValueError(
                    f"{self._key} is of shape {values.shape[1:]}, not {self._shape} as its key says"
                )
            if self._uniform:
                return values
        return ragged.array(awkward.Array(_nested(cells, len(self._shape), self._kind)))

    def _source(self) -> DataSource:
        kind = BuiltinDtype.from_numpy_dtype(self._kind)
        structure: ArrayStructure | RaggedStructure
        if self._uniform:
            # Tiled shows the whole of the first chunk at once: with more than one row, rows that are not there yet.
            chunks = ((1,), *((length,) for length in self._shape))
            structure = ArrayStructure(kind, chunks, (0, *self._shape))
            return DataSource(structure_family=StructureFamily.array, structure=structure, mimetype=ZARR)
        unknown = (None,) * len(self._shape)
        structure = RaggedStructure(data_type=kind, shape=(0, *unknown), size=0, chunks=((), *unknown))
        return DataSource(structure_family=StructureFamily.ragged, structure=structure, mimetype=RAGGED)


def array_keys(data_keys: Mapping[str, Mapping[str, Any]]) -> list[str]:
    """Return the keys of a stream whose values are in nodes of their own."""
    return [key for key, described in data_keys.items() if is_array(described)]


def _typed(cells: Sequence[Any], kind: np.dtype[Any]) -> Array:
    values = np.asarray(cells)
    return values.astype(kind, casting="same_kind" if len(values) else "unsafe")  # 1.5 is no integer


def _nested(cells: Sequence[Any], depth: int, kind: np.dtype[Any]) -> Any:
    """Return lists in lists as awkward holds them, of the type that the key says even when all are empty."""
    if depth == 0:
        return awkward.contents.NumpyArray(_typed(cells, kind))
    offsets = np.concatenate([[0], np.cumsum([len(cell) for cell in cells])]).astype(np.int64)
    inner = _nested(list(chain.from_iterable(cells)), depth - 1, kind)
    return awkward.contents.ListOffsetArray(awkward.index.Index64(offsets), inner)
