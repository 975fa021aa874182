"""Mutants are patches: a patch applies exactly or not at all, and all of them make one crate that chooses."""

from __future__ import annotations

import importlib.util
import re
import sys

import pytest

from .mutants import FOLDER, ROOT

_SPEC = importlib.util.spec_from_file_location("ic_harness_mutants", ROOT / "scripts" / "mutants.py")
assert _SPEC is not None
assert _SPEC.loader is not None
patches = importlib.util.module_from_spec(_SPEC)
sys.modules[_SPEC.name] = patches
_SPEC.loader.exec_module(patches)

SOURCE = """\
pub mod clock;

pub fn end(now: u64) -> u64 {
    let ttl = 7;
    now + ttl
}

const MOST: u64 = 9;

impl Limits {
    pub fn most(&self) -> u64 {
        MOST
    }
}
"""


@pytest.fixture
def crate(tmp_path):
    """A crate of one file."""
    (tmp_path / "src").mkdir()
    (tmp_path / "src" / "lib.rs").write_text(SOURCE, encoding="utf-8")
    return tmp_path


@pytest.fixture
def patch(tmp_path):
    """Write a patch with this diff and read it."""

    def make(diff, name="late", head="Sessions live long.\n\nBreaks: UB8\n\n"):
        path = tmp_path / f"{name}.patch"
        path.write_text(head + "--- a/src/lib.rs\n+++ b/src/lib.rs\n" + diff, encoding="utf-8")
        return patches.read_patch(path)

    return make


LATE = "@@ -3,3 +3,3 @@\n pub fn end(now: u64) -> u64 {\n-    let ttl = 7;\n+    let ttl = 7_000;\n     now + ttl\n"
NEVER = "@@ -4,2 +4,3 @@\n     let ttl = 7;\n+    let now = u64::MAX - ttl;\n     now + ttl\n"


def test_a_patch_changes_its_lines_and_no_others(crate, patch):
    """What the patch does not name stays byte for byte."""
    assert patches.patched(crate, patch(LATE)) == {"src/lib.rs": SOURCE.replace("= 7;", "= 7_000;")}


def test_lines_may_have_moved(crate, patch):
    """The numbers in a hunk's head are not believed: the lines are looked for."""
    path = crate / "src" / "lib.rs"
    path.write_text("// One line more.\n" * 40 + SOURCE, encoding="utf-8")
    assert "7_000" in patches.patched(crate, patch(LATE))["src/lib.rs"]


def test_a_patch_whose_lines_changed_is_an_error(crate, patch):
    """The error for an edited line that a mutant changes names the mutant."""
    (crate / "src" / "lib.rs").write_text(SOURCE.replace("= 7;", "= 8;"), encoding="utf-8")
    with pytest.raises(patches.PatchError, match=r"late: the old lines of a hunk are not in src/lib.rs"):
        patches.merged(crate, [patch(LATE)])


def test_lines_that_stand_twice_are_an_error(crate, patch):
    """No patch is put into the first of two places by luck."""
    (crate / "src" / "lib.rs").write_text(SOURCE + SOURCE, encoding="utf-8")
    with pytest.raises(patches.PatchError, match="more than once"):
        patches.patched(crate, patch(LATE))


def test_a_file_that_is_gone_is_an_error(crate, patch):
    """A patch for a renamed file is reported like any other that does not apply."""
    (crate / "src" / "lib.rs").unlink()
    with pytest.raises(patches.PatchError, match=r"late: there is no src/lib.rs"):
        patches.patched(crate, patch(LATE))


@pytest.mark.parametrize(
    ("diff", "head"),
    [
        ("@@ -3,3 +3,3 @@\n pub fn end(now: u64) -> u64 {\n", "Late.\n\nBreaks: UB8\n\n"),
        ("@@ -1 +1 @@\n-a\n+b\nrubbish\n", "Late.\n\nBreaks: UB8\n\n"),
        (LATE, "Late.\n\n"),
        (LATE, "Breaks: UB8\n\n"),
        (LATE, "Late.\n\nBreaks: everything\n\n"),
        (LATE, "Late\n\nBreaks: UB8\n\n"),
    ],
)
def test_a_patch_that_cannot_be_read_is_an_error(patch, diff, head):
    """A cut-off diff, other lines, and a head that does not say what is broken."""
    with pytest.raises(patches.PatchError):
        patch(diff, head=head)


def test_a_name_that_does_not_fit_into_the_module_is_an_error(patch):
    """The name is written into the data of the module, where it has a place of fixed size."""
    with pytest.raises(patches.PatchError):
        patch(LATE, name="n" * (patches.LONGEST_NAME + 1))


def test_all_patches_make_one_crate(crate, patch):
    """A function with two mutants has both bodies before its own; what the patch adds outside is added."""
    helper = (
        "@@ -11,3 +11,7 @@\n     pub fn most(&self) -> u64 {\n-        MOST\n+        more()\n     }\n }\n"
        "+\n+fn more() -> u64 {\n+    10\n+}\n"
    )
    files = patches.merged(
        crate, [patch(LATE), patch(NEVER, name="never"), patch(helper.replace("+11,7", "+11,8"), name="more")]
    )
    assert list(files) == ["src/lib.rs", "src/planted.rs"]
    text = " ".join(files["src/lib.rs"].split())
    assert "#![allow(warnings)] mod planted; pub mod clock;" in text
    assert (
        'u64 { if crate::planted::is("late") { return { let ttl = 7_000; now + ttl }; } '
        'if crate::planted::is("never") { return { let ttl = 7; let now = u64::MAX - ttl; now + ttl }; } '
        "let ttl = 7; now + ttl }"
    ) in text
    assert '{ if crate::planted::is("more") { return { more() }; } MOST }' in text
    assert text.endswith("fn more() -> u64 { 10 }")


def test_what_cannot_be_chosen_when_it_runs_is_an_error(crate, patch):
    """A constant is the same for all mutants: a patch changes bodies of functions."""
    diff = "@@ -8 +8 @@\n-const MOST: u64 = 9;\n+const MOST: u64 = 90;\n"
    with pytest.raises(patches.PatchError, match=r"src/lib.rs:8 is not in the body of a function"):
        patches.merged(crate, [patch(diff)])


def test_the_place_for_the_name_holds_the_longest(crate, patch):
    """`none` and every name are followed by a space, by which the module knows where they end."""
    text = patches.merged(crate, [patch(LATE)])["src/planted.rs"]
    found = re.search(r'\[u8; (\d+)\] = \*b"([^"]*)"', text)
    assert found is not None, text
    size, data = found.groups()
    assert int(size) == len(data) == len("planted: ") + patches.LONGEST_NAME + 1


def test_every_mutant_applies():
    """Each patch applies to the crate that is here, alone and with all others."""
    found = patches.read_patches(FOLDER)
    crate = ROOT / "src" / "backend"
    assert all(patches.patched(crate, each) for each in found)
    assert "src/planted.rs" in patches.merged(crate, found)
