"""Tables as files: CSV, plain or gzipped, and Excel workbooks; read and written row by row, never held whole.

A row is a list of texts, whatever the file: numbers with a point, days as 2026-01-31, moments as 2026-01-31 10:00:00.
"""

from accounts.tables.cells import FLAGS, CellError, Cells
from accounts.tables.csv_files import open_csv
from accounts.tables.forms import Form, guess_form, open_table, rows_about
from accounts.tables.quoting import harmless, restored
from accounts.tables.structure import Table, UnreadableFileError
from accounts.tables.workbooks import UNREADABLE, open_workbook
from accounts.tables.writing import CsvWriter, TableWriter, WorkbookWriter, writer_of

__all__ = [
    "FLAGS",
    "UNREADABLE",
    "CellError",
    "Cells",
    "CsvWriter",
    "Form",
    "Table",
    "TableWriter",
    "UnreadableFileError",
    "WorkbookWriter",
    "guess_form",
    "harmless",
    "open_csv",
    "open_table",
    "open_workbook",
    "restored",
    "rows_about",
    "writer_of",
]
