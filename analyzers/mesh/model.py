"""The mesh: every object of one or several clusters, indexed, never changed."""

from __future__ import annotations

from collections import defaultdict
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final, Self, TypeVar, cast

from analyzers.mesh.kinds import key_of
from analyzers.mesh.settings import MeshSettings, settings_from_objects

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from analyzers.mesh.kinds import KindKey
    from analyzers.mesh.objects import MeshObject

T = TypeVar("T")

_NONE: Final[tuple[MeshObject, ...]] = ()


class Mesh:
    """All objects. Lists are sorted by namespace, name and cluster, so that results do not depend on input order.

    Of two objects with one identity in one cluster the one given last counts.
    """

    def __init__(
        self,
        by_kind: Mapping[KindKey, tuple[MeshObject, ...]],
        settings: Mapping[str, MeshSettings],
        clusters: tuple[str, ...],
    ) -> None:
        self._by_kind = by_kind
        self._settings = settings
        self.clusters = clusters
        self._cache: dict[str, Any] = {}
        self._by_namespace: dict[KindKey, Mapping[str, tuple[MeshObject, ...]]] = {}
        self._by_name: dict[KindKey, Mapping[tuple[str, str, str], MeshObject]] = {}

    @classmethod
    def of(cls, objects: Iterable[MeshObject], settings: MeshSettings | None = None) -> Self:
        """The mesh of these objects; without `settings` each cluster's own control plane says them."""
        latest: dict[tuple[str, str, str, str], MeshObject] = {}
        for item in objects:
            latest[item.cluster, key_of(item.api_version, item.kind), item.namespace, item.name] = item
        by_kind: defaultdict[KindKey, list[MeshObject]] = defaultdict(list)
        by_cluster: defaultdict[str, list[MeshObject]] = defaultdict(list)
        for (cluster, key, _, _), item in latest.items():
            by_kind[key].append(item)
            by_cluster[cluster].append(item)
        clusters = tuple(sorted(by_cluster)) or ("",)
        known = {
            cluster: settings if settings is not None else settings_from_objects(by_cluster[cluster])
            for cluster in clusters
        }
        ordered = {
            key: tuple(sorted(found, key=lambda item: (item.namespace, item.name, item.cluster)))
            for key, found in sorted(by_kind.items())
        }
        return cls(MappingProxyType(ordered), MappingProxyType(known), clusters)

    @property
    def kinds(self) -> tuple[KindKey, ...]:
        """The kinds that there are objects of, sorted."""
        return tuple(self._by_kind)

    def of_kind(self, key: KindKey, *, cluster: str | None = None) -> tuple[MeshObject, ...]:
        """The objects of a kind, of one cluster where one is named."""
        found = self._by_kind.get(key, _NONE)
        return found if cluster is None else tuple(item for item in found if item.cluster == cluster)

    def in_namespace(self, key: KindKey, namespace: str, *, cluster: str | None = None) -> tuple[MeshObject, ...]:
        """The objects of a kind in one namespace."""
        if key not in self._by_namespace:
            grouped: defaultdict[str, list[MeshObject]] = defaultdict(list)
            for item in self.of_kind(key):
                grouped[item.namespace].append(item)
            self._by_namespace[key] = {name: tuple(found) for name, found in grouped.items()}
        found = self._by_namespace[key].get(namespace, _NONE)
        return found if cluster is None else tuple(item for item in found if item.cluster == cluster)

    def get(self, key: KindKey, namespace: str, name: str, *, cluster: str = "") -> MeshObject | None:
        """The object of this identity in a cluster; null where there is none."""
        if key not in self._by_name:
            self._by_name[key] = {(item.cluster, item.namespace, item.name): item for item in self.of_kind(key)}
        return self._by_name[key].get((cluster, namespace, name))

    def settings(self, cluster: str = "") -> MeshSettings:
        """The settings of a cluster; of the first one where it is not known."""
        return self._settings.get(cluster) or self._settings[self.clusters[0]]

    def only(self, *keys: KindKey) -> Mesh:
        """The mesh with these kinds alone, and the settings it had."""
        kept = {key: found for key, found in self._by_kind.items() if key in keys}
        return Mesh(MappingProxyType(kept), self._settings, self.clusters)

    def without_namespaces(self, names: frozenset[str]) -> Mesh:
        """The mesh without these namespaces and what is in them, and the settings it had."""
        kept = {
            key: tuple(item for item in found if (item.name if key == "Namespace" else item.namespace) not in names)
            for key, found in self._by_kind.items()
        }
        return Mesh(MappingProxyType(kept), self._settings, self.clusters)

    def cached(self, name: str, build: Callable[[Mesh], T]) -> T:
        """What `build` makes of the mesh, made once: an index that several checks share. `name` is its identity."""
        if name not in self._cache:
            self._cache[name] = build(self)
        return cast("T", self._cache[name])
