"""An API server that lists, pages and watches recorded objects, as a real one does over HTTP.

It refuses requests without its token, counts every method, and can be told to let continue tokens and versions expire.
"""

from __future__ import annotations

import json
import threading
from collections import Counter, defaultdict
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, urlsplit

import yaml

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

TOKEN = "sesame-opens-the-api"  # noqa: S105 - of a server that lives for one test
_PLURALS = {"Ingress": "ingresses", "NetworkPolicy": "networkpolicies", "Gateway": "gateways"}
_CLUSTER_WIDE = {"Namespace", "Node"}


def plural(kind: str) -> str:
    return _PLURALS.get(kind, f"{kind.lower()}s" if not kind.endswith("y") else f"{kind.lower()[:-1]}ies")


@dataclass(slots=True)
class ApiServer:
    """Objects by collection path, the changes since the start, and what was asked."""

    objects: dict[str, list[dict[str, Any]]] = field(default_factory=lambda: defaultdict(list))
    events: dict[str, list[tuple[int, str, dict[str, Any]]]] = field(default_factory=lambda: defaultdict(list))
    forbidden: set[str] = field(default_factory=set)
    expired_pages: int = 0
    oldest_version: int = 0
    version: int = 100
    asked: Counter[str] = field(default_factory=Counter)
    page_limits: list[int] = field(default_factory=list)
    groups: dict[str, set[tuple[str, str]]] = field(default_factory=lambda: defaultdict(set))
    changed: threading.Condition = field(default_factory=threading.Condition)
    closing: bool = False

    def add(self, item: dict[str, Any]) -> None:
        """An object that is there from the start."""
        self.objects[self.path_of(item)].append(self._versioned(item))

    def change(self, kind: str, item: dict[str, Any]) -> None:
        """An event: ADDED, MODIFIED or DELETED."""
        path = self.path_of(item)
        with self.changed:
            self.version += 1
            item = self._versioned(item)
            name = item["metadata"]["name"]
            others = [known for known in self.objects[path] if known["metadata"]["name"] != name]
            self.objects[path] = others if kind == "DELETED" else [*others, item]
            self.events[path].append((self.version, kind, item))
            self.changed.notify_all()

    def path_of(self, item: dict[str, Any]) -> str:
        """The collection that an object is listed in; ConfigMaps are only listed in their namespace."""
        slash = "/" in item["apiVersion"]
        root = f"/apis/{item['apiVersion']}" if slash else "/api/v1"
        name = plural(item["kind"])
        if slash:
            self.groups[item["apiVersion"]].add((name, item["kind"]))
        if item["kind"] == "ConfigMap":
            return f"{root}/namespaces/{item['metadata']['namespace']}/{name}"
        return f"{root}/{name}"

    def _versioned(self, item: dict[str, Any]) -> dict[str, Any]:
        metadata = {"uid": f"uid-{item['kind']}-{item['metadata']['name']}", **item["metadata"]}
        return {**item, "metadata": {**metadata, "resourceVersion": str(self.version)}}


class _Handler(BaseHTTPRequestHandler):
    server: _Server
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        api = self.server.api
        url = urlsplit(self.path)
        query = {key: values[0] for key, values in parse_qs(url.query).items()}
        api.asked["GET"] += 1
        if self.headers.get("Authorization") != f"Bearer {TOKEN}":
            self._status(401, "Unauthorized")
        elif url.path in api.forbidden:
            self._status(403, f"{url.path} is forbidden")
        elif url.path == "/apis":
            groups = [
                {"name": version.partition("/")[0], "preferredVersion": {"groupVersion": version}}
                for version in api.groups
            ]
            self._json({"kind": "APIGroupList", "groups": groups})
        elif url.path.removeprefix("/apis/") in api.groups:
            kinds = sorted(api.groups[url.path.removeprefix("/apis/")])
            self._json(
                {"resources": [{"name": name, "kind": kind, "verbs": ["list", "watch"]} for name, kind in kinds]}
            )
        elif "watch" in query:
            self._watch(url.path, int(query["resourceVersion"]))
        else:
            self._list(url.path, query)

    def _other(self) -> None:
        self.server.api.asked[self.command] += 1
        self._status(405, "read only")

    do_POST = do_PUT = do_PATCH = do_DELETE = _other  # noqa: N815 - the base class looks for these names

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class's name
        """Be quiet."""

    def _list(self, path: str, query: dict[str, str]) -> None:
        api = self.server.api
        _, _, wanted = query.get("fieldSelector", "").partition("type=")
        items = [item for item in api.objects.get(path, []) if not wanted or item.get("type") == wanted]
        start, limit = int(query.get("continue", "0")), int(query.get("limit", len(items) or 1))
        api.page_limits.append(limit)
        limit = min(limit, 7) if "limit" in query else limit  # a server may give less than it is asked for
        if start and api.expired_pages:
            api.expired_pages -= 1
            self._status(410, "the continue token is too old")
            return
        metadata = {"resourceVersion": str(api.version)}
        if start + limit < len(items):
            metadata["continue"] = str(start + limit)
        stripped = [{key: value for key, value in item.items() if key not in {"kind", "apiVersion"}} for item in items]
        self._json({"kind": "List", "metadata": metadata, "items": stripped[start : start + limit]})

    def _watch(self, path: str, version: int) -> None:
        api = self.server.api
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        if version < api.oldest_version:
            self._event("ERROR", {"kind": "Status", "code": 410, "message": "too old resource version"})
        else:
            with api.changed:
                api.changed.wait_for(lambda: api.closing or any(at > version for at, _, _ in api.events[path]), 0.5)
                found = [entry for entry in api.events[path] if entry[0] > version]
            for _, kind, item in found:
                self._event(kind, item)
            self._event("BOOKMARK", {"kind": "Any", "metadata": {"resourceVersion": str(api.version)}})
        self.wfile.write(b"0\r\n\r\n")

    def _event(self, kind: str, item: dict[str, Any]) -> None:
        line = json.dumps({"type": kind, "object": item}).encode() + b"\n"
        # In two pieces: an event need not come whole.
        for piece in (line[:10], line[10:]):
            self.wfile.write(f"{len(piece):x}\r\n".encode() + piece + b"\r\n")

    def _status(self, code: int, message: str) -> None:
        self._json({"kind": "Status", "code": code, "message": message}, code)

    def _json(self, document: object, code: int = 200) -> None:
        data = json.dumps(document).encode()
        self.send_response(code)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, api: ApiServer) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.api = api


@contextmanager
def serving(*apis: ApiServer) -> Iterator[list[str]]:
    """The addresses of servers, one for each."""
    servers = [_Server(api) for api in apis]
    threads = [threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}) for server in servers]
    for thread in threads:
        thread.start()
    try:
        yield [f"http://127.0.0.1:{server.server_port}" for server in servers]
    finally:
        for api, server, thread in zip(apis, servers, threads, strict=True):
            with api.changed:
                api.closing = True
                api.changed.notify_all()
            server.shutdown()
            thread.join()
            server.server_close()


def kubeconfig(path: Path, **contexts: str) -> Path:
    """A kubeconfig with a context for each name and address; the first is the current one."""
    document = {
        "apiVersion": "v1",
        "kind": "Config",
        "current-context": next(iter(contexts)),
        "clusters": [{"name": name, "cluster": {"server": address}} for name, address in contexts.items()],
        "users": [{"name": "reader", "user": {"token": TOKEN}}],
        "contexts": [{"name": name, "context": {"cluster": name, "user": "reader"}} for name in contexts],
    }
    path.write_text(yaml.safe_dump(document), encoding="utf-8")
    return path
