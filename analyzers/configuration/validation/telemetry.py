"""What istiod says of a Telemetry, a ProxyConfig and a WasmPlugin."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

from analyzers.configuration.validation.problems import Problem, at, doubt
from analyzers.configuration.validation.shared import elements, match_labels, policy_selector
from analyzers.mesh.objects import integer, mapping, mappings, number, text

if TYPE_CHECKING:
    from collections.abc import Mapping

    from analyzers.configuration.validation.problems import Problems
    from analyzers.mesh.objects import Json, MeshObject

_ALL_PERCENT: Final = 100
_SHA: Final = 64
_LONGEST_SECRET: Final = 253
_LONGEST_NAME: Final = 256
_MAX_PORT: Final = 65535
_SCHEMES: Final = frozenset({"", "file", "http", "https", "oci"})
_TAGS: Final = {"literal": "value", "header": "name", "environment": "name"}


def telemetry(item: MeshObject) -> Problems:
    """Every problem of a Telemetry."""
    yield from policy_selector(item)
    for position, metrics in mappings(item.spec.get("metrics")):
        yield from _metrics(f"spec/metrics[{position}]", metrics)
    tracing = elements(item.spec.get("tracing"))
    if len(tracing) > 1:
        yield doubt("spec/tracing", "more than one tracing is not supported")
    for position, value in enumerate(tracing):
        if value is not None:
            yield from _tracing(f"spec/tracing[{position}]", mapping(value))
    for position, logging in mappings(item.spec.get("accessLogging")):
        yield from _providers(f"spec/accessLogging[{position}]/providers", logging.get("providers"))


def _providers(path: str, value: Json) -> Problems:
    if any(not text(mapping(provider).get("name")) for provider in elements(value)):
        yield Problem(path, "the name of a provider cannot be empty")


def _tracing(path: str, tracing: Mapping[str, Json]) -> Problems:
    if len(elements(tracing.get("providers"))) > 1:
        yield doubt(f"{path}/providers", "more than one provider is not supported")
    yield from _providers(f"{path}/providers", tracing.get("providers"))
    if not 0 <= (number(tracing.get("randomSamplingPercentage")) or 0) <= _ALL_PERCENT:
        yield Problem(f"{path}/randomSamplingPercentage", "randomSamplingPercentage is not in 0..100")
    for name, tag in mapping(tracing.get("customTags")).items():
        where = f"{path}/customTags"
        if not name:
            yield Problem(where, "the name of a tag cannot be empty")
        if tag is None:
            yield Problem(where, f"tag {name} may not be null")
            continue
        kind = next((kind for kind in _TAGS if kind in mapping(tag)), None)
        if kind is not None and not text(mapping(mapping(tag).get(kind)).get(_TAGS[kind])):
            yield Problem(where, f"a tag of kind {kind} needs a {_TAGS[kind]}")


def _metrics(path: str, metrics: Mapping[str, Json]) -> Problems:
    yield from _providers(f"{path}/providers", metrics.get("providers"))
    for position, override in enumerate(elements(metrics.get("overrides"))):
        where = f"{path}/overrides[{position}]"
        if override is None:
            yield Problem(where, "tagOverrides may not be null")
            continue
        for name, value in mapping(mapping(override).get("tagOverrides")).items():
            yield from _tag_override(f"{where}/tagOverrides", name, value)
        match = mapping(mapping(override).get("match"))
        if "customMetric" in match and not match.get("customMetric"):
            yield Problem(f"{where}/match/customMetric", "customMetric cannot be empty")


def _tag_override(path: str, name: str, value: Json) -> Problems:
    if not name:
        yield doubt(path, "the name of a tag cannot be empty")
    if value is None:
        yield Problem(path, "tagOverrides may not be null")
        return
    given, removes = text(mapping(value).get("value")), mapping(value).get("operation") == "REMOVE"
    if removes and given:
        yield Problem(path, "a value goes with the operation UPSERT only")
    elif not removes and not given:
        yield Problem(path, "the operation UPSERT needs a value")


def proxy_config(item: MeshObject) -> Problems:
    """Every problem of a ProxyConfig."""
    yield from match_labels(item.spec.get("selector"))
    if (integer(item.spec.get("concurrency")) or 0) < 0:
        yield Problem("spec/concurrency", "concurrency cannot be negative")


def wasm_plugin(item: MeshObject) -> Problems:
    """Every problem of a WasmPlugin."""
    spec = item.spec
    yield from policy_selector(item)
    yield from at("spec/url", _url(text(spec.get("url")) or ""))
    digest = text(spec.get("sha256"))
    if digest:
        if len(digest) != _SHA:
            yield Problem("spec/sha256", "sha256 must have 64 digits")
        elif re.fullmatch("[a-f0-9]+", digest) is None:
            yield Problem("spec/sha256", "sha256 must have hexadecimal digits in lower case")
    if len(text(spec.get("imagePullSecret")) or "") > _LONGEST_SECRET:
        yield Problem("spec/imagePullSecret", "imagePullSecret is too long")
    if len(text(spec.get("pluginName")) or "") > _LONGEST_NAME:
        yield Problem("spec/pluginName", "pluginName is too long")
    yield from at("spec/vmConfig/env", _environment(mapping(spec.get("vmConfig")).get("env")))
    yield from at("spec/match", _match(spec.get("match")))


def _url(value: str) -> str | None:
    if not value:
        return "a URL is needed"
    try:
        scheme = urlsplit(value).scheme
    except ValueError:
        return f"{value!r} is no URL"
    # Without `://` what stands before the first colon is the host of an image with a port.
    return f"URL scheme {scheme} is not supported" if "://" in value and scheme not in _SCHEMES else None


def _environment(value: Json) -> str | None:
    known: set[str] = set()
    for _, variable in mappings(value):
        name = text(variable.get("name")) or ""
        if not name:
            return "a variable needs a name"
        if len(name) > _LONGEST_NAME:
            return "the name of a variable is too long"
        if name in known:
            return f"variable {name} is set twice"
        known.add(name)
        if variable.get("valueFrom") not in {None, "INLINE"} and text(variable.get("value")):
            return f"the value of variable {name} goes with valueFrom INLINE only"
    return None


def _match(value: Json) -> str | None:
    for position, selector in enumerate(elements(value)):
        if selector is None:
            return f"match {position} may not be null"
        for place, port in enumerate(elements(mapping(selector).get("ports"))):
            if not 0 < (integer(mapping(port).get("number")) or 0) <= _MAX_PORT:
                return f"port {place} of match {position} is not in 1..65535"
    return None
