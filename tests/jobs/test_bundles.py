"""Work units: packed small, sent as JSON."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from pipelines.inputs.bundles import LiveQuery, decode, encode, pack
from pipelines.inputs.ranges import Range

RANGE = Range(
    path="/logs/ü\udcff.log",
    format="istio_text",
    compression="none",
    start=0,
    end=10,
    take_unfinished=True,
    head_length=10,
    head_hash="aa",
    before_length=0,
    before_hash="",
    size=10,
    modified_us=1,
    weight=10,
)
QUERY = LiveQuery("http://host:9090", 'up{a="b"}', "up", 15, 30, 15)


@given(st.lists(st.tuples(st.integers(0, 120), st.sampled_from(["istio_text", "otlp_traces"])), max_size=30))
def test_bundles_hold_all_work_once_and_stay_small(work: list[tuple[int, str]]) -> None:
    ranges = [
        replace(RANGE, weight=weight, format=format_, start=number) for number, (weight, format_) in enumerate(work)
    ]
    bundles = pack(ranges, 100)
    assert sorted(unit.start for bundle in bundles for unit in bundle.work if isinstance(unit, Range)) == list(
        range(len(ranges))
    )
    assert [bundle.index for bundle in bundles] == list(range(len(bundles)))
    for bundle in bundles:
        assert len({unit.format for unit in bundle.work}) == 1
        assert bundle.weight <= 100 or len(bundle.work) == 1


def test_a_bundle_is_the_same_after_the_wire() -> None:
    (bundle, live) = pack([RANGE, replace(RANGE, end=None, pod="cart-0", namespace="shop"), QUERY])
    assert decode(encode(bundle)) == bundle
    assert decode(encode(live)) == live
    assert live.work == (QUERY,)
