import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kafkascope_exporter.patterns import compile_pattern


@pytest.mark.parametrize(
    ("pattern", "found", "not_found"),
    [
        ("orders", ["orders", "my-orders-2"], ["order"]),
        ("", ["", "a"], []),
        ("^$", [""], ["\n", "a"]),
        ("a$", ["a"], ["a\n"]),
        ("(?m)a$", ["a", "a\nb"], ["ab"]),
        (r"\Aa\z", ["a"], ["a\n", "ba"]),
        ("(?i)ABC", ["abc", "xAbC"], ["ab"]),
        ("x(?i)b|C", ["xB", "c", "C"], ["b", "XB"]),
        ("(x(?i)b|C)d", ["xBd", "cd", "Cd"], ["xBD"]),
        ("(?i)a(?-i)b", ["Ab"], ["AB"]),
        ("^[[:alpha:]]+$", ["abC"], ["a1", "ä"]),
        ("^[[:^alpha:]]+$", ["12", "ä"], ["a1"]),
        ("(?i)^[[:^alpha:]]$", ["1", "ä"], ["k", "S", "i"]),
        ("^[^[:digit:]_]$", ["a"], ["1", "_"]),
        (r"^\d$", ["1"], ["\N{ARABIC-INDIC DIGIT TWO}"]),
        (r"^[\w.-]+$", ["a.b-c_1"], ["ü"]),
        (r"^[\D]$", ["a", "ü"], ["1"]),
        (r"^\W$", ["ü", "-"], ["a"]),
        (r"\Qa.b\E+$", ["a.b", "a.bb"], ["axb"]),
        (r"\Q[", ["["], ["("]),
        (r"^[\x{e4}-\x{fc}]\x41$", ["äA", "üA"], ["aA"]),
        ("(?P<name>a)b", ["ab"], ["a"]),
        ("(?<name>a)b", ["ab"], ["a"]),
        ("^[]a]$", ["]", "a"], ["b"]),
        ("^[^]a]$", ["b"], ["]", "a"]),
        ("^[--/]$", ["-", ".", "/"], [",", "0"]),
        ("^[+--]$", ["+", ",", "-"], ["*", "."]),
        ("^[a[]$", ["a", "["], ["b"]),
        ("^[a&&b||c~~d]+$", ["a&|~d"], ["e"]),
        ("a{,2}$", ["a{,2}"], ["aa"]),
        (r"^__consumer_offsets$|^_", ["_schemas"], ["a_b"]),
        ("^(?!__)", ["orders"], ["__consumer_offsets"]),
    ],
)
def test_a_go_pattern_finds_what_it_finds_in_go(
    pattern: str, found: list[str], not_found: list[str]
) -> None:
    """Expected values were made with Go's regexp, but for the look-ahead, which Go lacks."""
    compiled = compile_pattern(pattern)

    assert [name for name in found + not_found if compiled.search(name)] == found


@pytest.mark.parametrize(
    ("pattern", "reason"),
    [
        ("(", "'\\(' is not a regular expression: missing \\)"),
        ("a)", "is not a regular expression"),
        ("[a", "is not a regular expression"),
        ("*", "nothing to repeat"),
        ("(?i", "is not a regular expression"),
        ("\\", "is not a regular expression"),
        (r"\pL", "uses a Unicode class"),
        (r"[\p{Greek}]", "uses a Unicode class"),
        ("(?U)a+", "uses the flag U"),
        ("[[:foo:]]", "uses an unknown class"),
        (r"\x{110000}", "a character beyond Unicode"),
    ],
)
def test_what_cannot_be_compiled_is_refused_with_the_reason(pattern: str, reason: str) -> None:
    """The message shows the pattern and what is wrong with it."""
    with pytest.raises(ValueError, match=reason):
        compile_pattern(pattern)


@given(st.text(st.sampled_from(r"ab(){}[]|*+?.^$\-:=!<>,12dDwWsSbQEzpix&~"), max_size=12))
def test_any_text_compiles_or_is_a_value_error(text: str) -> None:
    """Neither another exception nor a warning leaves the compiler."""
    try:
        compiled = compile_pattern(text)
    except ValueError:
        return
    assert isinstance(compiled, re.Pattern)


@given(st.text())
def test_a_quoted_text_finds_itself(text: str) -> None:
    r"""What stands between \Q and \E is literal, whatever it is."""
    literal = text.replace("\\E", "")
    assert compile_pattern(f"\\A\\Q{literal}\\E\\z").search(literal)
