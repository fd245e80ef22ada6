"""While a release lasts, two versions run: each reads what the other one writes."""

import copy
import json
import os
import subprocess
import sys
import tarfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import pytest
import yaml

from tests.support.smoke_test import operation_of, requests_made
from tools.stack.stack import ROOT

Json = dict[str, Any]

# Each version has its own: what a version imports has other names in another.
PROGRAM = "tests/releases/formats.py"
CUSTOMER = "5f1c0a52-6c1e-4b8e-9a53-1d2f7c0b9e11"
ORDER_ID = "ord-" + "a" * 32
TOTAL = {"amount": 2500, "currency": "EUR"}

UNDERSTOOD: Json = {
    "message": [CUSTOMER, ORDER_ID, "a-request"],
    "item": [1, 0, "a-hash", "a-request", "2026-11-20 12:00:00+00:00"],
    "shown": {
        "orderId": ORDER_ID,
        "status": "PENDING",
        "acceptedAt": "2026-11-20T12:00:00.000Z",
        "updatedAt": "2026-11-20T12:00:00.000Z",
        "total": TOTAL,
        "lines": [{"sku": "MUG-001", "name": "Mug", "quantity": 2, "unitPrice": {"amount": 1250, "currency": "EUR"}}],
    },
    "streamImage": {
        "type": "OrderAccepted",
        "detail": {
            "schemaVersion": 1,
            "orderId": ORDER_ID,
            "customerId": CUSTOMER,
            "status": "PENDING",
            "version": 1,
            "total": TOTAL,
            "acceptedAt": "2026-11-20T12:00:00.000Z",
            "occurredAt": "2026-11-20T12:00:00.000Z",
            "correlationId": "a-request",
        },
    },
    "cursor": {
        "customerId": {"S": CUSTOMER},
        "orderId": {"S": ORDER_ID},
        "acceptedAt": {"S": "2026-11-20T12:00:00.000Z"},
    },
    "partnerMessage": ["the partnerId", "the correlationId", '{"reference":"PO-1"}'],
}


def contains(whole: Any, part: Any) -> bool:
    """Tell whether something has all that is asked for, and perhaps more."""
    if isinstance(part, dict):
        return isinstance(whole, dict) and all(name in whole and contains(whole[name], part[name]) for name in part)
    if isinstance(part, list):
        return len(whole) == len(part) and all(map(contains, whole, part))
    return bool(whole == part)


@dataclass(frozen=True)
class Version:
    """The code of a version, run by itself.

    Parameters
    ----------
    written
        The formats that it writes.
    """

    root: Path
    written: Json

    @classmethod
    def of(cls, root: Path) -> Self:
        return cls(root, json.loads(_run(root, "write")))

    def read(self, *written: Json) -> list[Json]:
        understood: list[Json] = json.loads(_run(self.root, "read", json.dumps(written)))
        return understood


def _run(root: Path, what: str, given: str = "") -> str:
    done = subprocess.run(
        # -P: nothing beside the program is importable, which belongs to the newer version.
        [sys.executable, "-P", str(root / PROGRAM), what],
        input=given,
        env={**os.environ, "PYTHONPATH": str(root / "src"), "POWERTOOLS_LOG_LEVEL": "ERROR"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, f"{root} cannot {what} it:\n{done.stderr}"
    return done.stdout


def _git(*arguments: str) -> str | None:
    """Return what git says; nothing where it cannot."""
    try:
        done = subprocess.run(["git", *arguments], cwd=ROOT, capture_output=True, text=True, check=True)
    except (OSError, subprocess.CalledProcessError):
        return None
    return done.stdout.strip()


# Types that no version of ours has stored yet, and the next one may.
OF_OTHER_TYPES = ({"NULL": True}, {"SS": ["a"]}, {"NS": ["1"]}, {"N": "1.5"}, {"L": [{"NULL": True}]}, {"M": {}})


@pytest.fixture(scope="module")
def older(tmp_path_factory: pytest.TempPathFactory) -> Version:
    """The release before this code, or where none is tagged, the commit before it."""
    # In a download of the sources, a repository around them is somebody else's.
    own = _git("rev-parse", "--show-toplevel")
    parent = _git("rev-parse", "--verify", "HEAD^1") if own and Path(own).samefile(ROOT) else None
    if parent is None:
        pytest.skip("no git history here (a download, or a clone of depth 1) and so no version before this one")
    revision = _git("describe", "--tags", "--abbrev=0", "--match", "v*", parent) or parent
    folder = tmp_path_factory.mktemp("older")
    _git("archive", "--output", str(folder / "code.tar"), revision, "src", "events", "openapi.yaml", PROGRAM)
    with tarfile.open(folder / "code.tar") as archive:
        archive.extractall(folder, filter="data")
    return Version.of(folder)


@pytest.fixture(scope="module")
def newer() -> Version:
    return Version.of(ROOT)


def test_the_previous_version_reads_what_this_one_writes(older: Version, newer: Version) -> None:
    assert all(contains(understood, UNDERSTOOD) for understood in older.read(*variants_of(newer)))


def test_this_version_reads_what_the_previous_one_has_written(older: Version, newer: Version) -> None:
    assert all(contains(understood, UNDERSTOOD) for understood in newer.read(*variants_of(older)))


@pytest.mark.parametrize("attribute", OF_OTHER_TYPES, ids=lambda attribute: next(iter(attribute)))
def test_this_version_reads_what_is_beside_an_attribute_of_any_type(newer: Version, attribute: Json) -> None:
    more = variants_of(newer)[1]
    more["item"]["addedToItem"] = attribute

    [understood] = newer.read(more)

    assert contains(understood, UNDERSTOOD)


def test_an_event_keeps_all_that_consumers_were_promised(older: Version, newer: Version) -> None:
    assert contains(newer.written["event"], older.written["event"])


def test_a_change_by_one_version_leaves_alone_what_the_other_has_added(older: Version, newer: Version) -> None:
    for version in (older, newer):
        with_more = variants_of(version)[1]
        [understood] = version.read(with_more)

        assert "reviews" in understood["changed"]
        assert "addedToItem" not in understood["changed"]


def test_the_previous_gateway_has_the_routes_of_the_smoke_test(older: Version) -> None:
    # On an update the aliases shift before the new document goes live.
    document = yaml.safe_load((older.root / "openapi.yaml").read_text())

    unknown = {request for request in requests_made() if operation_of(*request, document) is None}

    assert unknown == set(), "a release adds a route, the next one its smoke test: docs/releases.md"


def variants_of(version: Version) -> tuple[Json, Json]:
    """Return what a version writes, and the same with what the next one might add."""
    more = copy.deepcopy(version.written)
    more["message"]["body"] = json.dumps(json.loads(more["message"]["body"]) | {"addedToBody": "later"})
    for message in (more["message"], more["partnerMessage"]):
        message["messageAttributes"]["addedToAttributes"] = {"stringValue": "later"}
    more["item"]["addedToItem"] = {"S": "later"}
    return version.written, more
