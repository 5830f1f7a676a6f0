"""Japanese: an hour stands apart from its day."""

DATETIME_FORMAT = "Y年n月j日 G:i"
