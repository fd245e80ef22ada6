"""docs/make-it-yours.md: a copy of the project gets another name, and is whole."""

import re
from pathlib import Path

import pytest

from tests.support.checkout import Checkout
from tools.stack.stack import ROOT

PAGE = (ROOT / "docs/make-it-yours.md").read_text()
BLOCKS = re.findall(r"^```sh\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL)


@pytest.fixture(scope="module")
def checkout(tmp_path_factory: pytest.TempPathFactory) -> Checkout:
    return Checkout.of(tmp_path_factory.mktemp("checkout") / "copy")


@pytest.mark.parametrize(
    ("name", "problem"),
    [
        ("Acme", "lower-case"),
        ("acme-shop", "lower-case"),
        ("9lives", "lower-case"),
        ("ac", "lower-case"),
        ("anextremelylongone", "lower-case"),
        ("awsshop", "lower-case"),
        ("class", "Python already has"),
        ("json", "Python already has"),
        ("boto3", "Python already has"),
        ("tools", "Python already has"),
        ("payments", "Python already has"),
    ],
)
def test_a_name_that_cannot_be_is_refused(checkout: Checkout, name: str, problem: str) -> None:
    ended = checkout.ended(f".venv/bin/storefront rename {name}")

    assert ended.returncode == 2
    assert problem in ended.stderr
    assert checkout.run("git status --porcelain") == ""


def test_a_checkout_with_changes_is_renamed_only_when_asked(tmp_path: Path) -> None:
    checkout = Checkout.of(tmp_path / "copy")
    checkout.run("echo >> README.md")

    refused = checkout.ended(".venv/bin/storefront rename acme")
    changed = checkout.run("git status --porcelain")
    renamed = checkout.run(".venv/bin/storefront rename acme --yes")

    assert refused.returncode == 1
    assert "commit them first, or add --yes" in refused.stderr
    assert changed == " M README.md\n"
    assert "make dev" in renamed


def test_a_renamed_copy_passes_what_the_page_runs(checkout: Checkout) -> None:
    for block in BLOCKS:
        checkout.run(block)

    assert checkout.run("git grep --ignore-case --files-with-matches storefront").split() == ["LICENSE"]
    checkout.run(
        "ruff check . && ruff format --check . && sam validate --lint --template-file template.yaml --region us-east-1"
    )
    assert not (checkout.directory / "src" / "storefront").exists()
    assert not (checkout.directory / ".venv" / "bin" / "storefront").exists()
    assert "acme" in checkout.run(".venv/bin/acme --help")
