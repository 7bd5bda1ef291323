"""What is known about one cause of failure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from analyzers.framework.analyzer import Code

if TYPE_CHECKING:
    from analyzers.framework.finding import Severity


@dataclass(frozen=True, slots=True)
class Cause:
    """One word of the closed vocabulary of causes, with its finding code and what to say about it.

    `worst` caps the severity: a policy that refuses may be doing its job. `meaning` completes "failed: ...".
    `next_step` is a command or a question; `{callee}`, `{service}`, `{namespace}` (of the callee), `{caller}`,
    `{caller_namespace}`, `{workload}`, `{workload_namespace}`, `{port}` and `{object}` are filled in, quoted for a
    shell. `from_logs` is false where access logs alone cannot show the cause.
    """

    name: str
    code: str
    title: str
    worst: Severity
    meaning: str
    next_step: str
    from_logs: bool = True

    def as_code(self) -> Code:
        """The finding code of this cause."""
        documentation = f"{self.meaning[:1].upper()}{self.meaning[1:]}\n\nNext step: {self.next_step}"
        return Code(self.code, self.title, self.worst, documentation)
