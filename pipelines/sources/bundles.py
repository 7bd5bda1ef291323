"""The batch's bundles as a Beam source. An element is one bundle as JSON: names and numbers, never records."""

# Beam types its classes but not their constructors.
# mypy: disable-error-code="no-untyped-call"
from __future__ import annotations

from typing import TYPE_CHECKING

import apache_beam as beam

from pipelines.inputs.bundles import encode

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pipelines.inputs.bundles import Bundle


def read_bundles(pipeline: beam.Pipeline, bundles: Sequence[Bundle]) -> beam.pvalue.PCollection[bytes]:
    """All bundles of a batch, spread over the workers."""
    elements = pipeline | "Bundles" >> beam.Create([encode(bundle) for bundle in bundles], reshuffle=False)
    spread: beam.pvalue.PCollection[bytes] = elements | "Spread" >> beam.Reshuffle()
    return spread
