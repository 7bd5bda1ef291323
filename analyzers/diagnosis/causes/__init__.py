"""The closed vocabulary of causes of failure, with documentation. `sql/checks/failure_rules.sql` decides among them."""

from __future__ import annotations

from typing import Final

from analyzers.diagnosis.causes.answers import ANSWERS, UNEXPLAINED
from analyzers.diagnosis.causes.connections import CONNECTIONS
from analyzers.diagnosis.causes.model import Cause
from analyzers.diagnosis.causes.refusals import REFUSALS

__all__ = ["BY_NAME", "UNEXPLAINED", "Cause"]

#: Cause name -> cause, of the whole vocabulary.
BY_NAME: Final[dict[str, Cause]] = {cause.name: cause for cause in (*REFUSALS, *CONNECTIONS, *ANSWERS)}
