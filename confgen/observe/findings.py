"""What `check` found in the forms that CI systems read: annotations, SARIF, JUnit."""

from __future__ import annotations

import json
import xml.etree.ElementTree as ET
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from confgen import __version__
from confgen.problem import CODES, Problem

#: The codes of findings that are no label's: the rendered text, the proxy's own test.
TEXT, NATIVE = "read-back", "native-test"
_RULES = {**CODES, TEXT: "the rendered text is not what was meant", NATIVE: "the proxy's own test says no"}


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that is wrong.  where: the proxy it was found for.  file, line: where it stands; "" and 0 for nowhere."""

    where: str
    code: str
    message: str
    hint: str = ""
    file: str = ""
    line: int = 0

    @classmethod
    def of(cls, problem: Problem, where: str) -> Finding:
        """A Problem as a finding."""
        file, _, line = problem.origin.place.rpartition(":")
        message = f"{problem.origin}: {problem.message} ({problem.effect.value})"
        return cls(where, problem.code, message, problem.hint, file, int(line) if line.isdigit() else 0)

    @property
    def text(self) -> str:
        return f"{self.message}; {self.hint}" if self.hint else self.message


def github(findings: Iterable[Finding]) -> str:
    """Workflow commands, one a line: GitHub shows each beside the line of the file
    (docs.github.com, workflow commands for GitHub Actions)."""
    return "".join(f"::error {_properties(finding)}::{_data(finding.text)}\n" for finding in findings)


def _properties(finding: Finding) -> str:
    given = {"file": finding.file, "line": str(finding.line or ""), "title": f"{finding.code} {_RULES[finding.code]}"}
    return ",".join(f"{name}={_property(value)}" for name, value in given.items() if value)


def _data(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")


def sarif(findings: Sequence[Finding]) -> str:
    """SARIF 2.1.0 (OASIS): what code scanning takes."""
    rules = [
        {"id": code, "shortDescription": {"text": title}} for code, title in _RULES.items() if code in {f.code for f in findings}
    ]
    driver = {"name": "confgen", "version": __version__, "rules": rules}
    run = {"tool": {"driver": driver}, "results": [_result(finding) for finding in findings]}
    whole = {"$schema": "https://json.schemastore.org/sarif-2.1.0.json", "version": "2.1.0", "runs": [run]}
    return json.dumps(whole, indent=1) + "\n"


def _result(finding: Finding) -> dict[str, object]:
    result: dict[str, object] = {"ruleId": finding.code, "level": "error", "message": {"text": finding.text}}
    if finding.file:
        place = {"artifactLocation": {"uri": finding.file}, "region": {"startLine": max(finding.line, 1)}}
        result["locations"] = [{"physicalLocation": place}]
    return result


def junit(findings: Sequence[Finding], checked: Sequence[str]) -> str:
    """A test suite for each proxy that was checked, with a failed case for each finding, or one that passed."""
    root = ET.Element(
        "testsuites", name="confgen check", tests=str(max(len(findings), len(checked))), failures=str(len(findings))
    )
    for where in checked:
        mine = [finding for finding in findings if finding.where == where]
        suite = ET.SubElement(root, "testsuite", name=where, tests=str(len(mine) or 1), failures=str(len(mine)))
        if not mine:
            ET.SubElement(suite, "testcase", classname=where, name="labels, text and test")
        for finding in mine:
            place = f"{finding.file}:{finding.line} " if finding.file else ""
            case = ET.SubElement(suite, "testcase", classname=where, name=f"{place}{finding.code}")
            ET.SubElement(case, "failure", type=finding.code, message=_xml(finding.message)).text = _xml(finding.hint)
    ET.indent(root, " ")
    return ET.tostring(root, encoding="unicode", xml_declaration=True) + "\n"


def _xml(text: str) -> str:
    """Without what no XML may hold (XML 1.0, 2.2)."""
    return "".join(char if char >= " " or char in "\t\n" else "?" for char in text)
