"""Everything between a chunk of an input and rows: wrappers taken off, others set apart, credentials hidden."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from pipelines.parsers.others import set_apart
from pipelines.parsers.redaction import redacted
from pipelines.parsers.result import Parsed, accepted_schema

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    import pyarrow as pa

    from pipelines.parsers.context import Context

    Parser = Callable[[bytes, int, Context], Parsed | Iterator[Parsed]]


def parse_records(
    parser: Parser, fields: pa.Schema, chunk: bytes, base_offset: int, context: Context, *, has_others: bool = False
) -> Iterator[Parsed]:
    """Parse whole records of a format, in whatever wrapper.

    Args:
        parser: of the format within the wrapper.
        fields: what it reads.
        has_others: whether lines of other logs may come between the records.
        chunk: whole records.
        base_offset: the chunk's offset in the decompressed source.
        context: what else there is to know.
    """
    for parsed in _unwrapped(parser, fields, (chunk, base_offset), context, has_others=has_others):
        yield redacted(parsed) if context.redact else parsed


def _unwrapped(
    parser: Parser, fields: pa.Schema, where: tuple[bytes, int], context: Context, *, has_others: bool
) -> Iterator[Parsed]:
    chunk, base_offset = where
    if context.wrapper is None:
        yield from _parsed(parser, chunk, base_offset, context, has_others=has_others)
        return
    from pipelines.parsers.wrappers.originals import original, shifted
    from pipelines.parsers.wrappers.registry import unwrap

    data = np.frombuffer(chunk, np.uint8)
    unwrapped = unwrap(context.wrapper, data)
    damaged = shifted(unwrapped.rejected, base_offset)
    yield Parsed(accepted_schema(fields).empty_table(), damaged, damaged.num_rows, unwrapped.others)
    if unwrapped.text:
        for parsed in _parsed(parser, unwrapped.text, 0, replace(context, wrapper=None), has_others=has_others):
            yield original(unwrapped, parsed, data, base_offset)


def _parsed(parser: Parser, chunk: bytes, base_offset: int, context: Context, *, has_others: bool) -> Iterator[Parsed]:
    found = parser(chunk, base_offset, context)
    for parsed in (found,) if isinstance(found, Parsed) else found:
        yield set_apart(parsed, context.layout) if has_others else parsed
