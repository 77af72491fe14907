"""What `check` found, as CI systems read it."""

from __future__ import annotations

import json
import re
import xml.etree.ElementTree as ET

from confgen.check import Checked
from confgen.observe.findings import Finding, github, junit, sarif
from confgen.problem import Effect, Origin, Problem

PROBLEM = Problem(
    Origin("compose.yaml", "service shop", "label confgen.host", "dir/compose.yaml:5"),
    "CG101",
    'host "my_shop": "_", 100% wrong',
    Effect.ROUTE,
    "use letters",
)
RED = Checked(proxy="nginx", version="1.30.6", problems=(PROBLEM,), native="nginx: [emerg] no\x1b", tested="tested")
GREEN = Checked(proxy="haproxy", version="3.2", routes=1, tested="tested")
FOUND = [finding for checked in (RED, GREEN) for finding in checked.findings()]


def test_a_problem_knows_its_line_and_the_proxys_word_has_none() -> None:
    assert [(f.where, f.code, f.file, f.line) for f in FOUND] == [
        ("nginx 1.30.6", "CG101", "dir/compose.yaml", 5),
        ("nginx 1.30.6", "native-test", "", 0),
    ]


def test_github_shows_it_beside_the_line() -> None:
    first, second = github(FOUND).splitlines()
    assert first == (
        "::error file=dir/compose.yaml,line=5,title=CG101 host name::service shop, label confgen.host: "
        'host "my_shop": "_", 100%25 wrong (the route is left out); use letters'
    )
    assert second.startswith("::error title=native-test ")


def test_github_takes_no_second_command_from_a_text() -> None:
    evil = Finding("x", "CG101", "a\n::stop-commands::x\r\nb", file="a,line=1:b.yaml", line=2)
    assert re.fullmatch(
        r"::error file=a%2Cline=1%3Ab\.yaml,line=2,title=CG101 host name::a%0A::stop-commands::x%0D%0Ab\n", github([evil])
    )


def test_sarif() -> None:
    (run,) = json.loads(sarif(FOUND))["runs"]
    assert {rule["id"] for rule in run["tool"]["driver"]["rules"]} == {"CG101", "native-test"}
    first, second = run["results"]
    (place,) = first["locations"]
    assert place["physicalLocation"] == {"artifactLocation": {"uri": "dir/compose.yaml"}, "region": {"startLine": 5}}
    assert "locations" not in second


def test_junit_has_a_case_for_each_finding_and_one_for_what_is_fine() -> None:
    root = ET.fromstring(junit(FOUND, ["nginx 1.30.6", "haproxy 3.2"]))
    red, green = root.findall("testsuite")
    assert (red.get("failures"), green.get("failures")) == ("2", "0")
    assert [case.get("name") for case in red] == ["dir/compose.yaml:5 CG101", "native-test"]
    assert [len(case) for case in green] == [0]
