"""Answers that somebody might give, and what must come of them.

They are in hostile.jsonl, a case a line: the answers that differ from the usual ones;
the questions whose answers are refused; what their lines say; and why.  With "times",
each answer is repeated so often.
"""

import json
from typing import Any, NamedTuple

from tests import ROOT


class Case(NamedTuple):
    """A line of hostile.jsonl."""

    answers: dict[str, Any]
    refused: list[str]
    says: str


def read_case(line: str) -> Case:
    """Return the case that a line of hostile.jsonl describes."""
    row = json.loads(line)
    refused, says = row.pop("refused"), row.pop("says", "")
    times = row.pop("times", 1)
    del row["why"]
    if times > 1:
        row = {question: answer * times for question, answer in row.items()}
    return Case(row, refused, says)


CASES = [
    read_case(line)
    for line in (ROOT / "tests" / "hostile.jsonl").read_text("utf-8").splitlines()
]
TAKEN = [case for case in CASES if not case.refused]
