"""Every code of Kiali's, against the aliases of ours."""

from __future__ import annotations

import csv
import os
from pathlib import Path

import pytest

from analyzers.configuration.kiali_codes import code_of
from analyzers.framework import registry

TABLE = Path(
    os.environ.get("KIALI_CHECKS") or Path(__file__).parents[3].parent / "shared" / "reference" / "kiali_checks.tsv"
)


@pytest.mark.corpus
@pytest.mark.skipif(not TABLE.exists(), reason="the table of Kiali's checks is not here")
def test_every_code_of_kiali_has_a_check() -> None:
    with TABLE.open(encoding="utf-8") as lines:
        listed = [row["code"] for row in csv.DictReader(lines, delimiter="\t")]
    aliases = {alias for _, code in registry.codes().values() for alias in code.aliases}
    assert sum(name.startswith("KIA") for name in listed) == 72
    assert sorted(set(listed) - aliases) == []


@pytest.mark.parametrize(("name", "expected"), [("KIA0104", "ML2104"), ("KIA1104", "ML2154"), ("KIA1317", "ML2367")])
def test_numbers_are_recognisable(name: str, expected: str) -> None:
    assert code_of(name) == expected


def test_codes_of_our_own_carry_the_number_of_their_alias() -> None:
    for code, (_, known) in registry.codes().items():
        if code.startswith("ML2"):
            assert code_of(known.aliases[0]) == code
