"""Files for contributors and for GitHub: they parse, and every command, option and file that they name exists."""

from __future__ import annotations

import configparser
import importlib.util
import re
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from ic_harness.cli.gate import gate

ROOT = Path(__file__).parents[2]
GITHUB = ROOT / ".github"
WORKFLOWS = sorted((GITHUB / "workflows").glob("*.yml"))
FORMS = sorted(path for path in (GITHUB / "ISSUE_TEMPLATE").glob("*.yml") if path.stem != "config")
ACTION = yaml.safe_load((ROOT / "action.yml").read_text(encoding="utf-8"))
PREFIX = "IC_HARNESS_GATE_"
PAGES = [ROOT / name for name in ("CONTRIBUTING.md", "SECURITY.md", "CODE_OF_CONDUCT.md")]
FIELDS = {"markdown", "textarea", "input", "dropdown", "checkboxes"}


def read(path: Path):
    return yaml.safe_load(path.read_text(encoding="utf-8"))


def steps_of(document) -> list[dict]:
    return [step for job in document["jobs"].values() for step in job.get("steps", [])]


@pytest.mark.parametrize(
    "path", [*WORKFLOWS, *FORMS, ROOT / ".pre-commit-config.yaml"], ids=lambda path: path.name
)
def test_no_key_is_written_twice(path):
    """YAML keeps the last of two equal keys in silence."""

    class Strict(yaml.SafeLoader):
        pass

    def mapping(loader, node):
        keys = [key.value for key, _ in node.value]
        assert len(keys) == len(set(keys)), f"{path.name}:{node.start_mark.line + 1}: {keys}"
        return yaml.SafeLoader.construct_mapping(loader, node, deep=True)

    Strict.add_constructor(yaml.resolver.BaseResolver.DEFAULT_MAPPING_TAG, mapping)
    assert yaml.load(path.read_text(encoding="utf-8"), Strict)


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.name)
def test_jobs_end_and_may_do_little(path):
    """Every job has a time limit; the workflow reads only, and a job that may do more says what."""
    document = read(path)
    assert document["permissions"] == {"contents": "read"}
    for name, job in document["jobs"].items():
        assert job["timeout-minutes"] <= 60, name
        needed = job.get("needs", [])
        assert set([needed] if isinstance(needed, str) else needed) <= set(document["jobs"]), name


@pytest.mark.parametrize("path", [*WORKFLOWS, ROOT / "action.yml"], ids=lambda path: path.name)
def test_no_input_becomes_a_command(path):
    """What others write reaches a shell as a variable, never as text of the command; actions have a version."""
    document = read(path)
    for step in document["runs"]["steps"] if path.name == "action.yml" else steps_of(document):
        assert "${{" not in step.get("run", ""), step
        if "uses" in step:
            assert re.fullmatch(r"[\w-]+/[\w-]+@(v\d+|release/v\d+)", step["uses"]), step["uses"]


@pytest.mark.parametrize(
    "path", [*WORKFLOWS, *PAGES, ROOT / ".pre-commit-config.yaml"], ids=lambda path: path.name
)
def test_named_scripts_exist(path):
    """Scripts and test folders that a file names are there."""
    text = path.read_text(encoding="utf-8")
    named = re.findall(r"(?<![\w/.-])((?:scripts|tests|\.ci)/[\w./-]*\w)", text)
    assert [name for name in named if not (ROOT / name).exists()] == []


def test_ci_runs_everything():
    """GitHub's CI runs the command that is the CI anywhere, and the quick tests on the three systems."""
    document = read(GITHUB / "workflows" / "ci.yml")
    assert ".ci/run" in [step.get("run") for step in document["jobs"]["everything"]["steps"]]
    systems = document["jobs"]["quick"]["strategy"]["matrix"]["os"]
    assert {system.partition("-")[0] for system in systems} == {"ubuntu", "macos", "windows"}


def test_a_release_is_tried_before_it_is_tagged():
    """Nothing is attested, tagged or published that was not installed on all three systems."""
    jobs = read(GITHUB / "workflows" / "release.yml")["jobs"]
    assert {system.partition("-")[0] for system in jobs["try"]["strategy"]["matrix"]["os"]} == {
        "ubuntu",
        "macos",
        "windows",
    }
    assert "try" in jobs["publish"]["needs"]
    assert jobs["index"]["needs"] == "publish"
    assert [name for name, job in jobs.items() if "write" in job.get("permissions", {}).values()] == [
        "publish",
        "index",
    ]
    used = [step.get("uses", "") for step in jobs["publish"]["steps"]]
    assert used.index("actions/attest-build-provenance@v2") < len(used) - 1, "attested before it is tagged"


def test_the_action_passes_options_of_the_gate():
    """Each input of the action is used, and each variable is an option of the gate."""
    options = {f"{PREFIX}{option.name.upper()}" for option in gate.params}
    (judge,) = (step for step in ACTION["runs"]["steps"] if step.get("name") == "Judge")
    assert set(judge["env"]) <= options
    assert set(re.findall(r"inputs\.([\w-]+)", str(ACTION["runs"]))) == set(ACTION["inputs"])
    assert all(each["description"] for each in ACTION["inputs"].values())


@pytest.mark.parametrize("path", FORMS, ids=lambda path: path.name)
def test_issue_forms(path):
    """A form has what GitHub demands: names, at least one question, ids that are unique."""
    form = read(path)
    assert all(form[key] for key in ("name", "description", "body"))
    questions = [field for field in form["body"] if field["type"] != "markdown"]
    assert questions
    assert {field["type"] for field in form["body"]} <= FIELDS
    ids = [field["id"] for field in questions]
    assert len(ids) == len(set(ids))
    assert all(field["attributes"]["label"] for field in questions)


def test_hooks_run_modules_that_the_environment_has():
    """Our own hooks run tools of `.venv`, by modules that exist."""
    (repository,) = read(ROOT / ".pre-commit-config.yaml")["repos"]
    for hook in repository["hooks"]:
        words = hook["entry"].split()
        assert words[:2] == [".venv/bin/python", "-m"]
        assert hook["language"] == "system"
        assert words[2] in ("ruff", "mypy") or importlib.util.find_spec(words[2]), words


def test_editorconfig():
    """Sections are patterns, and the line length is the formatter's."""
    parser = configparser.ConfigParser()
    parser.read_string("[top]\n" + (ROOT / ".editorconfig").read_text(encoding="utf-8"))
    assert parser["top"]["root"] == "true"
    assert parser["*"]["max_line_length"] == "110"
    assert "line-length = 110" in (ROOT / "pyproject.toml").read_text(encoding="utf-8")


@pytest.mark.parametrize("page", [*PAGES, ROOT / "examples" / "README.md"], ids=lambda page: page.name)
def test_links_lead_somewhere(page):
    """Files that the pages for contributors link to are there."""
    targets = re.findall(r"\]\((?!https?:)([^)#]+)\)", page.read_text(encoding="utf-8"))
    assert [target for target in targets if not (page.parent / target).exists()] == []


def test_every_decision_is_listed():
    """Records are numbered without a gap, have the same parts, and the index links to each."""
    folder = ROOT / "docs" / "decisions"
    records = sorted(path for path in folder.glob("*.md") if path.name != "index.md")
    assert [int(path.name[:4]) for path in records] == list(range(1, len(records) + 1))
    index = (folder / "index.md").read_text(encoding="utf-8")
    for path in records:
        text = path.read_text(encoding="utf-8")
        assert re.findall(r"^## (.+)$", text, re.MULTILINE) == [
            "Context",
            "Decision",
            "Consequences",
            "Not chosen",
        ]
        title = text.splitlines()[0].partition(". ")[2]
        assert f"[{title}]({path.name})" in index, path.name


@pytest.fixture
def release(tmp_path):
    """`scripts/release.py` beside files of its own; returns the function that writes a changelog and runs it."""
    folder = tmp_path / "scripts"
    folder.mkdir()
    (folder / "release.py").write_bytes((ROOT / "scripts" / "release.py").read_bytes())
    package = tmp_path / "src" / "ic_harness"
    package.mkdir(parents=True)

    def run(changelog, *words, version="1.2.0"):
        (tmp_path / "CHANGELOG.md").write_text(changelog, encoding="utf-8")
        (tmp_path / "pyproject.toml").write_text(f'[project]\nversion = "{version}"\n', encoding="utf-8")
        (package / "__init__.py").write_text('__version__ = "1.2.0"\n', encoding="utf-8")
        command = [sys.executable, str(folder / "release.py"), *words]
        done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
        return done.returncode, done.stdout, done.stderr

    return run


CHANGELOG = """# Changelog

## Unreleased

- later

## 1.2.0 - 2026-11-30

### Added
- a

## 1.1.0 - 2026-01-01

- b
"""


def test_the_version_to_release(release):
    """The newest dated heading counts; "Unreleased" alone is no release."""
    assert release(CHANGELOG, "version") == (0, "1.2.0\n", "")
    assert release("# Changelog\n\n## Unreleased\n\n- later\n", "version") == (0, "\n", "")


def test_files_that_disagree_are_no_release(release):
    """A version that was changed in one place only stops the release by name."""
    status, _, text = release(CHANGELOG, "version", version="1.2.1")
    assert status == 1
    assert "pyproject.toml has 1.2.1" in text


def test_the_notes_of_a_release(release):
    """Notes are the text under the heading; a version without one, or without text, is an error."""
    assert release(CHANGELOG, "notes", "1.2.0") == (0, "### Added\n- a\n", "")
    assert release(CHANGELOG, "notes", "1.1.0") == (0, "- b\n", "")
    assert release(CHANGELOG, "notes", "9.9.9")[0] == 1
    assert release("## 1.2.0 - 2026-11-30\n\n## 1.1.0 - 2026-01-01\n\n- b\n", "notes", "1.2.0")[0] == 1
    assert release(CHANGELOG, "publish")[0] == 2


def test_nothing_to_try_is_an_error(tmp_path):
    """A folder without a wheel and an sdist is no release that was tried."""
    (tmp_path / "ic_harness-1.2.0-py3-none-any.whl").touch()
    command = [sys.executable, str(ROOT / "scripts" / "try_release.py"), str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 2
    assert "no wheel and sdist" in done.stderr


def test_the_changelog_of_this_tree():
    """The committed changelog can be read, and agrees with the version of the package."""
    done = subprocess.run(
        [sys.executable, str(ROOT / "scripts" / "release.py"), "version"],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr
