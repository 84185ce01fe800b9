"""Tests for the reticulation of splines."""

import itertools
import time

import pytest

from {{ cookiecutter.package_name }} import splines


@pytest.fixture
def pauses(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """Record the pauses instead of waiting."""
    pauses: list[float] = []
    monkeypatch.setattr(time, "sleep", pauses.append)
    return pauses


def test_count(pauses: list[float]) -> None:
    """The splines have numbers from 1 to the count."""
    assert list(splines.reticulate(3)) == [1, 2, 3]


def test_no_count(pauses: list[float]) -> None:
    """The iterator does not end."""
    assert list(itertools.islice(splines.reticulate(), 1000))[-1] == 1000


def test_interval(pauses: list[float]) -> None:
    """There is a pause between splines, but not before the first or after the last."""
    list(splines.reticulate(3, interval=0.5))
    assert pauses == [0.5, 0.5]
