"""What cookiecutter.json asks, for the tests of all modules."""

import json
from typing import Any

from cookiecutter.generate import generate_context
from cookiecutter.prompt import prompt_for_config

from tests import ROOT

FILE = ROOT / "cookiecutter.json"
QUESTIONS: dict[str, Any] = json.loads(FILE.read_text("utf-8"))
ASKED = [question for question in QUESTIONS if not question.startswith("_")]
CHOICES = {name: QUESTIONS[name] for name in ASKED if isinstance(QUESTIONS[name], list)}
# These are for the hook at the end; no file but the list of the answers depends on them.
ACTIONS = {"docker_build", "git_init"}
FILE_CHOICES = {name: CHOICES[name] for name in CHOICES if name not in ACTIONS}
# One set of answers that works, the default one; a test changes some of them.
DEFAULTS = prompt_for_config(generate_context(str(FILE)), no_input=True)
ANSWERS: dict[str, str] = {question: DEFAULTS[question] for question in ASKED}
