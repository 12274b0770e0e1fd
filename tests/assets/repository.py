"""Where the repository is, and which files git has in it."""

import subprocess
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).parents[2]
DISTRIBUTIONS: Final = ("exporter", "tracing", "demo")


def tracked_texts() -> dict[str, str]:
    """Give the text of each file that git tracks, by its path from the root."""
    listed = subprocess.run(
        ["git", "ls-files", "-z"], capture_output=True, text=True, check=True, cwd=ROOT
    ).stdout
    texts: dict[str, str] = {}
    for name in filter(None, listed.split("\0")):
        try:
            texts[name] = (ROOT / name).read_text()
        except (FileNotFoundError, UnicodeDecodeError):
            continue  # deleted but not committed yet, or no text
    return texts


def code_blocks(markdown: str, language: str) -> list[str]:
    """Give the contents of the fenced blocks of ``language``, in order."""
    pieces = f"\n{markdown}".split(f"\n```{language}\n")[1:]
    return [piece.partition("\n```")[0] for piece in pieces]
