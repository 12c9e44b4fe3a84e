"""One run in a catalogue: containers and tables as bluesky's Tiled plugins lay them out, written in pages.

A run is a container with `start` and `stop` as metadata, a stream a container in it with the descriptor as metadata
and one table `internal`; each column of arrays is a node beside it. Rows of one table are appended in the journal's
order and by one process, a page in one transaction; so what is there is always the first so many rows of the journal,
and their number says where to go on.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import pyarrow as pa
from tiled.client.container import Container
from tiled.structures.core import Spec, StructureFamily
from tiled.structures.data_source import DataSource
from tiled.structures.table import TableStructure

from labctl.catalog.arrays import ArrayNode, array_keys
from labctl.catalog.columns import ROW, Rows, schema_of, table_of
from labctl.catalog.metadata import kept_text
from labctl.journal.records import Record

PAGE_ROWS = 10_000
PAGE_BYTES = 8_000_000
"""A page is written when it has so many rows, or so much of the journal's text: memory stays bounded."""

TABLE = "internal"
TABLE_TYPE = "application/x-tiled-sql-table"
RUN_SPEC = Spec("BlueskyRun", version="3.0")
STREAM_SPECS = [Spec("BlueskyEventStream", version="3.0"), Spec("composite")]
IN_THE_NAME = ("name", "object_keys", "run_start")
"""Keys of a descriptor that follow from where it stands."""


@dataclass
class StreamWriter:
    """One stream: its nodes, and the page that is being gathered.

    there: rows that its table had when it was opened. passed: rows of the journal that came before the page.
    """

    node: Any
    schema: pa.Schema
    table: Any
    arrays: Sequence[ArrayNode]
    there: int
    passed: int = 0
    gathered: list[Rows] = field(default_factory=list)
    rows: int = 0
    size: int = 0

    def flush(self) -> int:
        """Write the page, without what is there already; return how many rows were written."""
        gathered, first, rows = self.gathered, self.passed, self.rows
        self.gathered, self.rows, self.size, self.passed = [], 0, 0, first + rows
        known = min(max(self.there - first, 0), rows)
        if known < rows:
            # The table is last: its rows are whole. Arrays may be ahead of it after a kill, and are written again.
            for array in self.arrays:
                array.append(gathered, first, known)
            self.table.append_partition(0, table_of(self.schema, gathered, first, known))
        return rows - known

    @property
    def surplus(self) -> bool:
        """Whether the catalogue has rows that did not come from the journal."""
        return max(self.there, *(array.length for array in self.arrays), 0) > self.passed


class RunWriter:
    """Writes the records of one run, from its first one on; what the catalogue has already is left as it is.

    written: rows so far, or since somebody set it to zero. ended: the stop document is there too. surplus_at_end:
    instead of it, the catalogue was found to have rows that the journal does not have. may_be_files: whether arrays may
    be files beside the catalogue's database.
    """

    def __init__(self, catalogue: Any, uid: str, *, may_be_files: bool = True) -> None:
        self._catalogue, self.uid, self._may_be_files = catalogue, uid, may_be_files
        self._run: Any = None
        self._new = False
        self._streams: dict[str, StreamWriter] = {}
        self._by_descriptor: dict[str, StreamWriter] = {}
        self.written = 0
        self.ended = False
        self.surplus_at_end = False

    def take(self, record: Record, size: int) -> None:
        """Take one record, which is `size` bytes long."""
        if record.kind == "R":
            stream = self._by_descriptor[record.payload["descriptor"]]
            stream.gathered.append(record.payload)
            stream.rows += len(record.payload["time"])
            stream.size += size
            if stream.rows >= PAGE_ROWS or stream.size >= PAGE_BYTES:
                self.written += stream.flush()
        elif record.kind == "D":
            name, document, *_ = record.payload
            if name == "start":
                self._start(document)
            elif name == "descriptor":
                self._descriptor(document)
            elif name == "stop":
                self._stop(document)

    def flush(self) -> None:
        """Write what was gathered."""
        for stream in self._streams.values():
            if stream.rows:
                self.written += stream.flush()

    def _start(self, document: Mapping[str, Any]) -> None:
        node = child(self._catalogue, self.uid)
        self._new = node is None
        if self._new:
            metadata = {"start": kept_text(document)}
            node = self._catalogue.create_container(self.uid, metadata=metadata, specs=[RUN_SPEC])
        self._run = plain(node)

    def _descriptor(self, document: Mapping[str, Any]) -> None:
        name = document["name"]
        if name in self._streams:
            stream = self._streams[name]
            self._reconfigured(stream, document)
        else:
            stream = self._streams[name] = self._stream(name, document)
        self._by_descriptor[document["uid"]] = stream

    def _stream(self, name: str, document: Mapping[str, Any]) -> StreamWriter:
        # Each question costs as much as a page: what was made just now is empty.
        node = None if self._new else child(self._run, name)
        made = node is None
        if made:
            metadata = kept_text({key: value for key, value in document.items() if key not in IN_THE_NAME})
            node = self._run.create_container(name, metadata=metadata, specs=STREAM_SPECS)
        node, keys = plain(node), document["data_keys"]
        schema = schema_of(keys)
        table = None if made else child(node, TABLE)
        there = 0 if table is None else len(table.read(["seq_num"]))
        arrays = [
            ArrayNode(
                node, None if made else child(node, key), key, keys[key], may_be_files=self._may_be_files
            )
            for key in array_keys(keys)
        ]
        if table is None:
            table = new_table(node, schema, keys)
        return StreamWriter(node, schema, table, arrays, there)

    def _reconfigured(self, stream: StreamWriter, document: Mapping[str, Any]) -> None:
        """Note that a stream's descriptor was emitted again, as it is after a device was configured in the run."""
        updates = list(stream.node.metadata.get("_config_updates", []))
        if document["uid"] in (stream.node.metadata["uid"], *(each["uid"] for each in updates)):
            return
        news = {key: document[key] for key in ("uid", "time", "configuration") if key in document}
        metadata = {"_config_updates": [*updates, kept_text(news)]}
        stream.node.update_metadata(metadata=metadata, drop_revision=True)
        stream.node = stream.node.refresh()

    def _stop(self, document: Mapping[str, Any]) -> None:
        self.flush()
        self.surplus_at_end = any(stream.surplus for stream in self._streams.values())
        if not self.surplus_at_end:
            self._run.update_metadata(metadata={"stop": kept_text(document)}, drop_revision=True)
            self.ended = True


def new_table(stream: Any, schema: pa.Schema, data_keys: Mapping[str, Any]) -> Any:
    """Make a stream's table, which is sorted on reading: a database keeps no order of its own."""
    source = DataSource(
        structure=TableStructure.from_schema(schema, 1),
        structure_family=StructureFamily.table,
        mimetype=TABLE_TYPE,
        parameters={"order_by_args": [{"column": ROW, "direction": "asc"}]},
    )
    metadata = kept_text(dict(data_keys))
    return stream.new(StructureFamily.table, [source], key=TABLE, metadata=metadata, specs=[])


def child(node: Any, key: str) -> Any:
    """Return what a container holds under a key, or None."""
    try:
        return Container.__getitem__(node, key)
    except KeyError:
        return None


def plain(node: Any) -> Any:
    """Return a container as it is stored, not as the plugins show it."""
    return getattr(node, "base", node)


def forget(catalogue: Any, uids: Sequence[str]) -> None:
    """Take runs out of the catalogue, with their rows."""
    catalogue.delete_contents(list(uids), recursive=True, external_only=False)
