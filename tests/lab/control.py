"""A control plane for proxies whose configuration changes: Envoy's xDS over REST, one answer per pod and kind."""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING

from tests.lab.http1 import Message, Response, serve_connection
from tests.lab.listening import Listener
from tests.lab.proxy.clusters import CONTROL_PORT, clusters
from tests.lab.proxy.listeners import listeners

if TYPE_CHECKING:
    import asyncio

    from tests.lab.model import JsonObject, Mesh
    from tests.lab.placement import Placement
    from tests.lab.proxy.files import LabFiles

_TYPES = {
    "/v3/discovery:listeners": "type.googleapis.com/envoy.config.listener.v3.Listener",
    "/v3/discovery:clusters": "type.googleapis.com/envoy.config.cluster.v3.Cluster",
}


class ControlPlane:
    """Answers each proxy's poll with what was published last; the version is the content's hash."""

    def __init__(self, mesh: Mesh, placement: Placement, files: LabFiles) -> None:
        """Nothing listens yet."""
        self._placement = placement
        self._files = files
        self._listener = Listener((placement.block.control, CONTROL_PORT), self._converse)
        self._resources: dict[tuple[str, str], tuple[str, list[JsonObject]]] = {}
        self.publish(mesh)

    async def start(self) -> None:
        """Opens the port."""
        await self._listener.open()

    async def stop(self) -> None:
        """Closes it."""
        await self._listener.close()

    def publish(self, mesh: Mesh) -> None:
        """The configuration from now on; proxies ask for it within half a second."""
        for pod in self._placement.proxied:
            found = (listeners(pod, mesh, self._files), clusters(pod, mesh, self._placement, self._files))
            for path, resources in zip(_TYPES, found, strict=True):
                version = hashlib.sha256(json.dumps(resources, sort_keys=True).encode()).hexdigest()[:16]
                self._resources[pod.node_id, path] = version, resources

    async def _converse(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await serve_connection(reader, writer, self._answer)

    async def _answer(self, request: Message) -> Response:
        path, asked = request.start[1], json.loads(request.body)
        version, resources = self._resources[asked["node"]["id"], path]
        if asked.get("version_info") == version:
            return Response(304)
        answer = {
            "version_info": version,
            "type_url": _TYPES[path],
            "resources": [{"@type": _TYPES[path], **resource} for resource in resources],
        }
        return Response(200, json.dumps(answer).encode())
