"""Arabic: Django sets no thousands apart, and writes a moment in the English order."""

NUMBER_GROUPING = 3
DATETIME_FORMAT = "j F Y، g:i A"
DATE_FORMAT = "j F Y"
