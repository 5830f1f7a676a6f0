
import accounts.text
import django.core.validators
import django.db.models.deletion
import django.utils.timezone
import pgtrigger.compiler
import pgtrigger.migrations
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):

    initial = True

    dependencies = [
        ('accounts', '0001_initial'),
        ('loyalty', '0001_initial'),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
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
            ],
            options={
                'verbose_name': 'reward',
                'verbose_name_plural': 'rewards',
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
            },
        ),
        migrations.CreateModel(
            name='Redemption',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('points', models.PositiveBigIntegerField(verbose_name='points')),
                ('state', models.CharField(choices=[('REQUESTED', 'requested'), ('CANCELLED', 'cancelled')], default='REQUESTED', max_length=12, verbose_name='state')),
                ('placed_at', models.DateTimeField(verbose_name='placed')),
                ('cancelled_at', models.DateTimeField(null=True, verbose_name='cancelled')),
                ('company', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='redemptions', to='accounts.company')),
                ('credit', models.OneToOneField(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='cancelled_redemption', to='loyalty.transaction')),
                ('debit', models.OneToOneField(on_delete=django.db.models.deletion.PROTECT, related_name='redemption', to='loyalty.transaction')),
                ('employee', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='redemptions', to='accounts.employee', verbose_name='redeemed by')),
                ('placed_by', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL)),
                ('wallet', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='loyalty.wallet', verbose_name='paid from')),
                ('reward', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='redemptions', to='rewards.reward')),
            ],
            options={
                'verbose_name': 'redemption',
                'verbose_name_plural': 'redemptions',
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
            },
        ),
        migrations.AddConstraint(
            model_name='rewardstock',
            constraint=models.CheckConstraint(condition=models.Q(('taken__gte', 0), ('taken__lte', models.F('total'))), name='reward_stock_taken_within_total'),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='rewardstock',
            trigger=pgtrigger.compiler.Trigger(name='total_changes_by_movements', sql=pgtrigger.compiler.UpsertTriggerSql(func="\n                    IF (TG_OP = 'INSERT' AND NEW.total = 0 AND NEW.taken = 0)\n                       OR (TG_OP = 'UPDATE' AND (NEW.total = OLD.total OR pg_trigger_depth() > 1))\n                    THEN\n                        RETURN NEW;\n                    END IF;\n                    RAISE EXCEPTION 'stock changes by stock movements alone'\n                    USING ERRCODE = 'restrict_violation', CONSTRAINT = 'reward_stock_total_changes_by_movements';\n                ", hash='b336bf350e927109b9e42219a99f191645f4e6f9', operation='INSERT OR UPDATE', pgid='pgtrigger_total_changes_by_movements_131e4', table='rewards_rewardstock', when='BEFORE')),
        ),
        migrations.AddConstraint(
            model_name='reward',
            constraint=models.UniqueConstraint(fields=('program', 'code'), name='reward_code_unique'),
        ),
        migrations.AddConstraint(
            model_name='reward',
            constraint=models.CheckConstraint(condition=models.Q(('price__gte', 1)), name='reward_has_price'),
        ),
        migrations.AddIndex(
            model_name='redemption',
            index=models.Index(fields=['company', '-placed_at'], name='redemption_of_company'),
        ),
        migrations.AddConstraint(
            model_name='redemption',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('cancelled_at__isnull', False), ('credit__isnull', False), ('state', 'CANCELLED')), models.Q(models.Q(('state', 'CANCELLED'), _negated=True), ('cancelled_at__isnull', True), ('credit__isnull', True)), _connector='OR'), name='redemption_cancelled_has_credit'),
        ),
        migrations.AddConstraint(
            model_name='stockmovement',
            constraint=models.CheckConstraint(condition=models.Q(('pieces', 0), _negated=True), name='stock_movement_moves_pieces'),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='stockmovement',
            trigger=pgtrigger.compiler.Trigger(name='append_only', sql=pgtrigger.compiler.UpsertTriggerSql(func="\n            RAISE EXCEPTION '% is append-only', TG_TABLE_NAME\n            USING ERRCODE = 'restrict_violation', CONSTRAINT = TG_TABLE_NAME || '_is_append_only';\n        ", hash='62eac051a0f05b25a947c0b893d1e7079584a91e', level='STATEMENT', operation='UPDATE OR DELETE OR TRUNCATE', pgid='pgtrigger_append_only_c2b4c', table='rewards_stockmovement', when='BEFORE')),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='stockmovement',
            trigger=pgtrigger.compiler.Trigger(name='apply_to_total', sql=pgtrigger.compiler.UpsertTriggerSql(func='\n                    UPDATE rewards_rewardstock s SET total = s.total + moved.pieces\n                    FROM (SELECT stock_id, sum(pieces) AS pieces FROM new_movements GROUP BY stock_id) AS moved\n                    WHERE s.reward_id = moved.stock_id;\n                    RETURN NULL;\n                ', hash='abe2da491fb1d0dc62906efcd7ffc499925bc35d', level='STATEMENT', operation='INSERT', pgid='pgtrigger_apply_to_total_21821', referencing='REFERENCING NEW TABLE AS new_movements ', table='rewards_stockmovement', when='AFTER')),
        ),
    ]
