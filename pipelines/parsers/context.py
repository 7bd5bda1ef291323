"""What a parser must know of its input beside the bytes themselves."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Context:
    """What holds for all records of one input; every field is JSON, since workers are told of it as JSON.

    `default_metric` names Prometheus series without a name; `layout` is a text log's format string, or a JSON log's
    mapping of keys to operators, null for Istio's default; `observed_us` is when the file last changed (microseconds
    since 1970), for records that have no time of their own; `wrapper` names what a log shipper put around each record;
    `redact` hides credentials.
    """

    default_metric: str | None = None
    layout: str | None = None
    observed_us: int | None = None
    wrapper: str | None = None
    redact: bool = True


#: Nothing is known.
DEFAULT = Context()
