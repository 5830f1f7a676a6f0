"""CSV files: their encoding and delimiter guessed, what cannot be a table refused with the line."""

import gzip
from pathlib import Path

import pytest

from accounts.tables import UnreadableFileError, forms, guess_form, harmless, restored
from accounts.tables.forms import ENCODINGS
from tests.tables.files import read


def a_file(folder: Path, content: bytes) -> Path:
    """A file of this content."""
    path = folder / "list.csv"
    path.write_bytes(content)
    return path


@pytest.mark.parametrize(
    ("content", "encoding", "delimiter", "is_sure"),
    [
        ("name;city\nÄnne;Köln\n".encode(), "utf-8-sig", ";", True),
        ("name;city\nÄnne;Köln\n".encode("utf-8-sig"), "utf-8-sig", ";", True),
        ("name\tcity\nÄnne\tKöln\n".encode("utf-16"), "utf-16", "\t", True),
        ("name|city\nÄnne|Köln\n".encode("utf-16-le"), "utf-16-le", "|", False),
        ("name,city\nÄnne,Köln\n".encode("cp1252"), "cp1252", ",", False),
        ('"name; or so",city\nÄnne,Köln\n'.encode(), "utf-8-sig", ",", True),
        (gzip.compress("name,city\nÄnne,Köln\n".encode(), mtime=0), "utf-8-sig", ",", True),
    ],
)
def test_form_is_guessed(tmp_path: Path, content: bytes, encoding: str, delimiter: str, is_sure: bool) -> None:
    path = a_file(tmp_path, content)

    form = guess_form(path, "list.csv")

    assert (form.encoding, form.delimiter, form.is_sure) == (encoding, delimiter, is_sure)
    assert read(path)[1] == [(2, ["Änne", "Köln"])]


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (b"", "list.csv is empty."),
        (b",,\n1,2,3\n", "list.csv: the first line is blank."),
        (b"a,b,a\n1,2,3\n", "list.csv: the column “a” stands in the header more than once."),
        (b"a,b\n1,2\n1\n", "list.csv, line 3: has 1 cells, the header has 2."),
        (b"a,b\n1,2,3\n", "list.csv, line 2: has 3 cells, the header has 2."),
        (b'a,b\n1,"2\n', "list.csv, line 2: a quote is opened in this line and never closed."),
        (b"a,b\n1,\0\n", "list.csv, line 2: has a character of value 0"),
        (b"a,b\n1," + b"x" * 100_001 + b"\n", "list.csv, line 2: has a cell of more than 100,000 characters."),
        (b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR", "list.csv, line "),
        (gzip.compress(b"a,b\n" * 9_000, mtime=0)[:-9], "list.csv is damaged"),
    ],
)
def test_file_that_is_no_table_is_refused(tmp_path: Path, content: bytes, sentence: str) -> None:
    with pytest.raises(UnreadableFileError) as refused:
        read(a_file(tmp_path, content))

    assert sentence in str(refused.value)


@pytest.mark.parametrize(
    ("most", "blocks"), [(1 << 24, 20), pytest.param(forms._MOST_CHARACTERS, 600, marks=pytest.mark.long)]
)
def test_gzip_bomb_is_stopped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, most: int, blocks: int) -> None:
    monkeypatch.setattr(forms, "_MOST_CHARACTERS", most)
    path = tmp_path / "list.csv"
    with gzip.open(path, "wb", compresslevel=9) as file:
        for _block in range(blocks):
            file.write((b"a,b" + b" " * 1_020 + b"\n") * 1_024)

    with pytest.raises(UnreadableFileError, match="the file is too large from here on"):
        read(path)


def test_every_encoding_that_is_offered_exists() -> None:
    assert [b"a".decode(name) for name in ENCODINGS if not name.startswith("utf-16")] == ["a"] * (len(ENCODINGS) - 2)


@pytest.mark.parametrize(
    ("text", "cell"),
    [
        ("=1+1", "'=1+1"),
        ("-cmd", "'-cmd"),
        ("@x", "'@x"),
        ("\tx", "'\tx"),
        ("＝1", "'＝1"),
        ("'=1", "''=1"),
        ("''=1", "'''=1"),
        ("-12.5", "-12.5"),
        ("'quoted'", "'quoted'"),
        ("'", "'"),
        ("", ""),
    ],
)
def test_quoting_is_undone_exactly(text: str, cell: str) -> None:
    assert harmless(text) == cell
    assert restored(cell) == text
