"""Envoy's `config_dump` (also one section of it, as `?resource=` gives, and istioctl's camel case).

A record is a named thing: a listener, cluster, route configuration, endpoint assignment, secret, scope of routes or
extension configuration, once for each of its states, and the bootstrap. `state_json` is the thing itself; for an
update that was refused, all that the dump says of it. What the dump has no type for is a reject.
https://www.envoyproxy.io/docs/envoy/latest/api-v3/admin/v3/config_dump_shared.proto
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from pipelines.parsers.context import DEFAULT, Context
from pipelines.parsers.json_pieces import JSON_ERRORS, Fields, entries_of, fields_of, offset_within, text_of
from pipelines.parsers.proxy_rows import ProxyRows, Reporter, Thing, reporter_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    import msgspec

    from pipelines.parsers.result import Parsed


@dataclass(frozen=True, slots=True)
class _Kind:
    """One section: the field that holds the thing, the thing's own name, and the dump's lists with the state each."""

    section: str
    thing: str
    name: str
    lists: tuple[tuple[str, str], ...]


_KINDS: Final = {
    "ClustersConfigDump": _Kind(
        "cluster",
        "cluster",
        "name",
        (
            ("static_clusters", "static"),
            ("dynamic_active_clusters", "active"),
            ("dynamic_warming_clusters", "warming"),
        ),
    ),
    "ListenersConfigDump": _Kind(
        "listener", "listener", "name", (("static_listeners", "static"), ("dynamic_listeners", "active"))
    ),
    "RoutesConfigDump": _Kind(
        "route", "route_config", "name", (("static_route_configs", "static"), ("dynamic_route_configs", "active"))
    ),
    "ScopedRoutesConfigDump": _Kind(
        "scoped_route",
        "scoped_route_configs",
        "name",
        (("inline_scoped_route_configs", "static"), ("dynamic_scoped_route_configs", "active")),
    ),
    "EndpointsConfigDump": _Kind(
        "endpoint",
        "endpoint_config",
        "cluster_name",
        (("static_endpoint_configs", "static"), ("dynamic_endpoint_configs", "active")),
    ),
    "SecretsConfigDump": _Kind(
        "secret",
        "secret",
        "name",
        (("static_secrets", "static"), ("dynamic_active_secrets", "active"), ("dynamic_warming_secrets", "warming")),
    ),
    "EcdsConfigDump": _Kind("ecds", "ecds_filter", "name", (("ecds_filters", "active"),)),
}
_BOOTSTRAP: Final = "BootstrapConfigDump"
#: A dynamic listener's states.
_LISTENER_STATES: Final = (
    ("active_state", "active"),
    ("warming_state", "warming"),
    ("draining_state", "draining"),
    ("error_state", "error"),
)


def parse_config_dump(document: bytes, base_offset: int, context: Context = DEFAULT) -> Parsed:
    """Read one dump. `context.observed_us` is when it was taken; its bootstrap names the pod."""
    rows = ProxyRows(context.observed_us)
    try:
        configs = entries_of(fields_of(document).get("configs"))
    except JSON_ERRORS as error:
        rows.reject(base_offset, error, document)
        return rows.parsed()
    rows.reporter = _reporter(configs)
    for config in configs:
        _read_config(config, document, base_offset, rows)
    return rows.parsed()


def _reporter(configs: list[msgspec.Raw]) -> Reporter:
    for config in configs:
        try:
            fields = fields_of(config)
            if _type_name(fields)[0] == _BOOTSTRAP:
                return reporter_of(fields_of(fields["bootstrap"]).get("node"))
        except (*JSON_ERRORS, KeyError):
            continue
    return Reporter()


def _read_config(config: msgspec.Raw, document: bytes, base_offset: int, rows: ProxyRows) -> None:
    at = base_offset + offset_within(config, document)
    try:
        fields = fields_of(config)
        found = list(_pieces(fields, config))
    except (*JSON_ERRORS, ValueError) as error:
        rows.reject(at, error, bytes(config))
        return
    for kind, piece, state in found:
        offset = base_offset + offset_within(piece, document)
        try:
            things = list(_bootstrap(piece) if kind is None else _things(kind, piece, state))
        except (*JSON_ERRORS, ValueError) as error:
            rows.reject(offset, error, bytes(piece))
            continue
        for thing in things:
            try:
                rows.add(offset, thing)
            except (*JSON_ERRORS, ValueError) as error:
                rows.reject(offset, error, bytes(piece))


def _pieces(fields: Fields, config: msgspec.Raw) -> Iterator[tuple[_Kind | None, msgspec.Raw, str | None]]:
    """The entries of one config: of which kind, and in which state, where the dump says so."""
    dump, entry = _type_name(fields)
    if dump == _BOOTSTRAP:
        yield None, config, None
        return
    kind = _KINDS.get(dump)
    if kind is None:
        raise ValueError(f"a config dump of the type {(dump or 'none')[:64]!r}, which is not known")
    if entry:
        # `?resource=dynamic_active_clusters` gives bare entries; active or warming is no longer told.
        yield kind, config, "static" if entry.startswith(("Static", "Inline")) else None
        return
    for name, state in kind.lists:
        for piece in entries_of(fields.get(name)):
            yield kind, piece, state


def _type_name(fields: Fields) -> tuple[str, str]:
    """A config's message, such as `ClustersConfigDump`, and the message within it, such as `DynamicCluster`, or ""."""
    full = text_of(fields.get("@type")) or ""
    dump, _, entry = full.rpartition("/")[2].removeprefix("envoy.admin.").partition(".")[2].partition(".")
    return dump, entry


def _bootstrap(piece: msgspec.Raw) -> Iterator[Thing]:
    fields = fields_of(piece)
    bootstrap = fields.get("bootstrap")
    if bootstrap is None:
        raise ValueError("a bootstrap dump without its bootstrap")
    yield Thing(
        "bootstrap", None, "static", bootstrap, len(bytes(piece)), last_updated=text_of(fields.get("last_updated"))
    )


def _things(kind: _Kind, piece: msgspec.Raw, state: str | None) -> Iterator[Thing]:
    fields = fields_of(piece)
    states = [(fields[name], said) for name, said in _LISTENER_STATES if name in fields]
    if kind.section == "listener" and kind.thing not in fields:
        if not states:
            raise ValueError("a listener without a state")
        for inner, said in states:
            yield _thing(kind, fields_of(inner), inner, said, text_of(fields.get("name")))
        return
    if kind.thing not in fields and "error_state" not in fields:
        raise ValueError(f"a {kind.section} without its {kind.thing}")
    if kind.thing in fields:
        yield _thing(kind, fields, piece, state, text_of(fields.get("name")))
    if "error_state" in fields:
        error = fields["error_state"]
        yield _thing(kind, fields_of(error), error, "error", text_of(fields.get("name")) or _own_name(kind, fields))


def _thing(kind: _Kind, fields: Fields, piece: msgspec.Raw, state: str | None, name: str | None) -> Thing:
    is_error = state == "error"
    return Thing(
        kind.section,
        name or _own_name(kind, fields),
        state,
        piece if is_error else fields.get(kind.thing, piece),
        len(bytes(piece)),
        text_of(fields.get("version_info")),
        text_of(fields.get("last_update_attempt" if is_error else "last_updated")),
    )


def _own_name(kind: _Kind, fields: Fields) -> str | None:
    """The name that the thing itself has."""
    thing = fields.get(kind.thing)
    if thing is None or not bytes(thing).startswith(b"{"):
        return None
    return text_of(fields_of(thing).get(kind.name))
