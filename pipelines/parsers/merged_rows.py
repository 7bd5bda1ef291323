"""Tables of rows put together, though a column of text has a dictionary in one and none in another."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

#: From so many pieces on, sorting costs less than cutting.
_MANY_PIECES: Final = 512


def stacked(tables: Sequence[pa.Table]) -> pa.Table:
    """One table after the other. A column has a dictionary where it has one in all of them."""
    first, *others = tables
    for place, field in enumerate(first.schema):
        if any(other.schema.field(place).type != field.type for other in others):
            tables = [_plain(table, place) for table in tables]
    return pa.concat_tables(tables)


def _plain(table: pa.Table, place: int) -> pa.Table:
    field = table.schema.field(place)
    if not pa.types.is_dictionary(field.type):
        return table
    plain = field.with_type(field.type.value_type)
    return table.set_column(place, plain, table.column(place).cast(plain.type))


def in_order(first: pa.Table, second: pa.Table) -> pa.Table:
    """The rows of both by `source_offset`, which ascends in each; columns and types are those of `first`.

    A column of `first` may have a dictionary where it is plain in `second`.
    """
    if not second.num_rows:
        return first
    second = pa.table([_as(second[field.name], first[field.name]) for field in first.schema], schema=first.schema)
    if not first.num_rows:
        return second
    places = np.searchsorted(first["source_offset"].to_numpy(), second["source_offset"].to_numpy())
    starts = np.flatnonzero(np.diff(places, prepend=-1))
    if len(starts) > _MANY_PIECES:
        both = pa.concat_tables([first, second]).unify_dictionaries().combine_chunks()
        return both.take(pc.sort_indices(both["source_offset"]))
    return pa.concat_tables(_pieces(first, second, places, starts)).unify_dictionaries().combine_chunks()


def _pieces(first: pa.Table, second: pa.Table, places: NDArray[np.int64], starts: NDArray[np.int64]) -> list[pa.Table]:
    pieces: list[pa.Table] = []
    done = 0
    for start, end in zip(starts.tolist(), [*starts[1:].tolist(), len(places)], strict=True):
        place = int(places[start])
        pieces += [first.slice(done, place - done), second.slice(start, end - start)]
        done = place
    return [*pieces, first.slice(done)]


def _as(column: pa.ChunkedArray, like: pa.ChunkedArray) -> pa.ChunkedArray:
    """Values with the dictionary of another column, to which those that it lacks are added."""
    if not pa.types.is_dictionary(like.type) or pa.types.is_dictionary(column.type):
        return column.cast(like.type)
    known = like.chunk(0).dictionary if like.num_chunks else pa.array([], like.type.value_type)
    distinct = pc.unique(column).drop_null()
    missing = distinct.filter(pc.invert(pc.is_in(distinct, value_set=known)))
    dictionary = pa.concat_arrays([known, missing]) if len(missing) else known
    codes = pc.index_in(column.combine_chunks(), value_set=dictionary)
    return pa.chunked_array([pa.DictionaryArray.from_arrays(codes, dictionary)], like.type)
