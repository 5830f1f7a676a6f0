"""Moving in and out: tables of other systems are uploaded, looked at in a dry run, imported, and exported again."""
