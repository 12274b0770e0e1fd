"""The part of a file that a program writes: checked before the run, replaced after it."""

from pathlib import Path

import pytest

from tests.markedfile import Marks

MARKS = Marks("make bench")


def test_a_file_with_the_marks_is_fine_and_left_alone(tmp_path: Path) -> None:
    """The check writes nothing."""
    file = tmp_path / "performance.md"
    text = f"before\n{MARKS.begin}\n{MARKS.end}\nafter\n"
    file.write_text(text)

    MARKS.check(file, "--markdown")

    assert file.read_text() == text


@pytest.mark.parametrize("text", ["nothing to see\n", f"{MARKS.end}\n{MARKS.begin}\n"])
def test_a_file_without_the_marks_in_order_is_refused(tmp_path: Path, text: str) -> None:
    """Minutes of measuring are not thrown away at the end."""
    file = tmp_path / "other.md"
    file.write_text(text)

    with pytest.raises(ValueError, match=r"--markdown .*other\.md: it has no lines .*; put them"):
        MARKS.check(file, "--markdown")


def test_a_file_that_is_not_there_is_refused_with_the_flag_and_the_fix(tmp_path: Path) -> None:
    """Not with a number of the operating system's; and none is made."""
    file = tmp_path / "absent.md"

    with pytest.raises(ValueError, match=r"--markdown .*: there is no such file; make it"):
        MARKS.check(file, "--markdown")

    assert not file.exists()


def test_a_directory_and_what_is_no_text_are_refused(tmp_path: Path) -> None:
    """Each with its reason."""
    binary = tmp_path / "picture"
    binary.write_bytes(b"\xff\xfe\x00")

    with pytest.raises(ValueError, match="Is a directory"):
        MARKS.check(tmp_path, "--markdown")
    with pytest.raises(ValueError, match="no text in UTF-8"):
        MARKS.check(binary, "--markdown")
