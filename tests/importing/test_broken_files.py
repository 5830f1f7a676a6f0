"""A file that is broken anywhere is refused as a whole, with the line and what to do."""

import gzip
from collections.abc import Callable
from pathlib import Path

import pytest

from loyalty.importing import NotPreparedError, UnreadableFileError
from loyalty.models import Source
from tests.importing.files import (
    HEADER,
    a_file,
    a_profile,
    a_row,
    a_wholesale_program,
    import_file,
    rows_there,
)

pytestmark = pytest.mark.django_db

GOOD = [a_row(str(number)) for number in range(1, 4)]


def broken(old: bytes, new: bytes) -> Callable[[bytes], bytes]:
    """A way to break a file: its last `old` becomes `new`."""

    def break_(content: bytes) -> bytes:
        assert old in content
        return new.join(content.rsplit(old, 1))

    return break_


@pytest.mark.parametrize(
    ("break_", "sentence"),
    [
        (lambda content: b"", "lines.csv is empty."),
        (lambda content: b"\n\n", "lines.csv is empty."),
        (lambda content: content.splitlines(keepends=True)[0], "lines.csv has a header and nothing under it."),
        (broken(b"Something", b"S\xfcss"), "lines.csv, line 4: is not in the encoding utf-8 that is expected."),
        (lambda content: content.decode().encode("utf-16"), "is not in the encoding utf-8"),
        (broken(b"Something", b"a\0b"), "lines.csv, line 4: has a character of value 0"),
        (broken(b"Price", b"Cost"), "the header lacks “Price”, which the profile needs; it has Invoice, StockCode"),
        (lambda content: content.replace(b",", b";"), "Is the delimiter another one?"),
        (broken(b"Description", b"Price"), "the column “Price” stands in the header more than once."),
        (broken(b"Something", b"a,b"), "lines.csv, line 4: has 9 cells, the header has 8."),
        (broken(b",Something", b""), "lines.csv, line 4: has 7 cells, the header has 8."),
        (broken(b"Something", b"x" * 100_001), "lines.csv, line 4: has a cell of more than 100,000 characters."),
        (broken(b"Something", b"x" * 1_000_000), "lines.csv, line 4: has a cell of more than 100,000 characters."),
        (broken(b"Something", b'"' + b"x\n" * 600_000 + b'"'), "lines.csv, line 4: has a cell of more than 100,000"),
        (broken(b"Something", b'"Something'), "lines.csv, line 4: a quote is opened in this line and never closed."),
        (broken(b"Something", b'"Some"thing'), "lines.csv, line 4: a quote stands where none may"),
        (lambda content: gzip.compress(content)[:-20], "lines.csv is damaged"),
    ],
)
def test_broken_file_is_refused_and_changes_nothing(
    tmp_path: Path, break_: Callable[[bytes], bytes], sentence: str
) -> None:
    a_wholesale_program()
    path = a_file(tmp_path, *GOOD)
    path.write_bytes(break_(path.read_bytes()))
    before = rows_there()

    with pytest.raises(UnreadableFileError) as refusal:
        import_file(path, a_profile(tmp_path), batch_size=1)

    assert sentence in str(refusal.value)
    assert len(str(refusal.value)) < 500
    assert rows_there() == before


def test_good_file_may_be_gzipped_start_with_a_mark_and_end_in_blank_lines(tmp_path: Path) -> None:
    a_wholesale_program()
    path = a_file(tmp_path, *GOOD)
    path.write_bytes(gzip.compress(b"\xef\xbb\xbf" + path.read_bytes() + b"\r\n\r\n"))

    result, _rejections = import_file(path, a_profile(tmp_path))

    assert (result.lines, result.recorded) == (3, 3)


def test_cell_of_the_longest_length_is_read(tmp_path: Path) -> None:
    a_wholesale_program()
    path = a_file(tmp_path, ("1", "A", "x" * 100_000, "1", "2010-01-01 00:00:00", "1", "C1", ""), header=HEADER)

    result, _rejections = import_file(path, a_profile(tmp_path))

    assert result.recorded == 1


def test_missing_file_and_folder_are_refused(tmp_path: Path) -> None:
    a_wholesale_program()

    for path in (tmp_path / "none.csv", tmp_path):
        with pytest.raises(UnreadableFileError, match="is not a file"):
            import_file(path, a_profile(tmp_path))


def test_program_that_is_missing_is_named(tmp_path: Path) -> None:
    path = a_file(tmp_path, *GOOD)

    with pytest.raises(NotPreparedError, match="no program “wholesale”"):
        import_file(path, a_profile(tmp_path))


def test_type_attribute_and_source_that_do_not_fit_are_named(tmp_path: Path) -> None:
    a_wholesale_program()
    Source.objects.create(code="shop-api", name="API", kind=Source.Kind.API)
    path = a_file(tmp_path, *GOOD)
    before = rows_there()

    with pytest.raises(NotPreparedError, match="no activity type “sale”"):
        import_file(path, a_profile(tmp_path, defaults={"type": "sale", "currency": "GBP"}))
    with pytest.raises(NotPreparedError, match="declares the attribute “colour”"):
        import_file(path, a_profile(tmp_path, attributes={"colour": "Description"}))
    with pytest.raises(NotPreparedError, match="“shop-api” is not one for imports"):
        import_file(path, a_profile(tmp_path, source={"code": "shop-api", "name": "Shop"}))

    assert rows_there() == before
