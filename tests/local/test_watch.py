"""`storefront up --watch` on a copy of the project, which these tests may change."""

import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import requests

from tests.support.waiting import wait_until
from tools.rehearsal.versions import Versions
from tools.stack.stack import DEPLOYED_FILES, ROOT, Stack

DEPLOYED = ("src", "sandbox", "tools", *DEPLOYED_FILES, "samconfig.toml")
ENVIRONMENTS = (".venv", ".venv-emulator")
HANDLER = "src/storefront/catalog/list_products.py"


def changed(path: Path, old: str, new: str) -> None:
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))


@dataclass(frozen=True)
class Watch:
    """A running `up --watch`, and the project that it watches."""

    project: Path
    process: "subprocess.Popen[str]"

    @property
    def printed(self) -> str:
        return (self.project / "printed").read_text()

    @property
    def stack(self) -> Stack:
        return Stack.load(self.project / ".local")

    def line(self, pattern: str) -> str:
        """Wait for a line that has not been there before."""
        start = len(self.printed)
        return wait_until(lambda: re.search(pattern, self.printed[start:]), pattern, 90)[0]


@pytest.fixture(scope="module")
def watch(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Watch]:
    project = tmp_path_factory.mktemp("project")
    for name in DEPLOYED:
        copy = shutil.copytree if (ROOT / name).is_dir() else shutil.copy
        copy(ROOT / name, project / name)
    for name in ENVIRONMENTS:
        (project / name).symlink_to(ROOT / name)
    command = [sys.executable, "-m", "tools", "up", "--watch", "--port", "0"]
    with (project / "printed").open("w") as output:
        process = subprocess.Popen(command, cwd=project, stdout=output, stderr=output, text=True)
    watch = Watch(project, process)
    try:
        wait_until(lambda: "watching src" in watch.printed or process.poll(), "the stack is up", 120)
        yield watch
    finally:
        process.kill()
        process.wait()
        subprocess.run([sys.executable, "-m", "tools", "down"], cwd=project, check=True)


def test_changed_code_answers_and_one_line_says_so(watch: Watch) -> None:
    before = Versions(watch.stack, "list-products").current

    changed(watch.project / HANDLER, "paging.limit_of(query)", "1")

    assert watch.line(rf".* {HANDLER}: \d\d functions updated \(\d+\.\d s\)\n")
    assert len(requests.get(f"{watch.stack.url}/products?limit=3", timeout=30).json()["items"]) == 1
    assert int(Versions(watch.stack, "list-products").current) == int(before) + 1


def test_a_syntax_error_is_told_with_its_line_and_the_next_change_is_deployed(watch: Watch) -> None:
    before = Versions(watch.stack, "list-products").current
    number = (watch.project / HANDLER).read_text().splitlines().index("@rest_handler") + 1

    changed(watch.project / HANDLER, "@rest_handler\n", "@rest_handler(\n")
    told = watch.line(r".*not deployed.*\n")
    changed(watch.project / HANDLER, "@rest_handler(\n", "@rest_handler\n# mended\n")

    assert f"{HANDLER}, line {number}: '(' was never closed" in told
    assert watch.line("functions updated")
    assert int(Versions(watch.stack, "list-products").current) == int(before) + 1


def test_a_changed_document_is_deployed_by_sam(watch: Watch) -> None:
    changed(watch.project / "openapi.yaml", '{"status": "ok"}', '{"status": "fine"}')

    assert watch.line(r"openapi\.yaml: this needs sam deploy\n")
    assert watch.line(r"openapi\.yaml: deployed")
    assert requests.get(f"{watch.stack.url}/health", timeout=30).json() == {"status": "fine"}


def test_sam_deploy_finds_nothing_to_do_after_it(watch: Watch) -> None:
    changed(watch.project / HANDLER, "# mended\n", "")
    watch.line("functions updated")
    functions = watch.stack.client("lambda")
    before = functions.list_versions_by_function(FunctionName=Versions(watch.stack, "list-products").name)

    # Without the record of the last deployment, `up` takes the long way.
    watch.stack.client("s3").delete_object(Bucket="storefront-local-artifacts", Key="last-deployment.json")
    command = [sys.executable, "-m", "tools", "up"]
    printed = subprocess.run(command, cwd=watch.project, capture_output=True, text=True, check=True).stdout

    assert "sam deploy" in printed
    after = functions.list_versions_by_function(FunctionName=Versions(watch.stack, "list-products").name)
    assert [each["Version"] for each in after["Versions"]] == [each["Version"] for each in before["Versions"]]


def test_a_stack_that_another_hand_has_changed_is_deployed_by_sam(watch: Watch) -> None:
    cloudformation = watch.stack.client("cloudformation")
    template = cloudformation.get_template(StackName=watch.stack.name, TemplateStage="Original")["TemplateBody"]
    key, s3 = "other.template", watch.stack.client("s3")
    s3.put_object(Bucket="storefront-local-artifacts", Key=key, Body=f"{template}\n# another".encode())
    described = cloudformation.describe_stacks(StackName=watch.stack.name)["Stacks"][0]
    cloudformation.update_stack(
        StackName=watch.stack.name,
        TemplateURL=f"{watch.stack.endpoint}/storefront-local-artifacts/{key}",
        Parameters=[
            {"ParameterKey": each["ParameterKey"], "UsePreviousValue": True} for each in described["Parameters"]
        ],
        Capabilities=described["Capabilities"],
    )

    changed(watch.project / HANDLER, "@rest_handler\n", "# again\n@rest_handler\n")

    assert watch.line(r"this needs sam deploy\n")
    assert watch.line(rf"{HANDLER}: deployed")


def test_ctrl_c_ends_it_and_the_stack_stays_up(watch: Watch) -> None:
    watch.process.send_signal(signal.SIGINT)

    assert watch.process.wait(timeout=10) == 0
    assert "the stack is up" in watch.printed.splitlines()[-1]
    assert requests.get(f"{watch.stack.url}/health", timeout=30).ok
