"""`Template`: the language of paths, and what cannot stand."""

from __future__ import annotations

import pytest

from kroute.routing import Place, RouteError
from kroute.routing.template import Template, Variable

HERE = Place("app.py", 12, "hello")


@pytest.mark.parametrize(
    ("source", "parts"),
    [
        ("/", ("/",)),
        ("/a/b", ("/a/b",)),
        ("/{a}", ("/", Variable("a"))),
        ("/:a/x", ("/", Variable("a"), "/x")),
        ("/:(a)x", ("/", Variable("a"), "x")),
        ("/:a.:b", ("/", Variable("a"), ".", Variable("b"))),
        ("/*rest", ("/", Variable("rest", "*"))),
        ("/*(rest)/end", ("/", Variable("rest", "*"), "/end")),
        ("/a{.format}", ("/a", Variable("format", "."))),
        ("/{a}-{b}", ("/", Variable("a"), "-", Variable("b"))),
        (r"/\{a\}\:b\*\\", (r"/{a}:b*" + "\\",)),
        (r"/a\b", (r"/a\b",)),
        ("/日本/{é}", ("/日本/", Variable("é"))),
    ],
)
def test_a_path_is_taken_apart(source: str, parts: tuple[object, ...]) -> None:
    template = Template(source)
    assert template.parts == parts
    # The spelling made for Routes says the same.
    assert Template(template.for_routes).parts == parts


@pytest.mark.parametrize(
    ("source", "regex"),
    [
        (r"/{y:\d{4}}", r"\d{4}"),
        ("/{y:(?:a|b)}", "(?:a|b)"),
        ("/{y:[}]}", "[}]"),
        ("/{y:[]}]}", "[]}]"),
        ("/{y:[^]}]}", "[^]}]"),
        (r"/{y:\}}", r"\}"),
        ("/{y:a:b}", "a:b"),
    ],
)
def test_a_regex_may_hold_braces_and_colons(source: str, regex: str) -> None:
    template = Template(source)
    assert template.names == ("y",)
    assert template.requirements == {"y": regex}


def test_a_requirement_given_goes_before_the_one_in_the_path() -> None:
    assert Template(r"/{a:\d+}", {"a": "x"}).requirements == {"a": "x"}


@pytest.mark.parametrize(
    ("source", "requirements", "says"),
    [
        ("/{a", None, "the '{' at position 1 is never closed by a '}'"),
        ("/a}", None, "the '}' at position 2 closes nothing"),
        ("/{a:{}", None, "the '{' at position 1 is never closed"),
        ("/:(a", None, "the '(' at position 2 is never closed by a ')'"),
        ("/x:/y", None, r"the ':' at position 2 begins a variable, but no name follows"),
        ("/a*", None, r"for the character itself write '\*'"),
        ("/{a}/{a}", None, "the variable 'a' stands in it twice"),
        ("/{a}/{b}{.a}", None, "the variable 'a' stands in it twice"),
        ("/{1}", None, "'1' cannot be a variable: it must be a name that Python takes"),
        ("/{}", None, "'' cannot be a variable"),
        ("/{class}", None, "'class' cannot be a variable"),
        ("/{a b}", None, "'a b' cannot be a variable"),
        ("/{controller}", None, "it is Routes' word for its list of controllers"),
        ("/{*rest}", None, "write '*rest' or '{rest:.*}' for '{*rest}'"),
        ("/{a:(}", None, "the requirement '(' of 'a' is not a regex: missing ), unterminated"),
        ("/{a:[}", None, "is never closed"),
        ("/{a}", {"a": "*"}, "the requirement '*' of 'a' is not a regex: nothing to repeat"),
        ("/{a}", {"a": 7}, "is a int, but must be a regex as text"),
        ("/{a:}", None, "the requirement '' of 'a' is empty; leave it out"),
        ("/{a}", {"a": "^x"}, "begins with '^', which stands for the path's beginning"),
        ("/{name}", {"nmae": "x"}, "'nmae', which is no variable of this path; did you mean"),
        ("/a", {"b": "x"}, "'b', which is no variable of this path; it has none"),
    ],
)
def test_what_cannot_stand_names_path_and_place(
    source: str, requirements: dict[str, str] | None, says: str
) -> None:
    with pytest.raises(RouteError) as caught:
        Template(source, requirements, HERE)
    message = str(caught.value)
    assert message.startswith(f"app.py:12 (hello): route {source!r}: ")
    assert says in message
    assert (caught.value.path, caught.value.place) == (source, HERE)


def test_a_static_template_has_variables_in_braces_only() -> None:
    template = Template("http://x/*a/{b}", static=True)
    assert template.names == ("b",)


def test_segments_are_split_at_slashes_of_the_text() -> None:
    template = Template("/a/{b}.{c}/")
    assert template.segments() == [[], ["a"], [Variable("b"), ".", Variable("c")], []]
    assert Template("/a").literal == "/a"
    assert template.literal is None
