"""Packages are weighed by part, and one that is too large is reported."""

from pathlib import Path

import pytest

from tools.bench import packages, size
from tools.console import Problem


@pytest.fixture
def package(tmp_path: Path) -> Path:
    files = {
        "storefront/orders/order.py": 300,
        "storefront/orders/__pycache__/order.cpython-313.pyc": 200,
        "pydantic/main.py": 1000,
        "pydantic-2.13.5.dist-info/METADATA": 50,
        "typing_extensions.py": 70,
        "__pycache__/typing_extensions.cpython-313.pyc": 60,
    }
    for name, length in files.items():
        path = tmp_path / "package" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"x" * length)
    return tmp_path / "package"


def test_a_package_is_our_code_each_library_and_the_bytecode_of_both(package: Path) -> None:
    parts = size.parts_of(package)

    assert parts == {"pydantic": 1050, "storefront": 300, "bytecode": 260, "typing_extensions": 70}
    assert size.Package(["A"], parts).total == sum(file.stat().st_size for file in package.rglob("*") if file.is_file())


@pytest.mark.parametrize(
    ("parts", "broken"),
    [
        ({"storefront": 20_000_000}, []),
        ({"storefront": 15_000_000, "pydantic": 6_000_000}, ["21.00 MB in A, at most 20 MB"]),
        ({"storefront": 1, "botocore": 2}, ["botocore in A"]),
    ],
)
def test_a_package_that_is_too_large_or_has_the_sdk_is_told(parts: dict[str, int], broken: list[str]) -> None:
    section = size.section({"packages": [{"functions": ["A"], "parts": parts}]})

    assert list(size.Package(["A"], parts).broken()) == broken
    assert all(line in section.about for line in broken)
    assert ("Every bound is kept." in section.about) == (not broken)


def test_packages_with_the_same_files_are_measured_once(package: Path, tmp_path: Path) -> None:
    same, other = tmp_path / "same", tmp_path / "other"
    for copy in (same, other):
        for path in package.rglob("*"):
            if path.is_file():
                target = copy / path.relative_to(package)
                target.parent.mkdir(parents=True, exist_ok=True)
                target.hardlink_to(path)
    (other / "more.py").write_text("")

    assert packages.distinct([package, same, other]) == {package: package, same: package, other: other}


def test_without_bytecode_everything_else_is_there(package: Path, tmp_path: Path) -> None:
    copy = packages.without_bytecode(package, tmp_path / "copy")

    names = {str(path.relative_to(package)) for path in package.rglob("*.*") if path.is_file()}
    assert {str(path.relative_to(copy)) for path in copy.rglob("*.*") if path.is_file()} == {
        name for name in names if not name.endswith(".pyc")
    }


def test_a_package_without_bytecode_cannot_be_compared(package: Path, tmp_path: Path) -> None:
    packages.require_bytecode(package)

    with pytest.raises(Problem, match="has no bytecode"):
        packages.require_bytecode(packages.without_bytecode(package, tmp_path / "copy"))


def test_a_function_is_built_unless_the_template_says_otherwise() -> None:
    assert packages.is_built("PlaceOrderFunction")
    assert not packages.is_built("PaymentsSandboxFunction")
