"""Field values from bytes to typed Arrow arrays."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from pipelines.columns import TIMESTAMP
from pipelines.schemas import ACCESS_LOG_FIELDS

if TYPE_CHECKING:
    from numpy.typing import NDArray

# Digits of a fraction that microseconds cannot hold.
_NANOSECONDS = r"(\.[0-9]{6})[0-9]{1,3}Z\z"

#: What Istio's default formats say of a request: the columns up to the last of their operators.
ISTIO_FIELDS = pa.schema(list(ACCESS_LOG_FIELDS)[: ACCESS_LOG_FIELDS.get_field_index("route_name") + 1])


def to_text(values: pa.Array) -> pa.Array:
    r"""Binary values as strings. A value that is not valid UTF-8 becomes what Envoy's own JSON logger prints for it.

    That is each byte as the Latin-1 character: `caf\xe9` is read as `café`; valid values beside it stay as they are.
    """
    try:
        return values.cast(pa.string())
    except pa.ArrowInvalid:
        suspect = pc.match_substring_regex(values, pattern=r"[\x80-\xff]")
        repaired = [_valid(value) for value in values.filter(suspect).to_pylist()]
        return pc.replace_with_mask(values, pc.fill_null(suspect, False), pa.array(repaired, pa.binary())).cast(
            pa.string()
        )


def _valid(value: bytes) -> bytes:
    try:
        value.decode("utf-8")
    except UnicodeDecodeError:
        return value.decode("latin-1").encode("utf-8")
    return value


def to_timestamps(texts: pa.Array) -> pa.Array:
    """Strings that match `access_log_patterns.TIME` as timestamps, cut to microseconds."""
    try:
        return texts.cast(TIMESTAMP)
    except pa.ArrowInvalid:
        return pc.replace_substring_regex(texts, pattern=_NANOSECONDS, replacement=r"\1Z").cast(TIMESTAMP)


def strip_cluster_delimiter(clusters: pa.Array) -> pa.Array:
    """Cluster names without the `;` that Istio appends to the statistics name, which `%UPSTREAM_CLUSTER%` prints."""
    return pc.utf8_rtrim(clusters, characters=";") if pc.any(pc.ends_with(clusters, pattern=";")).as_py() else clusters


def is_ascii(values: NDArray[np.uint8]) -> bool:
    """Whether all bytes are below 128."""
    return len(values) == 0 or int(np.max(values)) < 128
