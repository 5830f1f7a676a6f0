"""Orders that were placed before steps were kept get theirs: placed, and cancelled where they were."""

from django.db import migrations


class Migration(migrations.Migration):

    dependencies = [("rewards", "0002_the_desks")]

    operations = [
        migrations.RunSQL(
            """
            INSERT INTO rewards_redemptionstep (redemption_id, state, at, by_id, reason)
            SELECT id, 'REQUESTED', placed_at, placed_by_id, '' FROM rewards_redemption
            UNION ALL
            SELECT r.id, 'CANCELLED', r.refunded_at, coalesce(t.actor_id, r.placed_by_id), ''
            FROM rewards_redemption r JOIN loyalty_transaction t ON t.id = r.credit_id
            WHERE r.state = 'CANCELLED'
            """,
            "DELETE FROM rewards_redemptionstep",
        )
    ]
