"""Compare the image's Dockerfile with other recipes."""

from pathlib import Path

ROOT = Path(__file__).parent.parent
RECIPES = ROOT / "benchmarks" / "recipes"
RESULTS = ROOT / "benchmarks" / "results.json"
OURS = "ours"
