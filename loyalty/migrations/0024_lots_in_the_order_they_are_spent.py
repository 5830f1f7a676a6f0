"""Lots are found in the order in which they are spent, by whether they are open: how much is left is in no index, and
pages keep room, so that earning into a lot and spending a part of it leave all indexes as they are.
"""

import django.db.models.functions.comparison
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("loyalty", "0023_examples")]

    operations = [
        # Before the column, which writes every row anew.
        migrations.RunSQL(
            "ALTER TABLE loyalty_lot SET (fillfactor = 80)", "ALTER TABLE loyalty_lot RESET (fillfactor)"
        ),
        migrations.RemoveIndex(model_name='lot', name='lot_open_of_wallet'),
        migrations.RemoveIndex(model_name='lot', name='lot_open_by_last_day'),
        migrations.AddField(
            model_name='lot',
            name='is_open',
            field=models.GeneratedField(db_persist=True, expression=models.Q(('remaining__gt', 0)), output_field=models.BooleanField(verbose_name='holds points')),
        ),
        migrations.AddIndex(
            model_name='lot',
            index=models.Index(models.F('wallet'), django.db.models.functions.comparison.Coalesce('extended_to', 'expires_on'), models.F('available_on'), condition=models.Q(('is_open', True)), name='lot_open_in_order'),
        ),
        migrations.AddIndex(
            model_name='lot',
            index=models.Index(django.db.models.functions.comparison.Coalesce('extended_to', 'expires_on'), condition=models.Q(('is_open', True)), name='lot_open_by_last_day'),
        ),
    ]
