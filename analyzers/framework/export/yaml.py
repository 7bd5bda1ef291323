"""A report as YAML: the same document as JSON, for people who read it and tools that speak YAML."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import yaml

from analyzers.framework.export.json import render_json

if TYPE_CHECKING:
    from analyzers.framework.analyzer import Report


def render_yaml(report: Report) -> str:
    """The report as YAML; characters beyond ASCII are escaped, so that nothing in it deceives."""
    return str(yaml.dump(json.loads(render_json(report)), Dumper=yaml.CSafeDumper, sort_keys=False, width=120)).rstrip()
