"""Findings of the doctor: folded, counted, as JSON; and the server's survey, which is not trusted."""

from __future__ import annotations

from nbssh.core.server import doctor, survey
from nbssh.core.server.doctor import Finding, tried
from nbssh.errors import NbsshError

GOOD = [
    Finding("ssh", "ok", "9.2"),
    Finding("port", "ok", "free", profile="a"),
    Finding("alias", "ok", "x", profile="a"),
]
BAD = Finding("port", "error", "taken", "nbssh edit b", "b")
ODD = Finding("disk", "warning", "full", "make room", "b")


def test_what_is_well_about_a_profile_is_one_line() -> None:
    assert doctor.folded([*GOOD, BAD, ODD, Finding("alias", "ok", "x", profile="b")]) == [
        GOOD[0],
        Finding("", "ok", "well: port, alias", profile="a"),
        Finding("", "ok", "well: alias", profile="b"),
        BAD,
        ODD,
    ]


def test_only_an_error_is_an_error() -> None:
    assert not doctor.has_errors([*GOOD, ODD])
    assert doctor.has_errors([*GOOD, BAD])


def test_the_summary_counts() -> None:
    assert doctor.summary(GOOD) == "3 checks, all well"
    assert doctor.summary([*GOOD, ODD]) == "4 checks: 1 warning"
    assert doctor.summary([BAD, BAD, ODD, ODD]) == "4 checks: 2 errors, 2 warnings"


def test_json_has_every_key_always() -> None:
    assert doctor.as_json([GOOD[0]]) == [{"check": "ssh", "level": "ok", "message": "9.2", "profile": "", "repair": ""}]


def test_a_survey_is_read() -> None:
    out = b"clock 1700000000\nhost gpu1\nkills yes\nprofile a\nprofile a\nrun a gpu1 record\nrun a gpu2 none\n"
    out += b"free /home/al ice 12345\nfree /tmp 7\nquota Block limit reached on /home\n"
    said = survey.parse(out)
    assert said == survey.Survey(
        clock=1700000000.0, host="gpu1", kills=True, profiles=["a"], quota=["Block limit reached on /home"],
        runs=[("a", "gpu1", True), ("a", "gpu2", False)], free={"/home/al ice": 12345, "/tmp": 7},
    )  # fmt: skip


def test_a_survey_of_a_hostile_server_is_harmless() -> None:
    out = b"clock 1e9\nclock\nclock -5\nfree 5\nfree /x \xff\nclock 99999999999999999999999\n\nhost a b\nrun x\nkills\n"
    out += b"profile \x1b[2J\n" + b"host " + b"h" * 5000 + b"\n"
    said = survey.parse(out)
    assert (said.clock, said.free, said.kills, said.runs) == (0.0, {}, False, [])
    assert said.profiles == ["\\x1b[2J"]
    assert len(said.host) < 200


def test_that_something_cannot_be_looked_at_is_a_finding() -> None:
    def look() -> list[Finding]:
        raise NbsshError("no answer", "see ssh box")

    assert tried("host", "box", look) == [Finding("host", "error", "no answer", "see ssh box", "box")]
    assert tried("host", "box", lambda: GOOD) == GOOD


def test_what_others_may_write_is_told_with_its_repair() -> None:
    said = survey.parse(b"open /home/al ice/.ssh others\nrepair chmod go-w '/home/al ice/.ssh'\n")
    assert (said.open, said.repair) == ("/home/al ice/.ssh others", "chmod go-w '/home/al ice/.ssh'")
