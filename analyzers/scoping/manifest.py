"""The YAML that a recommendation becomes: built in a fixed order, and checked against a schema before it is shown."""

from __future__ import annotations

import hashlib
import json
from datetime import timedelta
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING, Final

import yaml

from analyzers.scoping.coverage import duration, utc
from analyzers.scoping.existing import MANAGED_BY, MANAGER

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from datetime import datetime

    import jsonschema

    from analyzers.scoping.configuration import MeshObject
    from analyzers.scoping.model import Coverage, Verdict
    from analyzers.scoping.proposal import Proposal
    from analyzers.scoping.workloads import Workload

#: Istio serves networking.istio.io/v1 since 1.22.
V1_SINCE: Final = (1, 22)


class ManifestError(ValueError):
    """A manifest that Istio would refuse; the message names the place and the reason."""


def sidecar(
    workload: Workload, name: str, hosts: Sequence[str], carried: Mapping[str, object], annotations: Mapping[str, str]
) -> Mapping[str, object]:
    """The Sidecar for a workload: one listener without a port, for every port of its hosts."""
    return {
        "apiVersion": api_version(workload),
        "kind": "Sidecar",
        "metadata": {
            "name": name,
            "namespace": workload.namespace,
            "labels": {MANAGED_BY: MANAGER},
            "annotations": dict(annotations),
        },
        "spec": {
            "workloadSelector": {"labels": dict(sorted(workload.selector.items()))},
            "egress": [{"hosts": list(hosts)}],
            **carried,
        },
    }


def default_sidecar(
    proposal: Proposal, version: tuple[int, int] | None, egress: Sequence[object], carried: Mapping[str, object]
) -> Mapping[str, object]:
    """A Sidecar without a selector: for a namespace, or in the root namespace for the mesh."""
    observed = proposal.observed
    return {
        "apiVersion": _api_version(version),
        "kind": "Sidecar",
        "metadata": {
            "name": proposal.name,
            "namespace": proposal.namespace,
            "labels": {MANAGED_BY: MANAGER},
            "annotations": {
                "meshlens.io/recommendation-id": proposal.proposal_id,
                "meshlens.io/verdict": proposal.verdict,
                "meshlens.io/evidence-window": _window(observed.window_start, observed.window_end),
                "meshlens.io/coverage": f"{observed.workloads_known} of {observed.workloads} workloads known well",
            },
        },
        "spec": {"egress": list(egress), **carried},
    }


def as_it_is(in_force: MeshObject, version: tuple[int, int] | None) -> Mapping[str, object]:
    """The Sidecar in force, as it is: what to apply to go back."""
    labels = {"labels": dict(in_force.labels)} if in_force.labels else {}
    return {
        "apiVersion": _api_version(version),
        "kind": "Sidecar",
        "metadata": {"name": in_force.name, "namespace": in_force.namespace, **labels},
        "spec": dict(in_force.spec),
    }


def restored(workload: Workload, in_force: MeshObject) -> Mapping[str, object]:
    """The Sidecar in force, as it is: what to apply to go back."""
    return as_it_is(in_force, workload.istio_version)


def patch(
    workload: Workload, name: str, egress: Sequence[object], outbound_policy: Mapping[str, object] | None
) -> Mapping[str, object]:
    """A merge patch of a Sidecar that exists: only the fields that change, so that all others stay."""
    policy = {} if outbound_policy is None else {"outboundTrafficPolicy": dict(outbound_policy)}
    return {
        "apiVersion": api_version(workload),
        "kind": "Sidecar",
        "metadata": {"name": name, "namespace": workload.namespace},
        "spec": {"egress": list(egress), **policy},
    }


def api_version(workload: Workload) -> str:
    """The newest version of Istio's networking API that the workload's control plane is known to serve."""
    return _api_version(workload.istio_version)


def _api_version(version: tuple[int, int] | None) -> str:
    return "networking.istio.io/v1" if version is None or version >= V1_SINCE else "networking.istio.io/v1beta1"


def evidence(recommendation_id: str, verdict: Verdict, coverage: Coverage) -> Mapping[str, str]:
    """What a manifest says of its evidence."""
    return {
        "meshlens.io/recommendation-id": recommendation_id,
        "meshlens.io/verdict": verdict,
        "meshlens.io/evidence-window": _window(coverage.window_start, coverage.window_end),
        "meshlens.io/coverage": coverage_text(coverage),
    }


def _window(start: datetime | None, end: datetime | None) -> str:
    return "/".join(utc(time) if time else "" for time in (start, end))


def coverage_text(coverage: Coverage) -> str:
    """Coverage in a line."""
    length = duration(timedelta(seconds=coverage.observed_s))
    parts = [f"{coverage.pods_logged} of {coverage.pods} pods logged", f"{coverage.calls} calls in {length}"]
    if coverage.calls_to_meshed:
        share = coverage.calls_seen_by_both / coverage.calls_to_meshed
        parts.append(f"{share:.0%} of those to sidecars seen by both sides")
    if coverage.metric_calls is not None:
        parts.append(f"metrics count {coverage.metric_calls}")
    if coverage.logging != "full":
        parts.append(f"access log {coverage.logging}")
    return ", ".join(parts)


def recommendation_id(namespace: str, name: str, selector: Mapping[str, str], hosts: Iterable[str]) -> str:
    """16 hexadecimal digits of what is recommended, without times and counts."""
    content = json.dumps([namespace, name, sorted(selector.items()), sorted(hosts)])
    return hashlib.sha256(content.encode()).hexdigest()[:16]


def validate(manifest: Mapping[str, object]) -> None:
    """Check a manifest against the compact schema of its kind.

    Raises:
        ManifestError: it does not fit.
    """
    problems = _validator(str(manifest.get("kind"))).iter_errors(
        manifest  # pyright: ignore[reportArgumentType]  # manifests are JSON, which its type cannot say
    )
    problem = next(iter(problems), None)
    if problem is not None:
        place = "/".join(map(str, problem.absolute_path))
        raise ManifestError(f"{manifest.get('kind')} at {place or 'its root'}: {problem.message}")


def to_yaml(manifest: Mapping[str, object]) -> str:
    """The manifest as YAML, keys in the order it was built."""
    text: str = yaml.dump(dict(manifest), Dumper=_Dumper, sort_keys=False, width=120, allow_unicode=True)
    return text


class _Dumper(yaml.SafeDumper):
    """Without anchors, which some readers of manifests refuse, and with lists indented as kubectl does not mind."""

    def ignore_aliases(self, data: object) -> bool:  # noqa: ARG002 - the signature is PyYAML's
        return True


@cache
def _validator(kind: str) -> jsonschema.Draft202012Validator:
    import jsonschema

    names = {"Sidecar": "sidecar.json", "ServiceEntry": "service_entry.json"}
    if kind not in names:
        raise ManifestError(f"there is no schema for kind {kind!r}")
    text = files("analyzers.scoping").joinpath("schemas", names[kind]).read_text(encoding="utf-8")
    return jsonschema.Draft202012Validator(json.loads(text))
