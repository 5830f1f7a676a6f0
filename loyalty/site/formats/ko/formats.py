"""Korean: the half of the day stands before its hour."""

DATETIME_FORMAT = "Y년 n월 j일 A g:i"
