"""Load balancing: hashing, localities and their weights, warm-up."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Final

from analyzers.configuration.validation.problems import Problem, at, doubt
from analyzers.configuration.validation.values import duration
from analyzers.mesh.objects import integer, mapping, mappings, number, text, texts

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from analyzers.configuration.validation.problems import Problems
    from analyzers.mesh.objects import Json

_TOPOLOGY: Final = frozenset(
    {"topology.kubernetes.io/region", "topology.kubernetes.io/zone", "topology.istio.io/subzone"}
)
_LARGEST_TABLE: Final = 5000011
_ALL_PERCENT: Final = 100
_PARTS: Final = 3


def load_balancer(path: str, value: Json, *, has_outlier: bool) -> Problems:
    """`loadBalancer`; `has_outlier`: outlier detection stands beside it, as failover needs."""
    if value is None:
        return
    hashing = mapping(value).get("consistentHash")
    if hashing is not None:
        yield from _consistent_hash(f"{path}/consistentHash", mapping(hashing))
    locality = mapping(value).get("localityLbSetting")
    if locality is not None:
        yield from _localities(f"{path}/localityLbSetting", mapping(locality), has_outlier=has_outlier)
    warmup = mapping(value).get("warmup")
    if warmup is not None:
        yield from _warmup(f"{path}/warmup", mapping(warmup))


def _consistent_hash(path: str, hashing: Mapping[str, Json]) -> Problems:
    cookie = hashing.get("httpCookie")
    if cookie is not None and not text(mapping(cookie).get("name")):
        yield Problem(f"{path}/httpCookie/name", "the cookie needs a name")
    if integer(hashing.get("minimumRingSize")):
        yield doubt(f"{path}/minimumRingSize", "minimumRingSize is deprecated; use ringHash")
        if "maglev" in hashing or "ringHash" in hashing:
            yield Problem(path, "minimumRingSize does not go with maglev or ringHash")
    if "maglev" in hashing:
        size = integer(mapping(hashing.get("maglev")).get("tableSize")) or 0
        where = f"{path}/maglev/tableSize"
        if size == 0:
            yield Problem(where, "tableSize is needed for maglev")
        if size >= _LARGEST_TABLE:
            yield Problem(where, f"tableSize must be less than {_LARGEST_TABLE}")
        if not _is_prime(size):
            yield Problem(where, "tableSize must be a prime number")


def _is_prime(value: int) -> bool:
    if value in {1, 2, 3}:  # as Envoy counts
        return True
    return value % 2 == 1 and all(value % factor for factor in range(3, math.isqrt(value) + 1, 2))


def _warmup(path: str, warmup: Mapping[str, Json]) -> Problems:
    if warmup.get("duration") is None:
        yield Problem(f"{path}/duration", "a warm-up needs a duration")
    else:
        yield from at(f"{path}/duration", duration(warmup.get("duration")))
    if (number(warmup.get("minimumPercent")) or 0) > _ALL_PERCENT:
        yield Problem(f"{path}/minimumPercent", "minimumPercent is above 100")
    aggression = number(warmup.get("aggression"))
    if aggression is not None and aggression < 1:
        yield Problem(f"{path}/aggression", "aggression is below 1")


def _localities(path: str, setting: Mapping[str, Json], *, has_outlier: bool) -> Problems:
    distribute = [value for _, value in mappings(setting.get("distribute"))]
    failover = [value for _, value in mappings(setting.get("failover"))]
    priority = texts(setting.get("failoverPriority"))
    if distribute and failover:
        yield Problem(path, "distribute and failover cannot both be set")
        return
    at_odds = next((label for label in priority if label in _TOPOLOGY), None) if failover else None
    if at_odds is not None:
        yield Problem(path, f"failover and {at_odds} in failoverPriority cannot both be set")
        return
    for position, rule in enumerate(distribute):
        where = f"{path}/distribute[{position}]/to"
        weights = mapping(rule.get("to"))
        shares = [integer(share) or 0 for share in weights.values()]
        if any(not 0 < share <= _ALL_PERCENT for share in shares):
            yield Problem(where, "a locality's weight must be in 1..100")
            return
        if sum(shares) != _ALL_PERCENT:
            yield Problem(where, f"the weights of the localities add up to {sum(shares)}, not 100")
            return
        yield from at(where, _overlap(list(weights)))
    yield from at(f"{path}/distribute", _overlap([text(rule.get("from")) or "" for rule in distribute]))
    if (failover or priority) and not has_outlier:
        yield doubt(path, "failover needs outlierDetection beside it")
    for position, rule in enumerate(failover):
        yield from _failover(f"{path}/failover[{position}]", rule)


def _failover(path: str, rule: Mapping[str, Json]) -> Problems:
    ends = [text(rule.get(key)) or "" for key in ("from", "to")]
    if ends[0] == ends[1]:
        yield Problem(path, "failover must be to another region")
    if any("/" in end for end in ends):
        yield Problem(path, "failover is between regions, not zones")
    if any("*" in end for end in ends):
        yield Problem(path, "a region of failover cannot hold a wildcard")


def _overlap(localities: Sequence[str]) -> str | None:
    """What is wrong with a list of localities (`region/zone/subzone`, the last may be `*`): each must be apart."""
    known: list[list[str]] = []
    for locality in localities:
        if "*" in locality and (locality.count("*") > 1 or not locality.endswith("*")):
            return f"locality {locality} has a wildcard that is not at its end"
        parts = locality.split("/", _PARTS - 1)
        if not all(parts):
            return f"locality {locality} has an empty part"
        if any(_is_within(parts, other) for other in known):
            return f"locality {locality} overlaps with an earlier one"
        known.append(parts)
    return None


def _is_within(parts: Sequence[str], other: Sequence[str]) -> bool:
    """Whether istiod takes `other`, which came before, for one that a locality overlaps with."""
    if other == ["*"] or parts[0] == other[0] == "*":
        return True
    if parts[0] != other[0]:
        return False
    if len(parts) == 1 or len(other) == 1 or other[1] == "*":
        return True
    if parts[1] != other[1]:
        return False
    return len(parts) == 2 or len(other) == 2 or other[2] in {"*", parts[2]}
