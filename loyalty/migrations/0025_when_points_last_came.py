"""A wallet keeps when points last came to it, so that counting active companies reads no postings; and the indexes of
postings by wallet carry the points, so that a company's months are added up from them alone.
"""

import pgtrigger.compiler
import pgtrigger.migrations
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [("loyalty", "0024_lots_in_the_order_they_are_spent")]

    operations = [
        pgtrigger.migrations.RemoveTrigger(
            model_name='posting',
            name='apply_balances',
        ),
        migrations.RemoveIndex(
            model_name='posting',
            name='posting_out_of_wallet',
        ),
        migrations.RemoveIndex(
            model_name='posting',
            name='posting_into_wallet',
        ),
        migrations.AddField(
            model_name='wallet',
            name='received_at',
            field=models.DateTimeField(blank=True, editable=False, help_text='The latest moment they count from.', null=True, verbose_name='points last came'),
        ),
        migrations.AddIndex(
            model_name='posting',
            index=models.Index(fields=['debit_wallet', 'effective_at', 'id'], include=('points',), name='posting_out_of_wallet'),
        ),
        migrations.AddIndex(
            model_name='posting',
            index=models.Index(fields=['credit_wallet', 'effective_at', 'id'], include=('points',), name='posting_into_wallet'),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='posting',
            trigger=pgtrigger.compiler.Trigger(name='apply_balances', sql=pgtrigger.compiler.UpsertTriggerSql(func="\n                    IF EXISTS (\n                        SELECT FROM new_postings p\n                        LEFT JOIN loyalty_wallet d ON d.id = p.debit_wallet_id\n                        LEFT JOIN loyalty_wallet c ON c.id = p.credit_wallet_id\n                        LEFT JOIN loyalty_transaction t ON t.id = p.transaction_id\n                        WHERE (d.company_id = p.company_id AND c.company_id = p.company_id\n                               AND t.company_id = p.company_id AND d.program_id = c.program_id\n                               AND t.program_id = d.program_id) IS NOT TRUE\n                    ) THEN\n                        RAISE EXCEPTION 'a posting stays inside one company and program, between wallets that exist'\n                        USING ERRCODE = 'check_violation', CONSTRAINT = 'posting_stays_in_company';\n                    END IF;\n                    UPDATE loyalty_wallet w\n                    SET balance = w.balance + moved.points, received_at = greatest(w.received_at, moved.received_at)\n                    FROM (\n                        SELECT wallet_id, sum(points)::bigint AS points, max(received_at) AS received_at\n                        FROM (\n                            SELECT debit_wallet_id AS wallet_id, -points AS points, NULL AS received_at\n                            FROM new_postings\n                            UNION ALL SELECT credit_wallet_id, points, effective_at FROM new_postings\n                        ) AS legs\n                        GROUP BY wallet_id\n                    ) AS moved\n                    WHERE w.id = moved.wallet_id;\n                    RETURN NULL;\n                ", hash='e6a1e9473c425f28e637d976e3185bc8bb5891d6', level='STATEMENT', operation='INSERT', pgid='pgtrigger_apply_balances_a5f6f', referencing='REFERENCING NEW TABLE AS new_postings ', table='loyalty_posting', when='AFTER')),
        ),
        migrations.RunSQL(
            """UPDATE loyalty_wallet w SET received_at = p.received_at
               FROM (SELECT credit_wallet_id, max(effective_at) AS received_at FROM loyalty_posting
                     GROUP BY credit_wallet_id) AS p
               WHERE p.credit_wallet_id = w.id""",
            migrations.RunSQL.noop,
        ),
    ]
