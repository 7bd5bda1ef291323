"""Names of OTLP metrics, attributes and resources as Prometheus has them.

Rules: https://opentelemetry.io/docs/specs/otel/compatibility/prometheus_and_openmetrics/ as Prometheus's own OTLP
receiver applies them: characters that names may not have become underscores, units are spelled out at the end, counters
end with `_total`. Attributes of the resource are labels, too, so that nothing is lost: `service.name` and
`service.instance.id` are `job` and `instance`, a pod and its namespace `pod` and `namespace`.
"""

from __future__ import annotations

import math
import re
from decimal import Decimal
from functools import lru_cache
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Mapping

_WORD: Final = re.compile(r"[A-Za-z0-9:]+")
_NOT_LABEL: Final = re.compile(r"[^A-Za-z0-9_]")
_ANNOTATION: Final = re.compile(r"\{[^}]*\}")
_UNITS: Final = {
    "d": "days", "h": "hours", "min": "minutes", "s": "seconds", "ms": "milliseconds", "us": "microseconds",
    "ns": "nanoseconds", "By": "bytes", "KiBy": "kibibytes", "MiBy": "mebibytes", "GiBy": "gibibytes",
    "TiBy": "tibibytes", "KBy": "kilobytes", "MBy": "megabytes", "GBy": "gigabytes", "TBy": "terabytes", "m": "meters",
    "V": "volts", "A": "amperes", "J": "joules", "W": "watts", "g": "grams", "Cel": "celsius", "Hz": "hertz",
    "%": "percent", "1": "",
}  # fmt: skip
_PER: Final = {"s": "second", "m": "minute", "h": "hour", "d": "day", "w": "week", "mo": "month", "y": "year"}
_RESOURCES: Final = {
    "service.instance.id": "instance",
    "k8s.pod.name": "pod",
    "k8s.namespace.name": "namespace",
}
_FIRST_EXPONENT, _LAST_EXPONENT = -4, 5


@lru_cache(maxsize=4096)
def metric_name(name: str, unit: str, kind: str) -> str:
    """The name of a metric's samples, before any suffix of a histogram.

    `kind` is a Prometheus type: counter, gauge, histogram or summary. "" where nothing in the name may be in one.
    """
    words = _WORD.findall(name)
    if not words:
        return ""
    if kind == "counter":
        words = [word for word in words if word != "total"]
    per, main = "", _ANNOTATION.sub("", unit)
    if "/" in main:
        main, _, per = main.partition("/")
    main, per = _UNITS.get(main.strip(), main.strip()), _PER.get(per.strip(), per.strip())
    words += [word for word in _WORD.findall(main) if word not in words]
    words += [word for word in ("per", *_WORD.findall(per)) if per and word not in words]
    if unit == "1" and kind == "gauge" and "ratio" not in words:
        words.append("ratio")
    if kind == "counter":
        words.append("total")
    joined = "_".join(words)
    return f"_{joined}" if joined[0].isdigit() else joined


@lru_cache(maxsize=4096)
def label_name(key: str) -> str:
    """The name of an attribute's label."""
    name = _NOT_LABEL.sub("_", key)
    return f"key_{name}" if name[:1].isdigit() else name


def labels_of(attributes: Mapping[str, str | None], resource: Mapping[str, str]) -> dict[str, str]:
    """A point's labels: its own attributes, then those of its resource that do not say otherwise.

    Attributes whose names become one have their values joined with semicolons, in the order of their keys; empty ones
    say nothing in Prometheus.
    """
    found = [(key, label_name(key), value) for key, value in attributes.items() if value and key]
    labels = {name: value for _, name, value in found}
    if len(labels) < len(found):
        labels = {name: ";".join(value for _, same, value in sorted(found) if same == name) for name in labels}
    labels.update((name, value) for name, value in resource.items() if name not in labels)
    return labels


def resource_labels(attributes: Mapping[str, str | None]) -> dict[str, str]:
    """The labels that all points of a resource have."""
    job = "/".join(filter(None, (attributes.get("service.namespace"), attributes.get("service.name"))))
    labels = {
        _RESOURCES.get(key) or label_name(key): value
        for key, value in attributes.items()
        if value and key not in ("service.name", "service.namespace")
    }
    return labels | ({"job": job} if job else {})


def number_text(value: float) -> str:
    """A bound or quantile as Prometheus writes it: the fewest digits that mean it, Go's `%g`."""
    if math.isinf(value) or math.isnan(value):
        return "NaN" if math.isnan(value) else ("+Inf" if value > 0 else "-Inf")
    if value == 0:
        return "0"
    exact = Decimal(repr(value)).normalize()
    exponent = exact.adjusted()
    if _FIRST_EXPONENT <= exponent <= _LAST_EXPONENT:
        return f"{exact:f}"
    sign, digits, _ = exact.as_tuple()
    fraction = "".join(map(str, digits[1:]))
    mantissa = f"{digits[0]}.{fraction}" if fraction else str(digits[0])
    return f"{'-' if sign else ''}{mantissa}e{'-' if exponent < 0 else '+'}{abs(exponent):02d}"
