"""Points by hand for many: which file or list an adjustment came with."""

import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ("accounts", "0015_people_known_by_an_address"),
        ("loyalty", "0013_standing_at_full_depth"),
    ]

    operations = [
        migrations.AddField(
            model_name='adjustment',
            name='batch',
            field=models.ForeignKey(help_text='The file or the list of a segment that it came with.', null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='accounts.import', verbose_name='batch'),
        ),
        migrations.AddConstraint(
            model_name='adjustment',
            constraint=models.UniqueConstraint(condition=models.Q(('batch__isnull', False)), fields=('batch', 'membership', 'employee'), name='adjustment_once_a_batch', nulls_distinct=False),
        ),
    ]
