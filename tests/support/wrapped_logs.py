"""Lines of a log as every shipper and runtime wraps them, for tests: the wrapper's name and the wrapped bytes."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

TIME = "2026-01-01T12:00:00.123456789Z"
POD = "cart-5f8d7c9b4-x2x9k"
_KUBERNETES = {"pod_name": POD, "namespace_name": "shop", "container_name": "istio-proxy", "labels": {"app": "cart"}}
_LABELS = {"namespace": "shop", "pod": POD, "container": "istio-proxy"}
_LINK = f"ip-10-0-0-1.ec2.internal-application.var.log.containers.{POD}_shop_istio-proxy-{'0a' * 32}.log"


def _text(line: bytes) -> str:
    return line.decode("utf-8", "replace")


def _bare(line: bytes) -> str:
    return _text(line).rstrip("\n")


def _lines(of_line: Callable[[bytes], object]) -> Callable[[Sequence[bytes]], bytes]:
    return lambda lines: b"".join(json.dumps(of_line(line)).encode() + b"\n" for line in lines)


def _array(of_line: Callable[[bytes], object]) -> Callable[[Sequence[bytes]], bytes]:
    return lambda lines: json.dumps([of_line(line) for line in lines]).encode()


def cri(line: bytes, *, stream: str = "stdout", tag: str = "F") -> bytes:
    """A line as containerd writes it."""
    return f"{TIME} {stream} {tag} ".encode() + line.rstrip(b"\n") + b"\n"


def docker(text: str, stream: str = "stdout") -> bytes:
    """A line, or a part of one, as Docker writes it."""
    return json.dumps({"log": text, "stream": stream, "time": TIME}).encode() + b"\n"


def fluent_bit(line: bytes) -> dict[str, object]:
    """A line as Fluent Bit's Kubernetes filter leaves it."""
    return {"date": 1767268800.123, "stream": "stdout", "log": _bare(line), "kubernetes": _KUBERNETES}


def vector(line: bytes) -> dict[str, object]:
    """A line as Vector's kubernetes_logs source makes it."""
    pod = {"pod_namespace": "shop", "pod_name": POD, "container_name": "istio-proxy"}
    return {"file": "/var/log/pods/x", "kubernetes": pod, "message": _bare(line), "source_type": "kubernetes_logs"}


def sls(line: bytes) -> dict[str, object]:
    """A line as Alibaba's log service exports it."""
    return {
        "__source__": "10.0.0.1",
        "__tag__:_namespace_": "shop",
        "__tag__:_pod_name_": POD,
        "__time__": "1767268800",
        "content": _bare(line),
    }


def _event(line: bytes) -> dict[str, object]:
    return {"logStreamName": _LINK, "timestamp": 1767268800123, "message": _bare(line), "eventId": "1"}


def _subscriptions(lines: Sequence[bytes]) -> bytes:
    """Two messages a line, one behind the other, as Firehose writes them."""
    return b"".join(
        json.dumps(
            {
                "messageType": "DATA_MESSAGE",
                "logGroup": "/aws/containerinsights/c/application",
                "logStream": _LINK,
                "logEvents": [{"id": "1", "timestamp": 1767268800123, "message": _bare(line)}],
            }
        ).encode()
        for line in lines
    )


def _loki_answer(lines: Sequence[bytes]) -> bytes:
    values = [[f"{1767268800_000000000 + index}", _bare(line)] for index, line in enumerate(lines)]
    result = [{"stream": _LABELS, "values": values[::2]}, {"stream": _LABELS, "values": values[1::2]}]
    return json.dumps({"status": "success", "data": {"resultType": "streams", "result": result}}).encode()


#: Every wrapper: its name, what it makes of lines, and whether it tells the namespace and the pod.
WRAPPED: dict[str, tuple[Callable[[Sequence[bytes]], bytes], bool, bool]] = {
    "cri": (lambda lines: b"".join(map(cri, lines)), False, False),
    "docker": (lambda lines: b"".join(docker(_text(line)) for line in lines), False, False),
    "kubectl": (lambda lines: b"".join(f"[pod/{POD}/istio-proxy] ".encode() + line for line in lines), False, True),
    "stern_text": (lambda lines: b"".join(f"{POD} istio-proxy ".encode() + line for line in lines), False, True),
    "stern_text_namespaces": (
        lambda lines: b"".join(f"shop {POD} istio-proxy ".encode() + line for line in lines),
        True,
        True,
    ),
    "stern": (
        _lines(
            lambda line: {
                "message": _bare(line),
                "nodeName": "n",
                "namespace": "shop",
                "podName": POD,
                "containerName": "p",
            }
        ),
        True,
        True,
    ),
    "fluent_bit": (_lines(fluent_bit), True, True),
    "fluent_bit_document": (_array(fluent_bit), True, True),
    "fluent_bit+cri": (
        _lines(lambda line: {"date": 1.5, "log": _bare(cri(line)), "kubernetes": _KUBERNETES}),
        True,
        True,
    ),
    "vector": (_lines(vector), True, True),
    "vector_document": (_array(vector), True, True),
    "loki": (_lines(lambda line: {"labels": _LABELS, "line": _bare(line), "timestamp": TIME}), True, True),
    "grafana_document": (
        _array(lambda line: {"line": _bare(line), "timestamp": "1", "date": TIME, "fields": _LABELS}),
        True,
        True,
    ),
    "loki_streams": (_loki_answer, True, True),
    "sls": (_lines(sls), True, True),
    "sls_document": (_array(sls), True, True),
    "cloudwatch": (_lines(_event), True, True),
    "cloudwatch_events": (lambda lines: json.dumps({"events": list(map(_event, lines))}).encode(), True, True),
    "cloudwatch_subscription": (_subscriptions, True, True),
}
