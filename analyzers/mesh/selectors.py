"""Label selectors, and an index that finds what a selector picks without looking at everything."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, Generic, TypeVar

from analyzers.mesh.objects import mapping, mappings, strings, text, texts

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

Item = TypeVar("Item")


def match_labels(selector: object) -> Mapping[str, str]:
    """The `matchLabels` of a selector, or the labels themselves where it is a plain map of them."""
    given = mapping(selector)
    return strings(given.get("matchLabels")) if "matchLabels" in given else strings(given)


def carries(labels: Mapping[str, str], wanted: Mapping[str, str]) -> bool:
    """Whether all `wanted` labels are there with their values."""
    return all(labels.get(key) == value for key, value in wanted.items())


def selects(selector: object, labels: Mapping[str, str]) -> bool:
    """Whether a Kubernetes LabelSelector (`matchLabels` and `matchExpressions`) picks these labels; empty picks all.

    Source: https://kubernetes.io/docs/concepts/overview/working-with-objects/labels/
    """
    given = mapping(selector)
    if not carries(labels, strings(given.get("matchLabels"))):
        return False
    return all(_holds(expression, labels) for _, expression in mappings(given.get("matchExpressions")))


def _holds(expression: Mapping[str, object], labels: Mapping[str, str]) -> bool:
    key = text(expression.get("key")) or ""
    values = texts(expression.get("values"))
    match text(expression.get("operator")):
        case "In":
            return labels.get(key) in values
        case "NotIn":
            return labels.get(key) not in values
        case "Exists":
            return key in labels
        case "DoesNotExist":
            return key not in labels
        case _:
            return False


class LabelIndex(Generic[Item]):
    """Which items carry given labels. Built once from items and their labels."""

    def __init__(self, items: Iterable[Item], labels_of: Callable[[Item], Mapping[str, str]]) -> None:
        self._labels_of = labels_of
        self._all: tuple[Item, ...] = tuple(items)
        self._by_label: defaultdict[tuple[str, str], list[Item]] = defaultdict(list)
        for item in self._all:
            for label in labels_of(item).items():
                self._by_label[label].append(item)

    def carrying(self, wanted: Mapping[str, str]) -> tuple[Item, ...]:
        """The items that carry all `wanted` labels, in their given order; no labels: all items."""
        if not wanted:
            return self._all
        fewest = min((self._by_label.get(label, []) for label in wanted.items()), key=len)
        return tuple(item for item in fewest if carries(self._labels_of(item), wanted))
