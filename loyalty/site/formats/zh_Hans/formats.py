"""Chinese: thousands stand apart."""

THOUSAND_SEPARATOR = ","
NUMBER_GROUPING = 3
