"""`python -m tests.support.diagnosis_scores`: precision and recall of diagnosis by class of fault, over all corpora."""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

from tests.support.corpora import diagnosable
from tests.support.windows import diagnosed, scores, table


def main() -> None:
    """Ingests and diagnoses every corpus with text logs, and prints the table."""
    with tempfile.TemporaryDirectory() as folder:
        reports = {corpus: diagnosed(corpus, Path(folder) / corpus.name) for corpus in diagnosable()}
    sys.stdout.write(f"{table(scores(reports))}\n")


if __name__ == "__main__":
    main()
