"""The binary data of the wheel keep their limit, and none of them is overlooked."""

from __future__ import annotations

import subprocess

from tools import ROOT, sizes


def test_the_binary_data_of_the_wheel_keep_their_limit(capsys):
    assert sizes.main() == 0
    *files, last = capsys.readouterr().out.splitlines()
    listed = {line.split()[1]: int(line.split()[0].replace(",", "")) for line in files}
    assert last.split()[0].replace(",", "") == str(sum(listed.values()))
    assert sum(listed.values()) <= 25_000_000
    # Git knows by itself which of the files in its index are binary.
    command = ["git", "diff", "--numstat", "4b825dc642cb6eb9a060e54bf8d69288fbee4904", "HEAD"]
    command += ["--", "data", "latentlang"]
    counted = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout
    rows = [line.split("\t") for line in counted.splitlines()]
    assert {name for added, _, name in rows if added == "-"} <= set(listed)


def test_text_is_left_out_and_all_else_counts(tmp_path, monkeypatch, capsys):
    (tmp_path / "pyproject.toml").write_text(
        "[tool.hatch.build.targets.wheel]\npackages = ['lib']\n"
        "[tool.hatch.build.targets.wheel.force-include]\n"
        "'data/deep' = 'lib/deep'\n'data/one.bin' = 'lib/one.bin'\n"
    )
    files = {
        "lib/code.py": "é = 1\n".encode(),
        "lib/__pycache__/code.pyc": b"\xff",
        "data/deep/down/lens.safetensors": b"\xff" * 30,
        "data/deep/zeros": b"\0" * 20,
        "data/deep/words.csv": "词\n".encode(),
        "data/one.bin": b"\x80" * 10,
        "data/elsewhere.bin": b"\xff" * 1000,
    }
    for name, content in files.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_bytes(content)
    monkeypatch.setattr(sizes, "ROOT", tmp_path)
    monkeypatch.setattr(sizes, "LIMIT", 60)
    assert sizes.main() == 0
    assert capsys.readouterr().out.splitlines() == [
        "          30 data/deep/down/lens.safetensors",
        "          20 data/deep/zeros",
        "          10 data/one.bin",
        "          60 bytes in 3 files, of at most 60",
    ]
    monkeypatch.setattr(sizes, "LIMIT", 59)
    assert sizes.main() == 1
