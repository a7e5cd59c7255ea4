"""A path has one canonical spelling or none, and a rule takes what Kubernetes' Ingress would give it."""

from __future__ import annotations

from urllib.parse import unquote_to_bytes

import pytest
from hypothesis import given
from hypothesis import strategies as st

from starship.paths import EXACT, PREFIX, BadPath, canonical, choose, is_torn, ordered, rewriting, rule_path
from starship.words import PathRule, Upstream

HOME = (Upstream(host="10.0.0.1"),)

SEGMENTS = st.lists(
    st.sampled_from(["a", "b", "ab", "A", "%61", "b%C3%BC", ".x", "a.b", "a;v=1", "~", "@", "%3F", ""]), max_size=6
)
PATHS = SEGMENTS.map(lambda segments: "/" + "/".join(segments))
HOSTILE = st.one_of(
    st.binary(max_size=40).map(lambda raw: raw.decode("latin-1")),
    st.lists(st.sampled_from(["/", "..", "%2e", "%2F", "%5c", "\\", "%", "a", ";", "%00"])).map("".join),
    st.lists(st.sampled_from(["/", "//", "a", ".", "%2e", ";", "%61", "%c3%bc", "\u00fc", '"', "%25"]), max_size=6).map(
        lambda parts: "/" + "".join(parts)
    ),
)


def rule(path: str, kind: str = PREFIX, rewrite: str | None = None) -> PathRule:
    spelled = rule_path(path, kind)
    assert isinstance(spelled, str)
    return PathRule(path=spelled, kind=kind, upstreams=HOME, rewrite=rewrite)


@pytest.mark.parametrize(
    ("sent", "spelled"),
    [
        ("/", "/"),
        ("/a/b", "/a/b"),
        ("/a/", "/a/"),
        ("/%61", "/a"),
        ("/%7Euser", "/~user"),
        ("/b%c3%bc", "/b%C3%BC"),
        ("/a%3bb", "/a;b"),
        ("/a%3Fb", "/a%3Fb"),
        ("/100%25", "/100%25"),
        ("//a///b", "/a/b"),
        ("/.well-known/x", "/.well-known/x"),
        ("/...", "/..."),
        ('/a"b|{c}', "/a%22b%7C%7Bc%7D"),
        ("/%252e%252e/x", "/%252e%252e/x"),
    ],
)
def test_equal_paths_share_one_spelling(sent: str, spelled: str) -> None:
    assert canonical(sent) == spelled


@pytest.mark.parametrize(
    "sent",
    [
        "/a%2Fb",
        "/a%2fb",
        "/a%5Cb",
        "/a\\b",
        "/a%00b",
        "/a%0Ab",
        "/a%7fb",
        "/a/../b",
        "/a/..",
        "/./a",
        "/a/.",
        "/%2e%2e/a",
        "/.%2E/a",
        "/a/..;/b",
        "/a/.;x=1/b",
        "/a%",
        "/a%4",
        "/a%zz",
        "*",
        "",
        "a.com:80",
    ],
)
def test_what_two_servers_could_read_differently_has_no_spelling(sent: str) -> None:
    assert isinstance(canonical(sent), BadPath)


@given(HOSTILE)
def test_no_text_breaks_it_and_a_spelling_is_its_own(sent: str) -> None:
    path = canonical(sent)
    if isinstance(path, str):
        assert canonical(path) == path
        assert "//" not in path
        assert not {".", ".."} & {segment.partition(";")[0] for segment in path.split("/")}


@given(PATHS)
def test_a_path_and_its_fully_encoded_twin_are_one(sent: str) -> None:
    twin = "".join("/" if byte == 0x2F else f"%{byte:02x}" for byte in unquote_to_bytes(sent))
    assert canonical(twin) == canonical(sent)


@pytest.mark.parametrize(
    ("kind", "path", "sent", "fits"),
    [  # kubernetes.io/docs/concepts/services-networking/ingress/#examples, the rows of one path
        (PREFIX, "/", "/any/path", True),
        (EXACT, "/foo", "/foo", True),
        (EXACT, "/foo", "/bar", False),
        (EXACT, "/foo", "/foo/", False),
        (EXACT, "/foo/", "/foo", False),
        (PREFIX, "/foo", "/foo", True),
        (PREFIX, "/foo", "/foo/", True),
        (PREFIX, "/foo/", "/foo", True),
        (PREFIX, "/foo/", "/foo/", True),
        (PREFIX, "/aaa/bb", "/aaa/bbb", False),
        (PREFIX, "/aaa/bbb", "/aaa/bbb", True),
        (PREFIX, "/aaa/bbb/", "/aaa/bbb", True),
        (PREFIX, "/aaa/bbb", "/aaa/bbb/", True),
        (PREFIX, "/aaa/bbb", "/aaa/bbb/ccc", True),
        (PREFIX, "/aaa/bbb", "/aaa/bbbxyz", False),
        (PREFIX, "/bar", "/barx", False),
        (PREFIX, "/bar", "/Bar", False),
    ],
)
def test_k2_a_rule_fits_as_an_ingress_says(kind: str, path: str, sent: str, fits: bool) -> None:
    assert (choose((rule(path, kind),), sent) is not None) == fits


def test_k2_an_exact_rule_comes_first_then_the_longest_prefix() -> None:
    rules = ordered([rule("/"), rule("/aaa"), rule("/aaa", EXACT), rule("/aaa/bbb")])
    chosen = {path: choose(rules, path) for path in ("/aaa", "/aaa/", "/aaa/ccc", "/aaa/bbb/x", "/ccc")}
    assert {path: (found.kind, found.path) if found else None for path, found in chosen.items()} == {
        "/aaa": (EXACT, "/aaa"),
        "/aaa/": (PREFIX, "/aaa"),
        "/aaa/ccc": (PREFIX, "/aaa"),
        "/aaa/bbb/x": (PREFIX, "/aaa/bbb"),
        "/ccc": (PREFIX, "/"),
    }
    assert choose(ordered([rule("/aaa")]), "/ccc") is None


RULE_PATHS = st.lists(st.sampled_from(["a", "b", "ab", "b%C3%BC"]), max_size=3).map(lambda parts: "/" + "/".join(parts))


@given(st.lists(st.tuples(RULE_PATHS, st.sampled_from([EXACT, PREFIX])), max_size=6, unique=True), PATHS)
def test_the_choice_is_that_of_a_reader_who_compares_segments(wanted: list[tuple[str, str]], sent: str) -> None:
    path = canonical(sent)
    assert isinstance(path, str)
    rules = ordered(rule(*one) for one in wanted)

    def parts(text: str) -> list[str]:
        return [part for part in text.split("/") if part]

    exact = [one for one in rules if one.kind == EXACT and one.path == path]
    below = [one for one in rules if one.kind == PREFIX and parts(path)[: len(parts(one.path))] == parts(one.path)]
    best = exact or sorted(below, key=lambda one: -len(parts(one.path)))
    assert choose(rules, path) == (best[0] if best else None)


@pytest.mark.parametrize(
    ("sent", "torn"),
    [
        ("/admin/x;v=1", False),
        ("/admin;v=1", True),
        ("/admin;v=1/x", True),
        ("/admin;/x", True),
        ("/;v=1/admin", True),
        ("/admin%3Bv=1/x", True),
        ("/other;v=1/admin", False),
        ("/exact;v=1", True),
        ("/exact/;v=1", False),
        ("/meant;so/x", False),
        ("/admin", False),
    ],
)
def test_parameters_tear_a_path_where_it_is_another_rules_without_them(sent: str, torn: bool) -> None:
    """A servlet container takes `/admin;v=1/x` for `/admin/x`: so it went round the rule for /admin."""
    rules = ordered([rule("/admin"), rule("/exact", EXACT), rule("/meant;so"), rule("/meant/x")])
    path = canonical(sent)
    assert isinstance(path, str)
    assert is_torn(rules, path, choose(rules, path)) is torn


@given(st.permutations([rule("/a"), rule("/b"), rule("/a", EXACT), rule("/a/b")]))
def test_the_order_of_the_words_does_not_matter(rules: list[PathRule]) -> None:
    assert ordered(rules) == ordered(reversed(rules))


@pytest.mark.parametrize(
    ("made", "sent", "passed_on"),
    [
        (rule("/app", rewrite="/"), "/app/x", "/x"),
        (rule("/app", rewrite="/"), "/app", "/"),
        (rule("/app", rewrite="/"), "/app/", "/"),
        (rule("/app", rewrite="/v2"), "/app/x/y/", "/v2/x/y/"),
        (rule("/app", rewrite="/v2"), "/app", "/v2"),
        (rule("/app", rewrite="/v2/"), "/app", "/v2/"),
        (rule("/app", rewrite="/v2/"), "/app/x", "/v2/x"),
        (rule("/", rewrite="/v2"), "/x", "/v2/x"),
        (rule("/", rewrite="/v2"), "/", "/v2/"),
        (rule("/app", EXACT, rewrite="/health"), "/app", "/health"),
        (rule("/app", rewrite="/"), "/%61pp/%78", "/%78"),
        (rule("/app/one", rewrite="/1"), "//app///one//two", "/1/two"),
        (rule("/app", rewrite="/"), "/app//evil.example", "/evil.example"),
        (rule("/b\u00fc", rewrite="/"), "/b%c3%bc/x", "/x"),
    ],
)
def test_k5_a_rewrite_takes_the_place_of_the_rules_path_and_leaves_the_rest_as_it_was_sent(
    made: PathRule, sent: str, passed_on: str
) -> None:
    path = canonical(sent)
    assert isinstance(path, str)
    assert choose((made,), path) == made
    change = rewriting(made, sent)
    assert change is not None
    gone, instead = change
    assert sent.startswith(gone)
    assert instead + sent[len(gone) :] == passed_on


def test_a_rule_without_a_rewrite_changes_nothing() -> None:
    assert rewriting(rule("/app"), "/app/x") is None


@given(RULE_PATHS, PATHS, st.sampled_from(["/", "/v2", "/v2/"]))
def test_k5_what_is_passed_on_is_a_path_and_never_begins_with_two_slashes(path: str, sent: str, rewrite: str) -> None:
    spelled, made = canonical(sent), rule(path, rewrite=rewrite)
    assert isinstance(spelled, str)
    if choose((made,), spelled) is not None:
        gone, instead = rewriting(made, sent) or ("", "")
        passed_on = instead + sent[len(gone) :]
        assert passed_on.startswith("/")
        assert not passed_on.startswith("//")
        assert isinstance(canonical(passed_on), str)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "api",
        "/a b",
        "/a?b",
        "/a#b",
        "/a\\b",
        "/../a",
        "/a/%2e",
        "/a%2fb",
        "/%zz",
        "/a\n",
        "/\ud800",
        "/" + "a" * 1024,
        "/" + "\u00fc" * 500,
    ],
)
def test_what_no_request_can_have_or_no_one_can_read_alike_is_no_rule(text: str) -> None:
    assert isinstance(rule_path(text, PREFIX), BadPath)


def test_a_rule_is_spelled_like_the_requests_that_it_is_for() -> None:
    assert rule_path("/b\u00fccher/", PREFIX) == "/b%C3%BCcher"
    assert rule_path("/b\u00fccher/", EXACT) == "/b%C3%BCcher/"
    assert rule_path("/", PREFIX) == "/"
    assert rule_path("//", PREFIX) == "/"
