"""Where a file names a device, for somebody to write another there."""

from pathlib import Path

from bridge.config.naming import lines_naming


def test_the_lines_of_all_files_are_found(tmp_path: Path) -> None:
    config = tmp_path / "config.yaml"
    config.write_text(
        "groups:\n  kiosks: {serials: [a1, A12]}\n  sales: {serials_file: sales.txt}\n"
        "users_file: gone.csv\n# A1 was here\n"
    )
    (tmp_path / "sales.txt").write_text("B7\nA1  # Ann\n")
    found = [(Path(e.file).name, e.line, e.text) for e in lines_naming(config, "A1", "C3")]
    assert found == [
        ("config.yaml", 2, "kiosks: {serials: [C3, A12]}"),
        ("sales.txt", 2, "C3  # Ann"),
    ]


def test_no_secret_of_the_line_is_shown(tmp_path: Path) -> None:
    config = tmp_path / "config.yaml"
    config.write_text('{"api": {"key": "hush"}, "groups": {"a": {"serials": ["A1"]}}}')
    (line,) = lines_naming(config, "A1", "C3")
    assert line.text == "A1 -> C3"
