"""Splines are reticulated in order, at their pace."""

import itertools
import time

import pytest

from {{ cookiecutter.package_name }} import splines


@pytest.fixture
def naps(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """Record the pauses instead of waiting for them."""
    naps: list[float] = []
    monkeypatch.setattr(time, "sleep", naps.append)
    return naps


def test_as_many_splines_as_asked_for(naps: list[float]) -> None:
    """They are numbered from 1."""
    assert list(splines.reticulate(3)) == [1, 2, 3]


def test_without_a_count_there_is_always_another(naps: list[float]) -> None:
    """The stream does not end by itself."""
    assert list(itertools.islice(splines.reticulate(), 1000))[-1] == 1000


def test_the_pauses_lie_between_the_splines(naps: list[float]) -> None:
    """Nobody waits before the first or after the last."""
    list(splines.reticulate(3, interval=0.5))
    assert naps == [0.5, 0.5]
