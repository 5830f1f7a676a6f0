"""What a fresh installation begins with. One that has applied all that this replaces has it already."""

import accounts.text
import django.core.validators
import django.db.models.deletion
import django.utils.timezone
import pgtrigger.compiler
import pgtrigger.migrations
import simple_history.models
from django.conf import settings
from django.db import migrations, models

from accounts.migrating import Together


class Migration(migrations.Migration):

    replaces = [
        ('rewards', '0001_initial'),
        ('rewards', '0002_the_desks'),
        ('rewards', '0003_steps_of_redemptions_so_far'),
    ]

    initial = True

    dependencies = [
        ('accounts', '0001_beginning'),
        ('accounts', '__first__'),
        ('loyalty', '0001_beginning'),
    ]

    operations = [
        Together(
            operations=[
                migrations.CreateModel(
                    name='Reward',
                    fields=[
                        ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                        ('code', models.SlugField(verbose_name='code')),
                        ('name', models.CharField(max_length=150, validators=[accounts.text.validate_plain_text], verbose_name='name')),
                        ('description', models.TextField(blank=True, validators=[accounts.text.validate_plain_text], verbose_name='description')),
                        ('price', models.PositiveBigIntegerField(validators=[django.core.validators.MinValueValidator(1)], verbose_name='price (points)')),
                        ('is_published', models.BooleanField(default=False, verbose_name='published')),
                        ('program', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='rewards', to='loyalty.program')),
                        ('category', models.CharField(choices=[('BUSINESS', 'for the business'), ('LEARNING', 'learning'), ('TEAM', 'for the team'), ('EXPERIENCE', 'experiences'), ('GOODS', 'goods'), ('CAUSE', 'good causes')], default='BUSINESS', max_length=12, verbose_name='category')),
                        ('paid_from', models.CharField(choices=[('ANY', 'either wallet, or both'), ('COMPANY', "the company's points"), ('EMPLOYEE', "one's own points")], default='ANY', max_length=10, verbose_name='paid from')),
                    ],
                    options={
                        'verbose_name': 'reward',
                        'verbose_name_plural': 'rewards',
                        'constraints': [models.UniqueConstraint(fields=('program', 'code'), name='reward_code_unique'), models.CheckConstraint(condition=models.Q(('price__gte', 1)), name='reward_has_price')],
                    },
                ),
                migrations.CreateModel(
                    name='RewardStock',
                    fields=[
                        ('reward', models.OneToOneField(on_delete=django.db.models.deletion.PROTECT, primary_key=True, related_name='stock', serialize=False, to='rewards.reward')),
                        ('total', models.PositiveIntegerField(default=0, verbose_name='pieces in all')),
                        ('taken', models.PositiveIntegerField(default=0, verbose_name='taken')),
                    ],
                    options={
                        'verbose_name': 'stock',
                        'verbose_name_plural': 'stocks',
                        'constraints': [models.CheckConstraint(condition=models.Q(('taken__gte', 0), ('taken__lte', models.F('total'))), name='reward_stock_taken_within_total')],
                    },
                ),
                migrations.CreateModel(
                    name='Redemption',
                    fields=[
                        ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                        ('points', models.PositiveBigIntegerField(verbose_name='points')),
                        ('state', models.CharField(choices=[('REQUESTED', 'requested'), ('CLIENT_APPROVED', 'approved by the company'), ('APPROVED', 'approved'), ('ORDERED', 'ordered'), ('DELIVERED', 'delivered'), ('REJECTED', 'rejected'), ('CANCELLED', 'cancelled')], default='REQUESTED', max_length=16, verbose_name='state')),
                        ('placed_at', models.DateTimeField(verbose_name='placed')),
                        ('company', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='redemptions', to='accounts.company')),
                        ('credit', models.OneToOneField(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='cancelled_redemption', to='loyalty.transaction')),
                        ('debit', models.OneToOneField(on_delete=django.db.models.deletion.PROTECT, related_name='redemption', to='loyalty.transaction')),
                        ('employee', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='redemptions', to='accounts.employee', verbose_name='redeemed by')),
                        ('placed_by', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL)),
                        ('wallet', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='loyalty.wallet', verbose_name='paid from')),
                        ('reward', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='redemptions', to='rewards.reward')),
                        ('refunded_at', models.DateTimeField(null=True, verbose_name='points given back')),
                        ('approval', models.OneToOneField(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='redemption', to='accounts.approval', verbose_name='approval')),
                        ('company_points', models.PositiveBigIntegerField(default=0, verbose_name='of these from the company')),
                        ('company_wallet', models.ForeignKey(help_text="The company's wallet, where it paid the rest of what somebody's own points began.", null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='loyalty.wallet', verbose_name='and from')),
                    ],
                    options={
                        'verbose_name': 'redemption',
                        'verbose_name_plural': 'redemptions',
                        'indexes': [models.Index(fields=['company', '-placed_at'], name='redemption_of_company'), models.Index(condition=models.Q(('state__in', ['REQUESTED', 'CLIENT_APPROVED', 'APPROVED', 'ORDERED'])), fields=['state', 'placed_at'], name='redemption_queue')],
                        'constraints': [models.CheckConstraint(condition=models.Q(models.Q(('credit__isnull', False), ('refunded_at__isnull', False), ('state__in', ['CANCELLED', 'REJECTED'])), models.Q(models.Q(('state__in', ['CANCELLED', 'REJECTED']), _negated=True), ('credit__isnull', True), ('refunded_at__isnull', True)), _connector='OR'), name='redemption_ended_has_credit'), models.CheckConstraint(condition=models.Q(models.Q(('state', 'CLIENT_APPROVED'), _negated=True), ('approval__isnull', False), _connector='OR'), name='redemption_approved_by_the_company_has_approval'), models.CheckConstraint(condition=models.Q(models.Q(('company_points', 0), ('company_wallet__isnull', True)), models.Q(('company_points__gt', 0), ('company_points__lt', models.F('points')), ('company_wallet__isnull', False)), _connector='OR'), name='redemption_company_share_within_price')],
                    },
                ),
                migrations.CreateModel(
                    name='StockMovement',
                    fields=[
                        ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                        ('pieces', models.IntegerField(verbose_name='pieces')),
                        ('created_at', models.DateTimeField(default=django.utils.timezone.now, verbose_name='when')),
                        ('stock', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='movements', to='rewards.rewardstock')),
                    ],
                    options={
                        'verbose_name': 'stock movement',
                        'verbose_name_plural': 'stock movements',
                        'constraints': [models.CheckConstraint(condition=models.Q(('pieces', 0), _negated=True), name='stock_movement_moves_pieces')],
                    },
                ),
                migrations.CreateModel(
                    name='RedemptionStep',
                    fields=[
                        ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                        ('state', models.CharField(choices=[('REQUESTED', 'requested'), ('CLIENT_APPROVED', 'approved by the company'), ('APPROVED', 'approved'), ('ORDERED', 'ordered'), ('DELIVERED', 'delivered'), ('REJECTED', 'rejected'), ('CANCELLED', 'cancelled')], max_length=16, verbose_name='state')),
                        ('at', models.DateTimeField(verbose_name='when')),
                        ('reason', models.TextField(blank=True, max_length=2000, validators=[accounts.text.validate_plain_text], verbose_name='reason')),
                        ('by', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL, verbose_name='who')),
                        ('redemption', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='steps', to='rewards.redemption')),
                    ],
                    options={
                        'verbose_name': 'step of a redemption',
                        'verbose_name_plural': 'steps of redemptions',
                        'constraints': [models.UniqueConstraint(fields=('redemption', 'state'), name='redemption_step_once'), models.CheckConstraint(condition=models.Q(models.Q(('state', 'REJECTED'), _negated=True), models.Q(('reason', ''), _negated=True), _connector='OR'), name='redemption_step_rejected_with_reason')],
                    },
                ),
                migrations.CreateModel(
                    name='RewardHistory',
                    fields=[
                        ('id', models.BigIntegerField(auto_created=True, blank=True, db_index=True, verbose_name='ID')),
                        ('code', models.SlugField(verbose_name='code')),
                        ('name', models.CharField(max_length=150, validators=[accounts.text.validate_plain_text], verbose_name='name')),
                        ('description', models.TextField(blank=True, validators=[accounts.text.validate_plain_text], verbose_name='description')),
                        ('category', models.CharField(choices=[('BUSINESS', 'for the business'), ('LEARNING', 'learning'), ('TEAM', 'for the team'), ('EXPERIENCE', 'experiences'), ('GOODS', 'goods'), ('CAUSE', 'good causes')], default='BUSINESS', max_length=12, verbose_name='category')),
                        ('price', models.PositiveBigIntegerField(validators=[django.core.validators.MinValueValidator(1)], verbose_name='price (points)')),
                        ('paid_from', models.CharField(choices=[('ANY', 'either wallet, or both'), ('COMPANY', "the company's points"), ('EMPLOYEE', "one's own points")], default='ANY', max_length=10, verbose_name='paid from')),
                        ('is_published', models.BooleanField(default=False, verbose_name='published')),
                        ('history_id', models.AutoField(primary_key=True, serialize=False)),
                        ('history_date', models.DateTimeField(db_index=True)),
                        ('history_change_reason', models.CharField(max_length=100, null=True)),
                        ('history_type', models.CharField(choices=[('+', 'Created'), ('~', 'Changed'), ('-', 'Deleted')], max_length=1)),
                        ('history_user', models.ForeignKey(null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to=settings.AUTH_USER_MODEL)),
                        ('program', models.ForeignKey(blank=True, db_constraint=False, null=True, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', to='loyalty.program')),
                    ],
                    options={
                        'verbose_name': 'historical reward',
                        'verbose_name_plural': 'historical rewards',
                        'ordering': ('-history_date', '-history_id'),
                        'get_latest_by': ('history_date', 'history_id'),
                    },
                    bases=(simple_history.models.HistoricalChanges, models.Model),
                ),
                migrations.CreateModel(
                    name='SpendingPolicy',
                    fields=[
                        ('company', models.OneToOneField(on_delete=django.db.models.deletion.PROTECT, primary_key=True, related_name='spending_policy', serialize=False, to='accounts.company')),
                        ('mode', models.CharField(choices=[('NEVER', 'never'), ('ABOVE', 'above a value'), ('ALWAYS', 'always')], default='NEVER', max_length=10, verbose_name='orders are approved')),
                        ('above', models.PositiveBigIntegerField(blank=True, null=True, verbose_name='above (points)')),
                    ],
                    options={
                        'verbose_name': 'spending policy',
                        'verbose_name_plural': 'spending policies',
                        'constraints': [models.CheckConstraint(condition=models.Q(models.Q(('above__isnull', False), ('mode', 'ABOVE')), models.Q(models.Q(('mode', 'ABOVE'), _negated=True), ('above__isnull', True)), _connector='OR'), name='spending_policy_above_a_value', violation_error_message='Say above how many points an order needs approval.')],
                    },
                ),
                pgtrigger.migrations.AddTrigger(
                    model_name='rewardstock',
                    trigger=pgtrigger.compiler.Trigger(name='total_changes_by_movements', sql=pgtrigger.compiler.UpsertTriggerSql(func="\n                    IF (TG_OP = 'INSERT' AND NEW.total = 0 AND NEW.taken = 0)\n                       OR (TG_OP = 'UPDATE' AND (NEW.total = OLD.total OR pg_trigger_depth() > 1))\n                    THEN\n                        RETURN NEW;\n                    END IF;\n                    RAISE EXCEPTION 'stock changes by stock movements alone'\n                    USING ERRCODE = 'restrict_violation', CONSTRAINT = 'reward_stock_total_changes_by_movements';\n                ", hash='b336bf350e927109b9e42219a99f191645f4e6f9', operation='INSERT OR UPDATE', pgid='pgtrigger_total_changes_by_movements_131e4', table='rewards_rewardstock', when='BEFORE')),
                ),
                pgtrigger.migrations.AddTrigger(
                    model_name='stockmovement',
                    trigger=pgtrigger.compiler.Trigger(name='append_only', sql=pgtrigger.compiler.UpsertTriggerSql(func="\n            RAISE EXCEPTION '% is append-only', TG_TABLE_NAME\n            USING ERRCODE = 'restrict_violation', CONSTRAINT = TG_TABLE_NAME || '_is_append_only';\n        ", hash='62eac051a0f05b25a947c0b893d1e7079584a91e', level='STATEMENT', operation='UPDATE OR DELETE OR TRUNCATE', pgid='pgtrigger_append_only_c2b4c', table='rewards_stockmovement', when='BEFORE')),
                ),
                pgtrigger.migrations.AddTrigger(
                    model_name='stockmovement',
                    trigger=pgtrigger.compiler.Trigger(name='apply_to_total', sql=pgtrigger.compiler.UpsertTriggerSql(func='\n                    UPDATE rewards_rewardstock s SET total = s.total + moved.pieces\n                    FROM (SELECT stock_id, sum(pieces) AS pieces FROM new_movements GROUP BY stock_id) AS moved\n                    WHERE s.reward_id = moved.stock_id;\n                    RETURN NULL;\n                ', hash='abe2da491fb1d0dc62906efcd7ffc499925bc35d', level='STATEMENT', operation='INSERT', pgid='pgtrigger_apply_to_total_21821', referencing='REFERENCING NEW TABLE AS new_movements ', table='rewards_stockmovement', when='AFTER')),
                ),
            ],
        ),
    ]
