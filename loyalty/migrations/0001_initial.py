
import accounts.models.users
import accounts.text
import django.contrib.postgres.constraints
import django.contrib.postgres.fields
import django.contrib.postgres.fields.ranges
import django.core.validators
import django.db.models.deletion
import django.db.models.expressions
import pgtrigger.compiler
import pgtrigger.migrations
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):

    initial = True

    dependencies = [
        ('accounts', '0001_initial'),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name='ActivityType',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('code', models.SlugField(unique=True, verbose_name='code')),
                ('name', models.CharField(max_length=100, validators=[accounts.text.validate_plain_text], verbose_name='name')),
            ],
            options={
                'verbose_name': 'activity type',
                'verbose_name_plural': 'activity types',
            },
        ),
        migrations.CreateModel(
            name='Lot',
            fields=[
                ('id', models.BigAutoField(primary_key=True, serialize=False)),
                ('available_on', models.DateField(verbose_name='available from')),
                ('expires_on', models.DateField(null=True, verbose_name='last day')),
                ('earned', models.BigIntegerField(verbose_name='earned')),
                ('remaining', models.BigIntegerField(verbose_name='left')),
                ('expired', models.BigIntegerField(default=0, verbose_name='expired')),
            ],
            options={
                'verbose_name': 'lot',
                'verbose_name_plural': 'lots',
            },
        ),
        migrations.CreateModel(
            name='Source',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('code', models.SlugField(unique=True, verbose_name='code')),
                ('name', models.CharField(max_length=100, validators=[accounts.text.validate_plain_text], verbose_name='name')),
                ('kind', models.CharField(choices=[('IMPORT', 'import'), ('API', 'API'), ('INTERNAL', 'this installation')], max_length=10, verbose_name='kind')),
            ],
            options={
                'verbose_name': 'source',
                'verbose_name_plural': 'sources',
            },
        ),
        migrations.CreateModel(
            name='Activity',
            fields=[
                ('id', models.BigAutoField(primary_key=True, serialize=False)),
                ('external_id', models.CharField(max_length=200, verbose_name='number at the source')),
                ('payload_hash', models.BinaryField(max_length=16)),
                ('object', models.CharField(blank=True, max_length=200, verbose_name='object')),
                ('quantity', models.DecimalField(decimal_places=4, max_digits=18, null=True, verbose_name='quantity')),
                ('amount', models.DecimalField(decimal_places=4, max_digits=18, null=True, verbose_name='amount')),
                ('currency', models.CharField(blank=True, max_length=3, verbose_name='currency')),
                ('attributes', models.JSONField(default=dict, verbose_name='attributes')),
                ('occurred_at', models.DateTimeField(verbose_name='when')),
                ('recorded_at', models.DateTimeField(verbose_name='recorded')),
                ('reverses_external_id', models.CharField(blank=True, max_length=200, verbose_name='undoes')),
                ('company', models.ForeignKey(db_constraint=False, db_index=False, on_delete=django.db.models.deletion.PROTECT, to='accounts.company')),
                ('employee', models.ForeignKey(db_constraint=False, db_index=False, null=True, on_delete=django.db.models.deletion.PROTECT, to='accounts.employee')),
                ('type', models.ForeignKey(db_constraint=False, db_index=False, on_delete=django.db.models.deletion.PROTECT, to='loyalty.activitytype')),
                ('source', models.ForeignKey(db_constraint=False, db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='loyalty.source')),
            ],
            options={
                'verbose_name': 'activity',
                'verbose_name_plural': 'activities',
            },
        ),
        migrations.CreateModel(
            name='Program',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('code', models.SlugField(unique=True, verbose_name='code')),
                ('name', models.CharField(max_length=100, validators=[accounts.text.validate_plain_text], verbose_name='name')),
                ('currency', models.CharField(max_length=3, validators=[django.core.validators.RegexValidator('^[A-Z]{3}\\Z', 'A currency has three capital letters, such as GBP.')], verbose_name='currency')),
                ('time_zone', models.CharField(max_length=64, validators=[accounts.models.users.validate_time_zone], verbose_name='time zone')),
                ('expiry_months', models.PositiveSmallIntegerField(blank=True, help_text='Counted from the day of the activity; empty: they do not expire.', null=True, validators=[django.core.validators.MinValueValidator(1), django.core.validators.MaxValueValidator(240)], verbose_name='points last (months)')),
                ('tier_metric', models.SlugField(blank=True, help_text='Code of the metric that raises and lowers tiers.', verbose_name='tier metric')),
                ('tier_window', models.CharField(choices=[('ROLLING', 'rolling months'), ('CALENDAR_YEAR', 'calendar year')], default='ROLLING', max_length=20, verbose_name='tier window')),
                ('tier_months', models.PositiveSmallIntegerField(default=12, help_text='For a rolling window: the current month and the whole months before it.', validators=[django.core.validators.MinValueValidator(1), django.core.validators.MaxValueValidator(120)], verbose_name='months in the window')),
                ('is_active', models.BooleanField(default=True, verbose_name='running')),
            ],
            options={
                'verbose_name': 'program',
                'verbose_name_plural': 'programs',
                'constraints': [models.CheckConstraint(condition=models.Q(('expiry_months__isnull', True), ('expiry_months__gte', 1), _connector='OR'), name='program_expiry_positive'), models.CheckConstraint(condition=models.Q(('tier_months__gte', 1)), name='program_tier_window_positive')],
            },
        ),
        migrations.CreateModel(
            name='Metric',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('code', models.SlugField(verbose_name='code')),
                ('name', models.CharField(max_length=100, validators=[accounts.text.validate_plain_text], verbose_name='name')),
                ('measure', models.CharField(choices=[('AMOUNT', 'money'), ('QUANTITY', 'pieces'), ('COUNT', 'number of activities'), ('POINTS', 'points given')], max_length=10, verbose_name='adds up')),
                ('condition', models.JSONField(blank=True, default=dict, verbose_name='only if')),
                ('activity_type', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='loyalty.activitytype')),
                ('program', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='metrics', to='loyalty.program')),
            ],
            options={
                'verbose_name': 'metric',
                'verbose_name_plural': 'metrics',
            },
        ),
        migrations.CreateModel(
            name='Membership',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('starts_at', models.DateTimeField(verbose_name='from')),
                ('ends_at', models.DateTimeField(blank=True, null=True, verbose_name='until')),
                ('origin', models.CharField(choices=[('ENROLLED_BY_VENDOR', 'enrolled by the vendor'), ('JOINED', 'joined by the company')], default='ENROLLED_BY_VENDOR', max_length=20, verbose_name='origin')),
                ('company', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='memberships', to='accounts.company')),
                ('program', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='memberships', to='loyalty.program')),
            ],
            options={
                'verbose_name': 'membership',
                'verbose_name_plural': 'memberships',
            },
        ),
        migrations.CreateModel(
            name='Evaluation',
            fields=[
                ('id', models.BigAutoField(primary_key=True, serialize=False)),
                ('facts', models.JSONField(default=dict)),
                ('metrics', models.JSONField(default=dict)),
                ('activity', models.ForeignKey(db_constraint=False, db_index=False, on_delete=django.db.models.deletion.PROTECT, to='loyalty.activity')),
                ('company', models.ForeignKey(db_constraint=False, db_index=False, on_delete=django.db.models.deletion.PROTECT, to='accounts.company')),
                ('program', models.ForeignKey(db_constraint=False, db_index=False, on_delete=django.db.models.deletion.PROTECT, to='loyalty.program')),
            ],
            options={
                'verbose_name': 'evaluation',
                'verbose_name_plural': 'evaluations',
            },
        ),
        migrations.CreateModel(
            name='CapUsage',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('rule_code', models.CharField(max_length=50)),
                ('subject', models.CharField(choices=[('EMPLOYEE', 'a person'), ('COMPANY', 'a company'), ('PROGRAM', 'the whole program')], max_length=10)),
                ('subject_id', models.BigIntegerField()),
                ('period', models.CharField(choices=[('DAY', 'day'), ('WEEK', 'week'), ('MONTH', 'month'), ('QUARTER', 'quarter'), ('YEAR', 'year'), ('EVER', 'ever')], max_length=10)),
                ('period_start', models.DateField()),
                ('used', models.BigIntegerField(default=0)),
                ('limit', models.BigIntegerField()),
                ('program', models.ForeignKey(db_constraint=False, db_index=False, on_delete=django.db.models.deletion.PROTECT, to='loyalty.program')),
            ],
            options={
                'verbose_name': 'use of a limit',
                'verbose_name_plural': 'uses of limits',
            },
        ),
        migrations.CreateModel(
            name='Rule',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('code', models.SlugField(verbose_name='code')),
                ('name', models.CharField(max_length=100, validators=[accounts.text.validate_plain_text], verbose_name='name')),
                ('position', models.PositiveSmallIntegerField(default=0, verbose_name='order')),
                ('condition', models.JSONField(blank=True, default=dict, verbose_name='only if')),
                ('formula', models.JSONField(verbose_name='give')),
                ('beneficiary', models.CharField(choices=[('COMPANY', 'the company'), ('EMPLOYEE', 'the employee'), ('BOTH', 'the company and the employee')], default='COMPANY', max_length=10, verbose_name='to')),
                ('activity_type', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='loyalty.activitytype', verbose_name='when')),
            ],
            options={
                'verbose_name': 'rule',
                'verbose_name_plural': 'rules',
            },
        ),
        migrations.CreateModel(
            name='Award',
            fields=[
                ('id', models.BigAutoField(primary_key=True, serialize=False)),
                ('rule_code', models.CharField(max_length=50)),
                ('raw', models.BigIntegerField()),
                ('granted', models.BigIntegerField()),
                ('cap_left_before', models.BigIntegerField(null=True)),
                ('activity', models.ForeignKey(db_constraint=False, db_index=False, on_delete=django.db.models.deletion.PROTECT, to='loyalty.activity')),
                ('company', models.ForeignKey(db_constraint=False, db_index=False, on_delete=django.db.models.deletion.PROTECT, to='accounts.company')),
                ('evaluation', models.ForeignKey(db_constraint=False, db_index=False, on_delete=django.db.models.deletion.PROTECT, to='loyalty.evaluation')),
                ('program', models.ForeignKey(db_constraint=False, db_index=False, on_delete=django.db.models.deletion.PROTECT, to='loyalty.program')),
                ('rule', models.ForeignKey(db_constraint=False, db_index=False, on_delete=django.db.models.deletion.PROTECT, to='loyalty.rule')),
            ],
            options={
                'verbose_name': 'award',
                'verbose_name_plural': 'awards',
            },
        ),
        migrations.CreateModel(
            name='RuleCap',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('subject', models.CharField(choices=[('EMPLOYEE', 'a person'), ('COMPANY', 'a company'), ('PROGRAM', 'the whole program')], max_length=10, verbose_name='for')),
                ('period', models.CharField(choices=[('DAY', 'day'), ('WEEK', 'week'), ('MONTH', 'month'), ('QUARTER', 'quarter'), ('YEAR', 'year'), ('EVER', 'ever')], max_length=10, verbose_name='per')),
                ('limit', models.PositiveBigIntegerField(verbose_name='at most (points)')),
                ('rule', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='caps', to='loyalty.rule')),
            ],
            options={
                'verbose_name': 'limit',
                'verbose_name_plural': 'limits',
            },
        ),
        migrations.CreateModel(
            name='RuleSet',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('version', models.PositiveIntegerField(verbose_name='version')),
                ('status', models.CharField(choices=[('DRAFT', 'draft'), ('ACTIVE', 'active'), ('RETIRED', 'retired')], default='DRAFT', max_length=10, verbose_name='status')),
                ('starts_at', models.DateTimeField(blank=True, null=True, verbose_name='from')),
                ('ends_at', models.DateTimeField(blank=True, null=True, verbose_name='until')),
                ('program', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='rule_sets', to='loyalty.program')),
            ],
            options={
                'verbose_name': 'rule set',
                'verbose_name_plural': 'rule sets',
            },
        ),
        migrations.AddField(
            model_name='rule',
            name='rule_set',
            field=models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='rules', to='loyalty.ruleset'),
        ),
        migrations.AddField(
            model_name='evaluation',
            name='rule_set',
            field=models.ForeignKey(db_constraint=False, db_index=False, null=True, on_delete=django.db.models.deletion.PROTECT, to='loyalty.ruleset'),
        ),
        migrations.CreateModel(
            name='Tier',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('code', models.SlugField(verbose_name='code')),
                ('name', models.CharField(max_length=100, validators=[accounts.text.validate_plain_text], verbose_name='name')),
                ('rank', models.PositiveSmallIntegerField(help_text='1 is the lowest.', verbose_name='rank')),
                ('threshold', models.DecimalField(decimal_places=2, max_digits=18, verbose_name='from')),
                ('program', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='tiers', to='loyalty.program')),
            ],
            options={
                'verbose_name': 'tier',
                'verbose_name_plural': 'tiers',
            },
        ),
        migrations.CreateModel(
            name='TierAssignment',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('starts_at', models.DateTimeField(verbose_name='from')),
                ('ends_at', models.DateTimeField(blank=True, null=True, verbose_name='until')),
                ('source', models.CharField(choices=[('EARNED', 'earned'), ('CHOSEN', 'chosen'), ('INVITED', 'invited'), ('PAID', 'paid'), ('NEGOTIATED', 'negotiated')], default='EARNED', max_length=12, verbose_name='source')),
                ('evidence', models.JSONField(default=dict, verbose_name='evidence')),
                ('membership', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='tiers', to='loyalty.membership')),
                ('tier', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='loyalty.tier')),
            ],
            options={
                'verbose_name': 'tier of a company',
                'verbose_name_plural': 'tiers of companies',
            },
        ),
        migrations.CreateModel(
            name='Transaction',
            fields=[
                ('id', models.BigAutoField(primary_key=True, serialize=False)),
                ('kind', models.CharField(choices=[('EARN', 'earned'), ('RETURN', 'taken back after a return'), ('REDEEM', 'redeemed'), ('CANCEL', 'redemption cancelled'), ('EXPIRE', 'expired')], max_length=10, verbose_name='kind')),
                ('created_at', models.DateTimeField(verbose_name='when')),
                ('activity', models.ForeignKey(db_constraint=False, db_index=False, null=True, on_delete=django.db.models.deletion.PROTECT, to='loyalty.activity')),
                ('actor', models.ForeignKey(db_constraint=False, db_index=False, null=True, on_delete=django.db.models.deletion.PROTECT, to=settings.AUTH_USER_MODEL)),
                ('company', models.ForeignKey(db_constraint=False, db_index=False, on_delete=django.db.models.deletion.PROTECT, to='accounts.company')),
                ('program', models.ForeignKey(db_constraint=False, db_index=False, on_delete=django.db.models.deletion.PROTECT, to='loyalty.program')),
            ],
            options={
                'verbose_name': 'transaction',
                'verbose_name_plural': 'transactions',
            },
        ),
        migrations.CreateModel(
            name='Wallet',
            fields=[
                ('id', models.BigAutoField(primary_key=True, serialize=False)),
                ('kind', models.CharField(choices=[('AVAILABLE', 'available'), ('PENDING', 'pending'), ('DEBT', 'debt'), ('ISSUED', 'issued'), ('SPENT', 'spent'), ('EXPIRED', 'expired')], max_length=10, verbose_name='kind')),
                ('balance', models.BigIntegerField(default=0, verbose_name='balance')),
                ('expires_on', models.DateField(blank=True, null=True, verbose_name='expires')),
                ('company', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='wallets', to='accounts.company')),
                ('employee', models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='wallets', to='accounts.employee')),
                ('program', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='wallets', to='loyalty.program')),
            ],
            options={
                'verbose_name': 'wallet',
                'verbose_name_plural': 'wallets',
            },
        ),
        migrations.CreateModel(
            name='Posting',
            fields=[
                ('id', models.BigAutoField(primary_key=True, serialize=False)),
                ('points', models.BigIntegerField(verbose_name='points')),
                ('effective_at', models.DateTimeField(verbose_name='counts from')),
                ('created_at', models.DateTimeField(verbose_name='posted')),
                ('award', models.ForeignKey(db_constraint=False, db_index=False, null=True, on_delete=django.db.models.deletion.PROTECT, to='loyalty.award')),
                ('company', models.ForeignKey(db_constraint=False, db_index=False, on_delete=django.db.models.deletion.PROTECT, to='accounts.company')),
                ('lot', models.ForeignKey(db_constraint=False, db_index=False, null=True, on_delete=django.db.models.deletion.PROTECT, to='loyalty.lot')),
                ('reverses', models.ForeignKey(db_constraint=False, db_index=False, null=True, on_delete=django.db.models.deletion.PROTECT, to='loyalty.posting')),
                ('transaction', models.ForeignKey(db_constraint=False, on_delete=django.db.models.deletion.PROTECT, to='loyalty.transaction')),
                ('credit_wallet', models.ForeignKey(db_constraint=False, db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='credits', to='loyalty.wallet')),
                ('debit_wallet', models.ForeignKey(db_constraint=False, db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='debits', to='loyalty.wallet')),
            ],
            options={
                'verbose_name': 'posting',
                'verbose_name_plural': 'postings',
            },
        ),
        migrations.AddField(
            model_name='lot',
            name='wallet',
            field=models.ForeignKey(db_constraint=False, db_index=False, on_delete=django.db.models.deletion.PROTECT, to='loyalty.wallet'),
        ),
        migrations.AddField(
            model_name='award',
            name='wallet',
            field=models.ForeignKey(db_constraint=False, db_index=False, on_delete=django.db.models.deletion.PROTECT, to='loyalty.wallet'),
        ),
        migrations.CreateModel(
            name='ActivityReturn',
            fields=[
                ('activity', models.OneToOneField(db_constraint=False, on_delete=django.db.models.deletion.PROTECT, primary_key=True, related_name='returned', serialize=False, to='loyalty.activity')),
                ('original_amount', models.DecimalField(decimal_places=4, max_digits=18, null=True)),
                ('original_quantity', models.DecimalField(decimal_places=4, max_digits=18, null=True)),
                ('amount', models.DecimalField(decimal_places=4, default=0, max_digits=18)),
                ('quantity', models.DecimalField(decimal_places=4, default=0, max_digits=18)),
                ('is_whole', models.BooleanField(default=False)),
            ],
            options={
                'verbose_name': 'returned so far',
                'verbose_name_plural': 'returned so far',
                'constraints': [models.CheckConstraint(condition=models.Q(('amount__gte', 0), models.Q(('original_amount__isnull', True), ('amount__lte', models.F('original_amount')), _connector='OR')), name='activity_return_amount_within_original'), models.CheckConstraint(condition=models.Q(('quantity__gte', 0), models.Q(('original_quantity__isnull', True), ('quantity__lte', models.F('original_quantity')), _connector='OR')), name='activity_return_quantity_within_original')],
            },
        ),
        migrations.CreateModel(
            name='ReturnLink',
            fields=[
                ('activity', models.OneToOneField(db_constraint=False, on_delete=django.db.models.deletion.PROTECT, primary_key=True, related_name='return_link', serialize=False, to='loyalty.activity')),
                ('applied_at', models.DateTimeField(null=True)),
                ('original', models.ForeignKey(db_constraint=False, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='return_links', to='loyalty.activity')),
            ],
            options={
                'verbose_name': 'return',
                'verbose_name_plural': 'returns',
            },
        ),
        migrations.CreateModel(
            name='ActivityAttribute',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('code', models.SlugField(verbose_name='code')),
                ('name', models.CharField(max_length=100, validators=[accounts.text.validate_plain_text], verbose_name='name')),
                ('type', models.CharField(choices=[('NUMBER', 'number'), ('TEXT', 'code'), ('BOOLEAN', 'yes or no'), ('DATE', 'day')], max_length=10, verbose_name='type')),
                ('unit', models.CharField(blank=True, max_length=20, verbose_name='unit')),
                ('is_required', models.BooleanField(default=False, verbose_name='required')),
                ('activity_type', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='attributes', to='loyalty.activitytype')),
            ],
            options={
                'verbose_name': 'attribute',
                'verbose_name_plural': 'attributes',
                'constraints': [models.UniqueConstraint(fields=('activity_type', 'code'), name='activity_attribute_code_unique')],
            },
        ),
        migrations.CreateModel(
            name='AwardReversal',
            fields=[
                ('award', models.OneToOneField(db_constraint=False, on_delete=django.db.models.deletion.PROTECT, primary_key=True, related_name='reversal', serialize=False, to='loyalty.award')),
                ('granted', models.BigIntegerField()),
                ('reversed', models.BigIntegerField()),
            ],
            options={
                'verbose_name': 'reversed award',
                'verbose_name_plural': 'reversed awards',
                'constraints': [models.CheckConstraint(condition=models.Q(('reversed__gte', 0), ('reversed__lte', models.F('granted'))), name='award_reversal_within_granted')],
            },
        ),
        migrations.CreateModel(
            name='Consent',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('starts_at', models.DateTimeField(verbose_name='from')),
                ('ends_at', models.DateTimeField(blank=True, null=True, verbose_name='until')),
                ('roles', django.contrib.postgres.fields.ArrayField(base_field=models.SlugField(), blank=True, default=list, help_text='Codes of stakeholder roles; empty: every role.', size=None, verbose_name='roles that may earn')),
                ('monthly_limit', models.PositiveBigIntegerField(blank=True, help_text="Empty: no limit of the company's own.", null=True, verbose_name='points a person and month')),
                ('given_by', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL)),
                ('membership', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='consents', to='loyalty.membership')),
            ],
            options={
                'verbose_name': 'consent',
                'verbose_name_plural': 'consents',
                'constraints': [models.CheckConstraint(condition=models.Q(('ends_at__isnull', True), ('ends_at__gte', models.F('starts_at')), _connector='OR'), name='consent_ends_after_start', violation_error_message='The end lies before the start.'), django.contrib.postgres.constraints.ExclusionConstraint(expressions=[(models.Func(models.F('starts_at'), models.F('ends_at'), function='tstzrange', output_field=django.contrib.postgres.fields.ranges.DateTimeRangeField()), '&&'), ('membership', '=')], name='consent_one_at_a_time', violation_error_message='Another consent is in force in this time.')],
            },
        ),
        migrations.CreateModel(
            name='MetricBucket',
            fields=[
                ('id', models.BigAutoField(primary_key=True, serialize=False)),
                ('metric', models.CharField(max_length=50, verbose_name='metric')),
                ('month', models.DateField(verbose_name='month')),
                ('value', models.DecimalField(decimal_places=4, max_digits=20, verbose_name='value')),
                ('membership', models.ForeignKey(db_constraint=False, db_index=False, on_delete=django.db.models.deletion.PROTECT, to='loyalty.membership')),
            ],
            options={
                'verbose_name': 'monthly value',
                'verbose_name_plural': 'monthly values',
                'constraints': [models.UniqueConstraint(fields=('membership', 'metric', 'month'), name='metric_bucket_unique'), models.CheckConstraint(condition=models.Q(('value__gte', 0)), name='metric_bucket_never_negative')],
            },
        ),
        migrations.CreateModel(
            name='LotUse',
            fields=[
                ('id', models.BigAutoField(primary_key=True, serialize=False)),
                ('points', models.BigIntegerField()),
                ('lot', models.ForeignKey(db_constraint=False, on_delete=django.db.models.deletion.PROTECT, to='loyalty.lot')),
                ('posting', models.ForeignKey(db_constraint=False, on_delete=django.db.models.deletion.PROTECT, related_name='lot_uses', to='loyalty.posting')),
            ],
            options={
                'verbose_name': 'lot use',
                'verbose_name_plural': 'lot uses',
                'constraints': [models.CheckConstraint(condition=models.Q(('points', 0), _negated=True), name='lot_use_moves_points')],
            },
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='lotuse',
            trigger=pgtrigger.compiler.Trigger(name='append_only', sql=pgtrigger.compiler.UpsertTriggerSql(func="\n            RAISE EXCEPTION '% is append-only', TG_TABLE_NAME\n            USING ERRCODE = 'restrict_violation', CONSTRAINT = TG_TABLE_NAME || '_is_append_only';\n        ", hash='7f9428fee3573b893bd91e8413747258d36cb2f8', level='STATEMENT', operation='UPDATE OR DELETE OR TRUNCATE', pgid='pgtrigger_append_only_42311', table='loyalty_lotuse', when='BEFORE')),
        ),
        migrations.AddConstraint(
            model_name='metric',
            constraint=models.UniqueConstraint(fields=('program', 'code'), name='metric_code_unique'),
        ),
        migrations.AddConstraint(
            model_name='membership',
            constraint=models.CheckConstraint(condition=models.Q(('ends_at__isnull', True), ('ends_at__gte', models.F('starts_at')), _connector='OR'), name='membership_ends_after_start', violation_error_message='The end lies before the start.'),
        ),
        migrations.AddConstraint(
            model_name='membership',
            constraint=django.contrib.postgres.constraints.ExclusionConstraint(expressions=[(models.Func(models.F('starts_at'), models.F('ends_at'), function='tstzrange', output_field=django.contrib.postgres.fields.ranges.DateTimeRangeField()), '&&'), ('company', '='), ('program', '=')], name='membership_one_at_a_time', violation_error_message='The company already takes part in this program in this time.'),
        ),
        migrations.AddConstraint(
            model_name='capusage',
            constraint=models.UniqueConstraint(fields=('program', 'rule_code', 'subject', 'subject_id', 'period', 'period_start'), name='cap_usage_unique'),
        ),
        migrations.AddConstraint(
            model_name='capusage',
            constraint=models.CheckConstraint(condition=models.Q(('used__gte', 0), ('used__lte', models.F('limit'))), name='cap_usage_within_limit'),
        ),
        migrations.AddConstraint(
            model_name='rulecap',
            constraint=models.UniqueConstraint(fields=('rule', 'subject', 'period'), name='rule_cap_unique'),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='rulecap',
            trigger=pgtrigger.compiler.Trigger(name='in_force_is_immutable', sql=pgtrigger.compiler.UpsertTriggerSql(declare='DECLARE line RECORD; state TEXT;', func="\n            IF TG_OP <> 'INSERT' THEN\n                line := OLD;\n                SELECT status INTO state FROM loyalty_ruleset WHERE id = (SELECT rule_set_id FROM loyalty_rule WHERE id = line.rule_id);\n                IF state <> 'DRAFT' THEN\n                    RAISE EXCEPTION 'these rules are in force: make a new version'\n                    USING ERRCODE = 'restrict_violation', CONSTRAINT = 'rule_set_in_force_is_immutable';\n                END IF;\n                IF TG_OP = 'DELETE' THEN RETURN OLD; END IF;\n            END IF;\n            line := NEW;\n            SELECT status INTO state FROM loyalty_ruleset WHERE id = (SELECT rule_set_id FROM loyalty_rule WHERE id = line.rule_id);\n            IF state <> 'DRAFT' THEN\n                RAISE EXCEPTION 'these rules are in force: make a new version'\n                USING ERRCODE = 'restrict_violation', CONSTRAINT = 'rule_set_in_force_is_immutable';\n            END IF;\n            RETURN NEW;\n        ", hash='a89532eceb7e2366a450ec1da00f77f70bf99fc4', operation='INSERT OR UPDATE OR DELETE', pgid='pgtrigger_in_force_is_immutable_683c0', table='loyalty_rulecap', when='BEFORE')),
        ),
        migrations.AddConstraint(
            model_name='ruleset',
            constraint=models.UniqueConstraint(fields=('program', 'version'), name='rule_set_version_unique'),
        ),
        migrations.AddConstraint(
            model_name='ruleset',
            constraint=models.CheckConstraint(condition=models.Q(('status', 'DRAFT'), ('starts_at__isnull', False), _connector='OR'), name='rule_set_in_force_has_start', violation_error_message='Rules in force need the moment from which they hold.'),
        ),
        migrations.AddConstraint(
            model_name='ruleset',
            constraint=models.CheckConstraint(condition=models.Q(('ends_at__isnull', True), ('ends_at__gte', models.F('starts_at')), _connector='OR'), name='rule_set_ends_after_start'),
        ),
        migrations.AddConstraint(
            model_name='ruleset',
            constraint=django.contrib.postgres.constraints.ExclusionConstraint(condition=models.Q(('status', 'DRAFT'), _negated=True), expressions=[(models.Func(models.F('starts_at'), models.F('ends_at'), function='tstzrange', output_field=django.contrib.postgres.fields.ranges.DateTimeRangeField()), '&&'), ('program', '=')], name='rule_set_one_in_force', violation_error_message='Another version is in force in this time.'),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='ruleset',
            trigger=pgtrigger.compiler.Trigger(name='in_force_is_immutable', sql=pgtrigger.compiler.UpsertTriggerSql(func="\n                    IF OLD.status = 'DRAFT' THEN\n                        IF TG_OP = 'DELETE' THEN RETURN OLD; END IF;\n                        RETURN NEW;\n                    END IF;\n                    IF TG_OP = 'DELETE' OR NEW.status = 'DRAFT'\n                       OR (NEW.program_id, NEW.version, NEW.starts_at)\n                          IS DISTINCT FROM (OLD.program_id, OLD.version, OLD.starts_at)\n                    THEN\n                        RAISE EXCEPTION 'rule set % is in force: make a new version', OLD.id\n                        USING ERRCODE = 'restrict_violation', CONSTRAINT = 'rule_set_in_force_is_immutable';\n                    END IF;\n                    RETURN NEW;\n                ", hash='8da4d099da5fbc6c10ad7b09c8c2eddf2f5a4953', operation='UPDATE OR DELETE', pgid='pgtrigger_in_force_is_immutable_cdfb4', table='loyalty_ruleset', when='BEFORE')),
        ),
        migrations.AddConstraint(
            model_name='rule',
            constraint=models.UniqueConstraint(fields=('rule_set', 'code'), name='rule_code_unique', violation_error_message='Another rule of this version has this code.'),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='rule',
            trigger=pgtrigger.compiler.Trigger(name='in_force_is_immutable', sql=pgtrigger.compiler.UpsertTriggerSql(declare='DECLARE line RECORD; state TEXT;', func="\n            IF TG_OP <> 'INSERT' THEN\n                line := OLD;\n                SELECT status INTO state FROM loyalty_ruleset WHERE id = line.rule_set_id;\n                IF state <> 'DRAFT' THEN\n                    RAISE EXCEPTION 'these rules are in force: make a new version'\n                    USING ERRCODE = 'restrict_violation', CONSTRAINT = 'rule_set_in_force_is_immutable';\n                END IF;\n                IF TG_OP = 'DELETE' THEN RETURN OLD; END IF;\n            END IF;\n            line := NEW;\n            SELECT status INTO state FROM loyalty_ruleset WHERE id = line.rule_set_id;\n            IF state <> 'DRAFT' THEN\n                RAISE EXCEPTION 'these rules are in force: make a new version'\n                USING ERRCODE = 'restrict_violation', CONSTRAINT = 'rule_set_in_force_is_immutable';\n            END IF;\n            RETURN NEW;\n        ", hash='48561a355416717f941985da0fe2960c9c1950d8', operation='INSERT OR UPDATE OR DELETE', pgid='pgtrigger_in_force_is_immutable_7272a', table='loyalty_rule', when='BEFORE')),
        ),
        migrations.AddConstraint(
            model_name='evaluation',
            constraint=models.UniqueConstraint(fields=('activity', 'program'), name='evaluation_once_a_program'),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='evaluation',
            trigger=pgtrigger.compiler.Trigger(name='append_only', sql=pgtrigger.compiler.UpsertTriggerSql(func="\n            RAISE EXCEPTION '% is append-only', TG_TABLE_NAME\n            USING ERRCODE = 'restrict_violation', CONSTRAINT = TG_TABLE_NAME || '_is_append_only';\n        ", hash='0e4c0e7ae19680b8fe47848778fdb7670a9b4d04', level='STATEMENT', operation='UPDATE OR DELETE OR TRUNCATE', pgid='pgtrigger_append_only_66a33', table='loyalty_evaluation', when='BEFORE')),
        ),
        migrations.AddIndex(
            model_name='activity',
            index=models.Index(fields=['company', 'type', 'object'], name='activity_object_of_company'),
        ),
        migrations.AddConstraint(
            model_name='activity',
            constraint=models.UniqueConstraint(fields=('source', 'external_id'), name='activity_external_id_unique'),
        ),
        migrations.AddConstraint(
            model_name='activity',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('amount__isnull', True), ('amount__gte', 0), _connector='OR'), models.Q(('quantity__isnull', True), ('quantity__gte', 0), _connector='OR')), name='activity_never_negative'),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='activity',
            trigger=pgtrigger.compiler.Trigger(name='append_only', sql=pgtrigger.compiler.UpsertTriggerSql(func="\n            RAISE EXCEPTION '% is append-only', TG_TABLE_NAME\n            USING ERRCODE = 'restrict_violation', CONSTRAINT = TG_TABLE_NAME || '_is_append_only';\n        ", hash='a424429e9b374feda930625e0804cb4ef9e91dd4', level='STATEMENT', operation='UPDATE OR DELETE OR TRUNCATE', pgid='pgtrigger_append_only_7390c', table='loyalty_activity', when='BEFORE')),
        ),
        migrations.AddConstraint(
            model_name='tier',
            constraint=models.UniqueConstraint(fields=('program', 'code'), name='tier_code_unique'),
        ),
        migrations.AddConstraint(
            model_name='tier',
            constraint=models.UniqueConstraint(fields=('program', 'rank'), name='tier_rank_unique'),
        ),
        migrations.AddConstraint(
            model_name='tier',
            constraint=models.UniqueConstraint(fields=('program', 'threshold'), name='tier_threshold_unique'),
        ),
        migrations.AddConstraint(
            model_name='tier',
            constraint=models.CheckConstraint(condition=models.Q(('threshold__gte', 0)), name='tier_threshold_not_negative'),
        ),
        migrations.AddConstraint(
            model_name='tierassignment',
            constraint=models.CheckConstraint(condition=models.Q(('ends_at__isnull', True), ('ends_at__gte', models.F('starts_at')), _connector='OR'), name='tier_assignment_ends_after_start', violation_error_message='The end lies before the start.'),
        ),
        migrations.AddConstraint(
            model_name='tierassignment',
            constraint=django.contrib.postgres.constraints.ExclusionConstraint(expressions=[(models.Func(models.F('starts_at'), models.F('ends_at'), function='tstzrange', output_field=django.contrib.postgres.fields.ranges.DateTimeRangeField()), '&&'), ('membership', '=')], name='tier_assignment_one_at_a_time', violation_error_message='The company holds a tier in this time.'),
        ),
        migrations.AddConstraint(
            model_name='transaction',
            constraint=models.UniqueConstraint(condition=models.Q(('activity__isnull', False)), fields=('activity', 'program'), name='transaction_once_an_activity'),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='transaction',
            trigger=pgtrigger.compiler.Trigger(name='append_only', sql=pgtrigger.compiler.UpsertTriggerSql(func="\n            RAISE EXCEPTION '% is append-only', TG_TABLE_NAME\n            USING ERRCODE = 'restrict_violation', CONSTRAINT = TG_TABLE_NAME || '_is_append_only';\n        ", hash='6387e55b60cfeb2f165c62bc2a980a89d21ee4b6', level='STATEMENT', operation='UPDATE OR DELETE OR TRUNCATE', pgid='pgtrigger_append_only_a5e8d', table='loyalty_transaction', when='BEFORE')),
        ),
        migrations.AddConstraint(
            model_name='wallet',
            constraint=models.UniqueConstraint(fields=('company', 'program', 'employee', 'kind'), name='wallet_unique', nulls_distinct=False),
        ),
        migrations.AddConstraint(
            model_name='wallet',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('kind__in', ['AVAILABLE', 'PENDING', 'SPENT', 'EXPIRED']), _negated=True), ('balance__gte', 0), _connector='OR'), name='wallet_never_overdrawn'),
        ),
        migrations.AddConstraint(
            model_name='wallet',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('kind__in', ['DEBT', 'ISSUED']), _negated=True), ('balance__lte', 0), _connector='OR'), name='wallet_debt_never_positive'),
        ),
        migrations.AddConstraint(
            model_name='wallet',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('kind__in', ['ISSUED', 'SPENT', 'EXPIRED']), _negated=True), ('employee__isnull', True), _connector='OR'), name='wallet_flows_stand_per_company'),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='wallet',
            trigger=pgtrigger.compiler.Trigger(name='balance_moves_by_postings', sql=pgtrigger.compiler.UpsertTriggerSql(func="\n                    IF TG_OP = 'DELETE' THEN\n                        RAISE EXCEPTION 'a wallet is never deleted'\n                        USING ERRCODE = 'restrict_violation', CONSTRAINT = 'wallet_balance_moves_by_postings';\n                    ELSIF TG_OP = 'INSERT' THEN\n                        IF NEW.balance = 0 THEN RETURN NEW; END IF;\n                    ELSIF (NEW.company_id, NEW.program_id, NEW.employee_id, NEW.kind)\n                          IS NOT DISTINCT FROM (OLD.company_id, OLD.program_id, OLD.employee_id, OLD.kind)\n                          AND (NEW.balance = OLD.balance OR pg_trigger_depth() > 1)\n                    THEN\n                        RETURN NEW;\n                    END IF;\n                    RAISE EXCEPTION 'a balance moves by postings alone'\n                    USING ERRCODE = 'restrict_violation', CONSTRAINT = 'wallet_balance_moves_by_postings';\n                ", hash='57b53513397c5e28837595130ee9851154a82725', operation='INSERT OR UPDATE OR DELETE', pgid='pgtrigger_balance_moves_by_postings_dc94a', table='loyalty_wallet', when='BEFORE')),
        ),
        migrations.AddIndex(
            model_name='posting',
            index=models.Index(fields=['debit_wallet', 'effective_at', 'id'], name='posting_out_of_wallet'),
        ),
        migrations.AddIndex(
            model_name='posting',
            index=models.Index(fields=['credit_wallet', 'effective_at', 'id'], name='posting_into_wallet'),
        ),
        migrations.AddIndex(
            model_name='posting',
            index=models.Index(condition=models.Q(('award__isnull', False)), fields=['award'], name='posting_of_award'),
        ),
        migrations.AddConstraint(
            model_name='posting',
            constraint=models.CheckConstraint(condition=models.Q(('points__gt', 0)), name='posting_moves_points'),
        ),
        migrations.AddConstraint(
            model_name='posting',
            constraint=models.CheckConstraint(condition=models.Q(('debit_wallet', models.F('credit_wallet')), _negated=True), name='posting_between_two_wallets'),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='posting',
            trigger=pgtrigger.compiler.Trigger(name='append_only', sql=pgtrigger.compiler.UpsertTriggerSql(func="\n            RAISE EXCEPTION '% is append-only', TG_TABLE_NAME\n            USING ERRCODE = 'restrict_violation', CONSTRAINT = TG_TABLE_NAME || '_is_append_only';\n        ", hash='478078bb482c9cadd962426d8c689a8b6f9194db', level='STATEMENT', operation='UPDATE OR DELETE OR TRUNCATE', pgid='pgtrigger_append_only_0a1bb', table='loyalty_posting', when='BEFORE')),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='posting',
            trigger=pgtrigger.compiler.Trigger(name='apply_balances', sql=pgtrigger.compiler.UpsertTriggerSql(func="\n                    IF EXISTS (\n                        SELECT FROM new_postings p\n                        LEFT JOIN loyalty_wallet d ON d.id = p.debit_wallet_id\n                        LEFT JOIN loyalty_wallet c ON c.id = p.credit_wallet_id\n                        LEFT JOIN loyalty_transaction t ON t.id = p.transaction_id\n                        WHERE (d.company_id = p.company_id AND c.company_id = p.company_id\n                               AND t.company_id = p.company_id AND d.program_id = c.program_id\n                               AND t.program_id = d.program_id) IS NOT TRUE\n                    ) THEN\n                        RAISE EXCEPTION 'a posting stays inside one company and program, between wallets that exist'\n                        USING ERRCODE = 'check_violation', CONSTRAINT = 'posting_stays_in_company';\n                    END IF;\n                    UPDATE loyalty_wallet w SET balance = w.balance + moved.points\n                    FROM (\n                        SELECT wallet_id, sum(points)::bigint AS points\n                        FROM (\n                            SELECT debit_wallet_id AS wallet_id, -points AS points FROM new_postings\n                            UNION ALL SELECT credit_wallet_id, points FROM new_postings\n                        ) AS legs\n                        GROUP BY wallet_id\n                    ) AS moved\n                    WHERE w.id = moved.wallet_id;\n                    RETURN NULL;\n                ", hash='24a6ef063d5ce2194b8df1cd561e4b13d9f166d1', level='STATEMENT', operation='INSERT', pgid='pgtrigger_apply_balances_a5f6f', referencing='REFERENCING NEW TABLE AS new_postings ', table='loyalty_posting', when='AFTER')),
        ),
        migrations.AddIndex(
            model_name='lot',
            index=models.Index(condition=models.Q(('remaining__gt', 0)), fields=['wallet', 'expires_on'], name='lot_open_of_wallet'),
        ),
        migrations.AddIndex(
            model_name='lot',
            index=models.Index(condition=models.Q(('remaining__gt', 0)), fields=['expires_on'], name='lot_open_by_last_day'),
        ),
        migrations.AddConstraint(
            model_name='lot',
            constraint=models.UniqueConstraint(fields=('wallet', 'available_on', 'expires_on'), name='lot_unique', nulls_distinct=False),
        ),
        migrations.AddConstraint(
            model_name='lot',
            constraint=models.CheckConstraint(condition=models.Q(('remaining__gte', 0), ('expired__gte', 0), ('remaining__lte', django.db.models.expressions.CombinedExpression(models.F('earned'), '-', models.F('expired')))), name='lot_never_gives_more_than_it_holds'),
        ),
        migrations.AddConstraint(
            model_name='award',
            constraint=models.UniqueConstraint(fields=('activity', 'rule_code', 'wallet'), name='award_once_a_rule'),
        ),
        migrations.AddConstraint(
            model_name='award',
            constraint=models.CheckConstraint(condition=models.Q(('granted__gte', 0), ('granted__lte', models.F('raw'))), name='award_granted_within_raw'),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='award',
            trigger=pgtrigger.compiler.Trigger(name='append_only', sql=pgtrigger.compiler.UpsertTriggerSql(func="\n            RAISE EXCEPTION '% is append-only', TG_TABLE_NAME\n            USING ERRCODE = 'restrict_violation', CONSTRAINT = TG_TABLE_NAME || '_is_append_only';\n        ", hash='11d3f9d06e98d556cb302f9e3cceea92e44a8c74', level='STATEMENT', operation='UPDATE OR DELETE OR TRUNCATE', pgid='pgtrigger_append_only_d6478', table='loyalty_award', when='BEFORE')),
        ),
        migrations.AddConstraint(
            model_name='returnlink',
            constraint=models.CheckConstraint(condition=models.Q(('applied_at__isnull', True), ('original__isnull', False), _connector='OR'), name='return_link_applied_to_original'),
        ),
    ]
