"""Istio's name of a proxy, `node.id` and `--service-node`: type, address, `pod.namespace` and DNS domain."""

from __future__ import annotations

import re
from typing import Final

_NODE: Final = re.compile(r"[a-z]+~[^~]*~([^~]+)\.([^~.]+)~[^~]*")


def pod_of_node(node: str | None) -> tuple[str, str] | None:
    """Namespace and pod of `sidecar~10.1.0.5~reviews-v1-abc.shop~shop.svc.cluster.local`; None for any other name."""
    matched = _NODE.fullmatch(node or "")
    return (matched.group(2), matched.group(1)) if matched else None
