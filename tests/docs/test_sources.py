"""Every page of AWS or GitHub that is cited by its title has its address in docs/sources.md."""

import re
import subprocess

from tools.stack.stack import ROOT

SOURCES = ROOT / "docs/sources.md"
READ = (
    "src sandbox tools docs README.md template.yaml operations.yaml edge.yaml bootstrap.yaml governance.yaml "
    "openapi.yaml samconfig.toml .github"
)
# A citation runs over lines of comments: their beginnings are left out.
LINE_BREAK = re.compile(r"\n[ \t]*#?:?[ \t]*")
BOOKS = r"(?:Guide|Reference|Docs|changelog|Knowledge Center|re:Post)"
# "Title", Name of a Guide; of several titles with one guide, the ones before are joined with "and" or a comma.
CITED = re.compile(
    rf'((?:"[^"\n]{{3,120}}"(?:, | and ))*"[^"\n]{{3,120}}"),? \(?(?:Amazon|AWS|API|CloudFormation|GitHub|IAM|Service)'
    rf"[\w :-]*?{BOOKS}"
)
TITLE = re.compile(r'"([^"]+)"')
ENTRY = re.compile(r"^- \[(.+)\]\((https://\S+)\)( \(unverified\))?$", re.MULTILINE)


def citations() -> dict[str, str]:
    listed = subprocess.run(["git", "ls-files", *READ.split()], cwd=ROOT, capture_output=True, text=True, check=True)
    cited = {}
    for file in listed.stdout.splitlines():
        if file.endswith((".json", ".jsonl", ".svg")):
            continue
        text = LINE_BREAK.sub(" ", (ROOT / file).read_text())
        for titles in CITED.findall(text):
            cited.update(dict.fromkeys(TITLE.findall(titles), file))
    return cited


def test_there_are_citations() -> None:
    assert len(citations()) > 60


def test_every_citation_has_its_address() -> None:
    titles = {title for title, _, _ in ENTRY.findall(SOURCES.read_text())}

    assert {title: file for title, file in citations().items() if title not in titles} == {}


def test_every_line_of_the_table_is_an_entry_and_in_order() -> None:
    text = SOURCES.read_text()
    lines = re.findall(r"^- .*$", text, re.MULTILINE)

    assert len(lines) == len(ENTRY.findall(text))
    for section in text.split("\n## ")[1:]:
        titles = [title for title, _, _ in ENTRY.findall(section)]
        assert titles == sorted(titles, key=str.casefold)
