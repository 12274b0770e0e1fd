"""Go's regular expressions (RE2 syntax), compiled by Python's `re`.

A filter written for danielqsj/kafka_exporter selects the same names here. Python's further syntax
(look-ahead, back-references) works too.
"""

import re
from dataclasses import dataclass, field

_PERL = {"d": "0-9", "s": r"\t\n\f\r ", "w": "0-9A-Za-z_"}
_POSIX = {
    "alnum": "0-9A-Za-z",
    "alpha": "A-Za-z",
    "ascii": r"\x00-\x7f",
    "blank": r"\t ",
    "cntrl": r"\x00-\x1f\x7f",
    "digit": "0-9",
    "graph": "!-~",
    "lower": "a-z",
    "print": " -~",
    "punct": r"!-/:-@\[-`{-~",
    "space": r"\t\n\v\f\r ",
    "upper": "A-Z",
    "word": "0-9A-Za-z_",
    "xdigit": "0-9A-Fa-f",
}
_POSIX_CLASS = re.compile(r"\[:(\^?)(\w+):\]")
_INLINE_FLAGS = re.compile(r"\(\?([A-Za-z]*)(?:-([A-Za-z]+))?([:)])")
_HEX = re.compile(r"\\x\{([0-9A-Fa-f]+)\}")
_QUOTED = re.compile(r"\\Q(.*?)(?:\\E|\Z)", re.DOTALL)
_SET_OPERATORS = "[&~|"


def compile_pattern(text: str) -> re.Pattern[str]:
    """Compile ``text``, a Go regular expression, for an unanchored `re.Pattern.search`.

    Raises:
        ValueError: ``text`` is not valid, or uses what Python's `re` cannot do
            (Unicode classes and the flag ``U``).
    """
    try:
        return re.compile(_Translation(text).python())
    except (re.error, OverflowError, RecursionError) as error:
        reason = error.msg if isinstance(error, re.error) else error
        raise ValueError(f"{text!r} is not a regular expression: {reason}") from None


@dataclass(slots=True)
class _Group:
    """A group being read: whether ``m`` holds in it, and the flags switched on within it."""

    multiline: bool = False
    flags: list[str] = field(default_factory=list)


class _Translation:
    """One pass over a Go pattern; ``python()`` gives the same pattern for Python."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._at = 0
        self._out: list[str] = []
        self._groups = [_Group()]

    def python(self) -> str:
        steps = {
            "\\": self._escape,
            "[": self._set,
            "(": self._open,
            ")": self._close,
            "|": self._alternative,
            "$": self._end_of_text,
        }
        while self._at < len(self._text):
            character = self._text[self._at]
            if step := steps.get(character):
                step()
            else:
                # Go takes {,2} literally, Python as "up to 2".
                literal = character == "{" and self._text.startswith("{,", self._at)
                self._take(1, "\\{" if literal else character)
        return "".join(self._out) + ")" * len(self._groups[0].flags)

    def _take(self, length: int, translated: str) -> None:
        self._at += length
        self._out.append(translated)

    def _end_of_text(self) -> None:
        # Without the flag m, Go's $ does not match before a last newline as Python's does.
        self._take(1, "$" if self._groups[-1].multiline else r"\Z")

    def _alternative(self) -> None:
        # Flags switched on inside a group hold for its further alternatives.
        flags = self._groups[-1].flags
        self._take(1, ")" * len(flags) + "|" + "".join(flags))

    def _close(self) -> None:
        closed = self._groups.pop() if len(self._groups) > 1 else _Group()
        self._take(1, ")" * len(closed.flags) + ")")

    def _open(self) -> None:
        current = self._groups[-1]
        inline = _INLINE_FLAGS.match(self._text, self._at)
        if inline and (inline[1] or inline[2] or inline[3] == ":"):
            self._flags(inline)
            return
        self._groups.append(_Group(current.multiline))
        if re.match(r"\(\?<(?![=!])", self._text[self._at : self._at + 4]):
            self._take(3, "(?P<")
        else:
            self._take(1, "(")

    def _flags(self, inline: re.Match[str]) -> None:
        on, off = inline[1], inline[2] or ""
        if "U" in on + off:
            raise ValueError(f"{self._text!r} uses the flag U (ungreedy), which is not supported")
        current = self._groups[-1]
        multiline = "m" in on or (current.multiline and "m" not in off)
        # Python knows flags for the rest of a group only as a group of its own.
        opened = f"(?{on}{'-' + off if off else ''}:"
        if inline[3] == ":":
            self._groups.append(_Group(multiline))
        else:
            current.multiline = multiline
            current.flags.append(opened)
        self._take(len(inline[0]), opened)

    def _escape(self) -> None:
        following = self._text[self._at + 1 : self._at + 2]
        if following == "z":
            self._take(2, r"\Z")
        elif following == "Q" and (quoted := _QUOTED.match(self._text, self._at)):
            self._take(len(quoted[0]), re.escape(quoted[1]))
        elif following in {"b", "B"}:
            self._take(2, f"(?a:\\{following})")
        elif following and following in "dswDSW":
            negated = "^" if following.isupper() else ""
            self._take(2, f"[{negated}{_PERL[following.lower()]}]")
        else:
            self._take_character()

    def _take_character(self) -> None:
        """Take one escaped character, in a set or outside."""
        if self._text.startswith(("\\p", "\\P"), self._at):
            raise ValueError(
                f"{self._text!r} uses a Unicode class ({self._text[self._at : self._at + 2]}),"
                " which is not supported: list the characters in brackets"
            )
        if code := _HEX.match(self._text, self._at):
            if int(code[1], 16) > 0x10FFFF:  # noqa: PLR2004 - the last code point of Unicode
                raise ValueError(f"{self._text!r} has a character beyond Unicode: {code[0]}")
            self._take(len(code[0]), re.escape(chr(int(code[1], 16))))
        else:
            self._take(2, self._text[self._at : self._at + 2])

    def _perl(self, letter: str) -> str:
        """Give the members of the class named by ``letter``: ASCII only, as in Go."""
        members = _PERL[letter.lower()]
        return members if letter.islower() else _others(members)

    def _set(self) -> None:
        start = re.match(r"\[\^?\]?", self._text[self._at : self._at + 3])
        assert start is not None  # noqa: S101 - the caller saw "["
        opening = start[0]
        self._take(len(opening), opening.replace("]", r"\]"))
        in_range = False
        while self._at < len(self._text) and self._text[self._at] != "]":
            in_range = self._member(in_range=in_range, first=self._out[-1] in {"[", "[^"})
        self._take(1, "]" if self._at < len(self._text) else "")

    def _member(self, *, in_range: bool, first: bool) -> bool:
        """Take one member of a set; tell whether it was the ``-`` of a range."""
        character = self._text[self._at]
        posix = _POSIX_CLASS.match(self._text, self._at)
        if posix:
            self._take(len(posix[0]), self._posix(posix))
        elif character == "\\":
            following = self._text[self._at + 1 : self._at + 2]
            if following and following in "dswDSW":
                self._take(2, self._perl(following))
            else:
                self._take_character()
        elif character in _SET_OPERATORS or (character == "-" and (first or in_range)):
            # Python warns that these may mean set operations one day.
            self._take(1, f"\\{character}")
        else:
            self._take(1, character)
            return character == "-"
        return False

    def _posix(self, posix: re.Match[str]) -> str:
        members = _POSIX.get(posix[2])
        if members is None:
            raise ValueError(f"{self._text!r} uses an unknown class: {posix[0]}")
        return _others(members) if posix[1] else members


def _others(members: str) -> str:
    """Give the members of the set of all characters that ``members`` leaves out."""
    listed = re.compile(f"[{members}]")
    ascii_rest = (chr(code) for code in range(128) if not listed.match(chr(code)))
    # Without U+0130, U+0131, U+017F and U+212A, which (?i) makes an i, s or k in Python.
    beyond = "\x80-\u012f\u0132-\u017e\u0180-\u2129\u212b-\U0010ffff"
    return "".join(map(re.escape, ascii_rest)) + beyond
