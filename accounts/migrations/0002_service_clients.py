"""Clients of the API stand apart: they lean on tables of a library, and these on our users."""

import django.db.models.deletion
import django.utils.timezone
from django.conf import settings
from django.db import migrations, models

from accounts.migrating import Together


class Migration(migrations.Migration):

    replaces = [
        ('accounts', '0006_api_clients'),
    ]

    dependencies = [
        ('accounts', '0001_beginning'),
        ('allauth_idp_oidc', '0003_client_allow_uri_wildcards'),
    ]

    operations = [
        Together(
            operations=[
                migrations.CreateModel(
                    name='ServiceClient',
                    fields=[
                        ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                        ('has_all_companies', models.BooleanField(default=False, help_text='Otherwise those listed, and it cannot create companies.', verbose_name='all companies')),
                        ('requests_a_minute', models.PositiveIntegerField(default=600, verbose_name='requests a minute')),
                        ('is_active', models.BooleanField(default=True, verbose_name='active')),
                        ('created_at', models.DateTimeField(default=django.utils.timezone.now, verbose_name='created')),
                        ('last_token_at', models.DateTimeField(help_text='When it last fetched a token; a token lasts an hour.', null=True, verbose_name='last token')),
                        ('companies', models.ManyToManyField(blank=True, related_name='service_clients', to='accounts.company', verbose_name='companies')),
                        ('made_by', models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL, verbose_name='made by')),
                        ('oauth_client', models.OneToOneField(on_delete=django.db.models.deletion.PROTECT, related_name='service_client', to='allauth_idp_oidc.client', verbose_name='client id')),
                        ('user', models.OneToOneField(on_delete=django.db.models.deletion.PROTECT, related_name='service_client', to=settings.AUTH_USER_MODEL, verbose_name='acts as')),
                    ],
                    options={
                        'verbose_name': 'API client',
                        'verbose_name_plural': 'API clients',
                        'constraints': [models.CheckConstraint(condition=models.Q(('requests_a_minute__gte', 1)), name='service_client_may_ask')],
                    },
                ),
            ],
        ),
    ]
