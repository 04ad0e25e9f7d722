"""What the terraform on this machine writes is read as it comes: the plan, the state, and the file given by mistake."""

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

TERRAFORM = shutil.which("terraform") or shutil.which("tofu")
ROOT = Path(__file__).parents[2]

pytestmark = pytest.mark.skipif(TERRAFORM is None, reason="neither terraform nor tofu is on the PATH")

# terraform_data is built in: nothing has to be fetched
CONFIGURATION = """
variable "type" { default = "p5.48xlarge" }
resource "terraform_data" "machine" { input = var.type }
"""


def terraform(folder: Path, *arguments: str) -> bytes:
    run = subprocess.run([str(TERRAFORM), *arguments], cwd=folder, capture_output=True, check=True)
    return run.stdout


def gpuguard(*arguments: str, given: bytes = b"") -> subprocess.CompletedProcess[bytes]:
    return subprocess.run([sys.executable, "-m", "gpuguard", *arguments], input=given, capture_output=True, cwd=ROOT)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("terraform")
    (path / "main.tf").write_text(CONFIGURATION)
    terraform(path, "init", "-input=false")
    terraform(path, "plan", "-input=false", "-out=tfplan")
    return path


def test_a_plan_is_read_from_standard_input(folder: Path) -> None:
    run = gpuguard("check", "-", "--format", "json", given=terraform(folder, "show", "-json", "tfplan"))
    assert run.returncode == 0, run.stderr
    report = json.loads(run.stdout)
    assert report["inputs"][0]["kind"] == "plan"
    assert report["inputs"][0]["complete"]
    assert report["resources"] == []


def test_the_plan_file_itself_is_named_for_what_it_is(folder: Path) -> None:
    run = gpuguard("check", str(folder / "tfplan"))
    assert run.returncode == 2
    assert b"binary plan file" in run.stderr
    assert b"terraform show -json" in run.stderr


def test_what_plan_prints_is_named_for_what_it_is(folder: Path) -> None:
    run = gpuguard("check", "-", given=terraform(folder, "plan", "-input=false", "-no-color"))
    assert run.returncode == 2
    assert b"`terraform plan` prints" in run.stderr


def test_a_state_is_read_raw_and_as_show_prints_it(folder: Path) -> None:
    terraform(folder, "apply", "-input=false", "-auto-approve")
    for given in (terraform(folder, "show", "-json"), (folder / "terraform.tfstate").read_bytes()):
        run = gpuguard("check", "-", "--format", "json", given=given)
        assert run.returncode == 0, run.stderr
        assert json.loads(run.stdout)["inputs"][0]["kind"] == "state"
