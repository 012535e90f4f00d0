"""`make audit` never takes the silence of an advisory database for the absence of holes."""

import json
from typing import Any

import pytest

from tests.advisories import Answer, exit_code, of_npm, of_pip, said


def pip_json(*pins: dict[str, Any]) -> str:
    """What pip-audit prints of these pins."""
    return json.dumps({"dependencies": pins, "fixes": []})


SOUND = {"name": "flask", "version": "3.1.3", "vulns": []}
HOLED = {
    "name": "pillow",
    "version": "12.0.0",
    "vulns": [{"id": "GHSA-jjj6-mw9f-p565", "fix_versions": ["12.3.0"], "aliases": []}],
}
SKIPPED = {"name": "nh3", "skip_reason": "Dependency not found"}
NPM_HOLE = {
    "vulnerabilities": {
        "grapesjs": {
            "via": [
                {"url": "https://github.com/advisories/GHSA-1", "range": "<0.22.0"},
                "dompurify",
            ]
        }
    }
}
NPM_REFUSED = {"statusCode": 405, "error": {"summary": "", "detail": ""}}


@pytest.mark.parametrize(
    ("answer", "code", "line"),
    [
        (of_pip("a.txt", pip_json(SOUND)), 0, "no known holes"),
        (of_pip("a.txt", pip_json(SOUND, HOLED)), 1, "pillow 12.0.0: GHSA-jjj6-mw9f-p565, fixed"),
        (of_pip("a.txt", pip_json(SOUND, SKIPPED)), 2, "NOT ASKED: nh3"),
        (of_pip("a.txt", pip_json(HOLED, SKIPPED)), 1, "NOT ASKED: nh3"),
        (of_pip("a.txt", ""), 2, "NOT ASKED: the advisory database gave no answer"),
        (of_pip("a.txt", "[]"), 2, "NOT ASKED: the advisory database gave no answer"),
        (of_npm("a.json", '{"vulnerabilities": {}}'), 0, "no known holes"),
        (of_npm("a.json", json.dumps(NPM_HOLE)), 1, "grapesjs <0.22.0: https://github.com"),
        (of_npm("a.json", json.dumps(NPM_REFUSED)), 2, "NOT ASKED"),
        (of_npm("a.json", "npm: not found"), 2, "NOT ASKED"),
    ],
)
def test_an_answer_is_told_from_silence(answer: Answer, code: int, line: str) -> None:
    assert exit_code([Answer(file="sound"), answer]) == code
    assert line in said(answer)
