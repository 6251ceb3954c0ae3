"""The workflows for the outside context: whole, pinned, and with the commands that CONTRIBUTING.md names."""

from __future__ import annotations

import itertools
import re
import tomllib
from pathlib import Path
from typing import Any

import pytest
import yaml

REPOSITORY = Path(__file__).resolve().parents[2]
TEXT = (REPOSITORY / ".github" / "workflows" / "test.yml").read_text(encoding="utf-8")
WORKFLOW: dict[Any, Any] = yaml.safe_load(TEXT)
JOBS: dict[str, dict[str, Any]] = WORKFLOW["jobs"]
PROJECT = tomllib.loads((REPOSITORY / "pyproject.toml").read_text(encoding="utf-8"))["project"]
STEPS = [step for job in JOBS.values() for step in job["steps"]]
RELEASING = (REPOSITORY / ".github" / "workflows" / "release.yml").read_text(encoding="utf-8")
RELEASE: dict[Any, Any] = yaml.safe_load(RELEASING)


def test_every_action_is_pinned_by_the_hash_of_a_commit_with_its_version_beside() -> None:
    used = re.findall(r"uses: *(.*)", TEXT + RELEASING)
    steps = [*STEPS, *(step for job in RELEASE["jobs"].values() for step in job["steps"])]
    assert len(used) == len([step for step in steps if "uses" in step]) > 0
    for action in used:
        assert re.fullmatch(r"[a-z-]+/[a-z-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+", action)
    # one version of each
    assert len(set(used)) == len({action.partition("@")[0] for action in used})


def test_all_systems_and_all_pythons_are_there() -> None:
    wanted = ["3.11", "3.12", "3.13", "3.14"]
    assert all(job["strategy"]["matrix"]["python"] == wanted for job in JOBS.values() if "strategy" in job)
    assert JOBS["laptops"]["strategy"]["matrix"]["system"] == ["macos-latest", "windows-latest"]
    assert JOBS["linux"]["runs-on"] == "ubuntu-latest"
    assert PROJECT["requires-python"] == f">={wanted[0]}"


def test_linux_runs_everything_with_the_newest_and_with_the_lowest_versions() -> None:
    for job, command in (("linux", "make test"), ("lowest", "make test RESOLUTION=lowest-direct")):
        assert [step["run"] for step in JOBS[job]["steps"] if "run" in step] == [command]
    # the lowest versions have files for the lowest Python
    assert JOBS["lowest"]["container"]["image"].startswith("python:3.11-")
    for line in itertools.chain(PROJECT["dependencies"], *PROJECT["optional-dependencies"].values()):
        assert re.match(r"[a-z0-9-]+(\[[a-z]+\])?>=\d", line), "without a lowest version"


@pytest.mark.parametrize("command", [step["run"] for step in STEPS if "run" in step])
def test_every_command_stands_in_contributing(command: str) -> None:
    contributing = (REPOSITORY / "CONTRIBUTING.md").read_text(encoding="utf-8")
    assert re.search(rf"^    {re.escape(command)}(?: |$)", contributing, re.MULTILINE), command


def test_it_may_read_and_nothing_else_and_ends_in_time() -> None:
    assert WORKFLOW["permissions"] == {"contents": "read"}
    assert set(WORKFLOW[True]) == {"push", "pull_request", "schedule"}  # YAML 1.1 takes `on` for a truth
    for job in JOBS.values():
        assert set(job) <= {"name", "strategy", "runs-on", "container", "timeout-minutes", "steps"}
        assert job["timeout-minutes"] <= 60
        for step in job["steps"]:
            assert set(step) in ({"run"}, {"uses", "with"})
    for step in STEPS:
        if step.get("uses", "").startswith("actions/checkout@"):
            assert step["with"] == {"persist-credentials": False}
    # every expression is one that a pull request's author cannot fill
    for expression in re.findall(r"\$\{\{ *(.*?) *\}\}", TEXT):
        assert expression in {"matrix.python", "matrix.system", "github.workflow", "github.ref"}


def test_a_release_is_what_make_dist_made_and_only_its_publisher_may_sign() -> None:
    assert RELEASE[True] == {"push": {"tags": ["v*"]}}
    assert RELEASE["permissions"] == {}
    build, publish = RELEASE["jobs"]["build"], RELEASE["jobs"]["publish"]
    assert set(RELEASE["jobs"]) == {"build", "publish"}
    assert build["permissions"] == {"contents": "read"}
    assert "make dist" in [step.get("run") for step in build["steps"]]
    assert publish["needs"] == "build"
    assert publish["environment"] == "release"
    assert publish["permissions"] == {"id-token": "write", "attestations": "write"}
    # it runs no code of ours, and attests before it publishes
    assert not [step for step in publish["steps"] if "run" in step]
    assert [step["uses"].partition("@")[0].rpartition("/")[2] for step in publish["steps"]] == [
        "download-artifact", "attest-build-provenance", "gh-action-pypi-publish",
    ]  # fmt: skip
    assert "${{" not in RELEASING
    assert "secrets" not in RELEASING


def test_what_make_dist_needs_is_one_group() -> None:
    groups = tomllib.loads((REPOSITORY / "pyproject.toml").read_text(encoding="utf-8"))["dependency-groups"]
    assert {re.split(r"[>=]", line)[0] for line in groups["dist"]} == {"build", "check-wheel-contents", "twine"}
