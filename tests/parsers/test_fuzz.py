"""A small round of the fuzzer: every target it knows, and that it would notice."""

from __future__ import annotations

from random import Random

import pytest

from benchmarks import fuzz
from benchmarks.mutations import mutated
from pipelines.inputs.formats import FORMATS

TARGETS = fuzz.targets()


@pytest.mark.parametrize("name", TARGETS)
def test_a_round_of_damaged_input_is_accounted_for(name: str) -> None:
    target = TARGETS[name]
    for seed in target.seeds[:3]:
        target.check(seed)
    for number in range(3):
        target.check(fuzz.damaged_round(target, name, 7, number))


def test_every_format_is_a_target() -> None:
    assert FORMATS.keys() - TARGETS.keys() == {"prometheus_live"}


def test_a_round_is_the_same_every_time() -> None:
    target = TARGETS["istio_text"]
    assert fuzz.damaged_round(target, "istio_text", 1, 5) == fuzz.damaged_round(target, "istio_text", 1, 5)
    assert fuzz.damaged_round(target, "istio_text", 1, 5) != fuzz.damaged_round(target, "istio_text", 2, 5)


def test_damage_is_damage() -> None:
    random = Random(1)
    seed = b"abcdefgh" * 20
    assert sum(mutated(seed, [seed], random) != seed for _ in range(200)) > 150
