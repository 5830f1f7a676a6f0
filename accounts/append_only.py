"""Tables that only grow: the database refuses update, delete and truncate, whoever asks."""

import pgtrigger


def append_only() -> pgtrigger.Trigger:
    """Return the statement trigger that makes a table append-only; for `Meta.triggers`.

    One statement trigger rather than `pgtrigger.Protect`, which cannot take TRUNCATE and costs a call a row.
    """
    return pgtrigger.Trigger(
        name="append_only",
        level=pgtrigger.Statement,
        when=pgtrigger.Before,
        operation=pgtrigger.Update | pgtrigger.Delete | pgtrigger.Truncate,
        func="""
            RAISE EXCEPTION '% is append-only', TG_TABLE_NAME
            USING ERRCODE = 'restrict_violation', CONSTRAINT = TG_TABLE_NAME || '_is_append_only';
        """,
    )
