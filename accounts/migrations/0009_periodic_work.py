import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('accounts', '0008_mail'),
    ]

    operations = [
        migrations.CreateModel(
            name='PeriodicWork',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('code', models.SlugField(max_length=60, verbose_name='work')),
                ('next_due_at', models.DateTimeField(verbose_name='next due')),
                ('failed_at', models.DateTimeField(null=True, verbose_name='last failed')),
                ('failure', models.TextField(blank=True, verbose_name='why it failed')),
                ('job', models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='accounts.job', verbose_name='latest job')),
            ],
            options={
                'verbose_name': 'periodic work',
                'verbose_name_plural': 'periodic work',
                'constraints': [models.UniqueConstraint(fields=('code',), name='periodic_work_once')],
            },
        ),
    ]
