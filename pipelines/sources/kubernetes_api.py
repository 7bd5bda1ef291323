"""A cluster's API, read only: lists in pages, watches as events. Nothing but GET is ever sent.

Protocol: https://kubernetes.io/docs/reference/using-api/api-concepts/ (large results in chunks, efficient detection of
changes). A list whose continue token has expired (410 Gone) begins anew; one whose version a watch no longer has is
listed anew.
"""

from __future__ import annotations

import json
import os
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

import urllib3

from pipelines.inputs.errors import InputError
from pipelines.sources.kubernetes_resources import built_in, discovered, wanted_versions

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from pipelines.sources.kubernetes_resources import Resource

PAGE: Final = 500
_GONE: Final = 410
_RESTARTS: Final = 3
_TIMEOUT_S: Final = (10.0, 60.0)
#: How long the server keeps a watch open; a quiet one is closed and opened again.
WATCH_S: Final = 300
#: A page or event larger than this is refused.
_MAX_BYTES: Final = 256 << 20


class ClusterError(InputError):
    """A cluster cannot be read; the message names it, the reason and what to do."""


class RefusedError(ClusterError):
    """The API refused a request: `status` is HTTP's."""

    def __init__(self, message: str, status: int) -> None:
        super().__init__(message)
        self.status = status


@dataclass(frozen=True, slots=True)
class Listed:
    """A resource's objects, and the version from which a watch goes on."""

    objects: tuple[dict[str, Any], ...]
    resource_version: str


@dataclass(slots=True)
class Cluster:
    """One cluster. `name` goes into what is collected, null where one cluster needs no name."""

    context: str
    name: str | None
    client: Any
    refused: dict[str, str] = field(default_factory=dict)

    @classmethod
    def connect(cls, context: str | None, *, named: bool) -> Cluster:
        """The cluster of a kubeconfig context (default: the current one), or the one this runs in.

        Raises:
            ClusterError: the client library is not installed, or there is no such context.
        """
        try:
            from kubernetes import client, config
        except ImportError as error:
            raise ClusterError("live clusters need the client library: pip install 'meshlens[kubernetes]'") from error
        try:
            try:
                api = config.new_client_from_config(  # type: ignore[no-untyped-call]  # the library has no types
                    config_file=_kubeconfig(), context=context, persist_config=False
                )
            except config.ConfigException:
                if context is not None:
                    raise
                settings = client.Configuration()
                config.load_incluster_config(  # type: ignore[no-untyped-call]  # as above
                    client_configuration=settings
                )
                api = client.ApiClient(settings)
        except (config.ConfigException, OSError, ValueError) as error:
            wanted = f"context {context}" if context else "cluster"
            raise ClusterError(f"no {wanted}: {error}; `kubectl config get-contexts` lists them") from error
        return cls(context or _current_context() or api.configuration.host, context if named else None, api)

    def resources(self, system_namespaces: Sequence[str], *, secrets: bool) -> list[Resource]:
        """What is read of this cluster.

        Raises:
            ClusterError: the API cannot be reached.
        """
        found = list(built_in(system_namespaces, secrets=secrets))
        for api_version in wanted_versions(self.get("/apis")):
            found += discovered(api_version, self.get(f"/apis/{api_version}"))
        return found

    def get(self, path: str, **query: str) -> dict[str, Any]:
        """The JSON at a path.

        Raises:
            RefusedError: the API answers with an error.
            ClusterError: it cannot be reached or answers no JSON.
        """
        response = self._request(path, query)
        try:
            data = response.read(_MAX_BYTES + 1)
        except urllib3.exceptions.HTTPError as error:
            raise ClusterError(f"{self.context}: {path}: {error}; is the cluster reachable?") from error
        finally:
            response.release_conn()
        if len(data) > _MAX_BYTES:
            raise ClusterError(f"{self.context}: {path}: an answer of more than {_MAX_BYTES >> 20} MiB")
        try:
            answer = json.loads(data)
        except (ValueError, RecursionError) as error:
            raise ClusterError(f"{self.context}: {path}: no JSON: {error}; is this a Kubernetes API?") from error
        if not isinstance(answer, dict):
            raise ClusterError(f"{self.context}: {path}: no object; is this a Kubernetes API?")
        return answer

    def list(self, resource: Resource) -> Listed:
        """Every object of a resource, in pages; begun anew where the pages' version has expired meanwhile.

        Raises:
            RefusedError: the API answers with an error.
            ClusterError: it cannot be reached.
        """
        for _ in range(_RESTARTS):
            try:
                return self._pages(resource, PAGE)
            except RefusedError as error:
                if error.status != _GONE:
                    raise
        return self._pages(resource, None)

    def watch(self, resource: Resource, resource_version: str, seconds: int = WATCH_S) -> Iterator[dict[str, Any]]:
        """Events from a version on, until the server closes the watch.

        Raises:
            RefusedError: with status 410 where the version is too old: list anew.
            ClusterError: the cluster cannot be reached.
        """
        query = {
            "watch": "1",
            "allowWatchBookmarks": "true",
            "resourceVersion": resource_version,
            "timeoutSeconds": str(seconds),
            **_selected(resource),
        }
        response = self._request(resource.path, query, timeout_s=(_TIMEOUT_S[0], seconds + 30.0))
        try:
            for line in _lines(response):
                event = json.loads(line)
                if event.get("type") == "ERROR":
                    status = event.get("object") or {}
                    message = f"{self.context}: {resource.name}: {status.get('message')}"
                    raise RefusedError(message, int(status.get("code") or 0))
                yield event
        except (urllib3.exceptions.HTTPError, ValueError) as error:
            raise ClusterError(f"{self.context}: {resource.name}: the watch broke: {error}") from error
        finally:
            response.close()

    def _pages(self, resource: Resource, limit: int | None) -> Listed:
        query = _selected(resource)
        if limit is not None:
            query["limit"] = str(limit)
        objects: list[dict[str, Any]] = []
        while True:
            page = self.get(resource.path, **query)
            metadata = page.get("metadata") or {}
            kind = {"apiVersion": resource.api_version, "kind": resource.kind}
            objects.extend({**kind, **item} for item in page.get("items") or ())
            token = metadata.get("continue")
            if not token:
                return Listed(tuple(objects), str(metadata.get("resourceVersion", "")))
            query["continue"] = token

    def _request(
        self, path: str, query: Mapping[str, str], timeout_s: tuple[float, float] = _TIMEOUT_S
    ) -> urllib3.BaseHTTPResponse:
        method, url, headers, _, _ = self.client.param_serialize(
            "GET",
            path,
            query_params=list(query.items()),
            header_params={"Accept": "application/json"},
            auth_settings=["BearerToken"],
        )
        try:
            answer = self.client.call_api(method, url, headers, _request_timeout=timeout_s)
        except Exception as error:  # the client raises its own errors, urllib3's and those of sign-in helpers
            raise ClusterError(f"{self.context}: {path}: {_reason(error)}; is the cluster reachable?") from error
        response: urllib3.BaseHTTPResponse = answer.response
        if not 200 <= answer.status < 300:
            message = _message(response.read(65_536))
            response.release_conn()
            raise RefusedError(f"{self.context}: {path}: {answer.status} {message}", answer.status)
        return response


def _kubeconfig() -> str | None:
    """The files that KUBECONFIG names; the library would only look at it when it is imported."""
    return os.environ.get("KUBECONFIG") or None


def _current_context() -> str | None:
    """The name of the kubeconfig's current context; null where there is no kubeconfig."""
    from kubernetes import config

    try:
        _, current = config.list_kube_config_contexts(_kubeconfig())  # type: ignore[no-untyped-call]  # has no types
    except config.ConfigException:
        return None
    name = current.get("name") if isinstance(current, dict) else None
    return name if isinstance(name, str) else None


def _selected(resource: Resource) -> dict[str, str]:
    return {"fieldSelector": resource.field_selector} if resource.field_selector else {}


def _lines(response: urllib3.BaseHTTPResponse) -> Iterator[bytes]:
    held = b""
    for piece in response.stream(65_536, decode_content=True):
        held += piece
        *whole, held = held.split(b"\n")
        yield from filter(None, whole)
        if len(held) > _MAX_BYTES:
            raise ValueError(f"an event of more than {_MAX_BYTES >> 20} MiB")


def _message(data: bytes) -> str:
    try:
        return str(json.loads(data)["message"])[:500]
    except (ValueError, KeyError, TypeError, RecursionError):
        return data[:200].decode("utf-8", "replace")


def _reason(error: Exception) -> str:
    text = " ".join(str(error).split())
    return (text or type(error).__name__)[:300]
