"""When style sheet and scripts are built anew."""

import pytest

from launcher import assets


@pytest.fixture
def project(tmp_path):
    for name in (
        "package.json",
        "package-lock.json",
        "portal/look/icons.json",
        "assets/css/a.css",
        "assets/build.mjs",
    ):
        file = tmp_path / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(name)
    return tmp_path


def fingerprint(root):
    return assets.fingerprint(assets.sources(root), root)


@pytest.mark.parametrize(
    "name", ["package.json", "package-lock.json", "portal/look/icons.json", "assets/css/a.css"]
)
def test_a_changed_source_is_noticed(project, name):
    before = fingerprint(project)
    assert fingerprint(project) == before
    (project / name).write_text("changed")
    assert fingerprint(project) != before


def test_a_new_and_a_renamed_source_are_noticed(project):
    before = fingerprint(project)
    (project / "assets/css/b.css").write_text("")
    added = fingerprint(project)
    (project / "assets/css/b.css").rename(project / "assets/css/c.css")
    assert len({before, added, fingerprint(project)}) == 3


def test_a_result_that_somebody_changed_is_built_anew(project, monkeypatch):
    output = project / "static" / "vendor"
    output.mkdir(parents=True)
    monkeypatch.setattr(assets, "OUTPUT", output)
    monkeypatch.setattr(assets, "MARKER", output / ".built-from")
    assert not assets.is_fresh()
    (output / "venterom.css").write_text("body{}")
    (output / ".built-from").write_text(f"{assets.fingerprint(assets.sources())} {assets._listing()}")
    assert assets.is_fresh()
    (output / "venterom.css").unlink()
    assert not assets.is_fresh()
