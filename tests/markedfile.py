"""A part of a Markdown file that a program writes, between two lines that mark it."""

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Marks:
    """The lines before and after the part that ``make TARGET`` writes.

    Args:
        command: that, as it is run: ``make bench``.
    """

    command: str

    @property
    def begin(self) -> str:
        """The line before it."""
        return f"<!-- {self.command}: begin -->"

    @property
    def end(self) -> str:
        """The line after it."""
        return f"<!-- {self.command}: end -->"

    def check(self, file: Path, flag: str) -> None:
        """Make sure before a long run that its results can be put into ``file`` after it.

        Args:
            file: the file.
            flag: which flag named it.

        Raises:
            ValueError: it cannot; the text names the flag, the file and what to do.
        """
        try:
            text = file.read_text(encoding="utf-8")
            with file.open("a"):
                pass
        except UnicodeDecodeError:
            raise ValueError(f"{flag} {file}: that is no text in UTF-8") from None
        except FileNotFoundError:
            raise ValueError(
                f"{flag} {file}: there is no such file; make it, with the lines"
                f" {self.begin} and {self.end} where the tables should go"
            ) from None
        except OSError as error:
            raise ValueError(f"{flag} {file}: {error.strerror}") from error
        if not 0 <= text.find(self.begin) < text.find(self.end):
            raise ValueError(
                f"{flag} {file}: it has no lines {self.begin} and {self.end};"
                " put them where the tables should go"
            )

    def put(self, text: str, file: Path) -> None:
        """Put ``text`` into ``file`` in place of what is between the marks."""
        whole = file.read_text(encoding="utf-8")
        before, after = whole[: whole.index(self.begin)], whole[whole.index(self.end) :]
        file.write_text(f"{before}{self.begin}\n\n{text}\n{after}", encoding="utf-8")
