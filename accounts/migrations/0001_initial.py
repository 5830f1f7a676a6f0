
import accounts.models.users
import accounts.text
import django.contrib.postgres.constraints
from django.contrib.postgres.operations import BtreeGistExtension
import django.contrib.postgres.fields.ranges
import django.db.models.deletion
import django.db.models.functions.text
import django.utils.timezone
import pgtrigger.compiler
import pgtrigger.migrations
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):

    initial = True

    dependencies = [
        ('auth', '0012_alter_user_first_name_max_length'),
    ]

    operations = [
        BtreeGistExtension(),
        migrations.CreateModel(
            name='AuditEntry',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('at', models.DateTimeField(default=django.utils.timezone.now, verbose_name='when')),
                ('action', models.SlugField(max_length=60, verbose_name='what')),
                ('subject_type', models.CharField(max_length=60, verbose_name='kind of row')),
                ('subject_id', models.BigIntegerField(verbose_name='row')),
                ('numbers', models.JSONField(default=dict, verbose_name='numbers')),
            ],
            options={
                'verbose_name': 'audit entry',
                'verbose_name_plural': 'audit trail',
            },
        ),
        migrations.CreateModel(
            name='Company',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('name', models.CharField(max_length=200, validators=[accounts.text.validate_plain_text], verbose_name='name')),
                ('kind', models.CharField(choices=[('CLIENT', 'client'), ('DISTRIBUTOR', 'distributor'), ('DEALER', 'dealer'), ('AGENT', 'agent'), ('INCUBATOR', 'incubator'), ('ASSOCIATION', 'association')], default='CLIENT', max_length=20, verbose_name='kind')),
                ('external_id', models.CharField(blank=True, help_text='What other systems call this company.', max_length=100, verbose_name='customer number')),
                ('country', models.CharField(blank=True, max_length=100, validators=[accounts.text.validate_plain_text], verbose_name='country')),
                ('created_at', models.DateTimeField(auto_now_add=True, verbose_name='created')),
                ('served_by', models.ForeignKey(blank=True, help_text='The partner that brought this company in or serves it. It sees nothing of it.', null=True, on_delete=django.db.models.deletion.PROTECT, related_name='serves', to='accounts.company', verbose_name='served by')),
            ],
            options={
                'verbose_name': 'company',
                'verbose_name_plural': 'companies',
            },
        ),
        migrations.CreateModel(
            name='Interest',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('code', models.SlugField(unique=True, verbose_name='code')),
                ('name', models.CharField(max_length=100, validators=[accounts.text.validate_plain_text], verbose_name='name')),
            ],
            options={
                'verbose_name': 'interest',
                'verbose_name_plural': 'interests',
            },
        ),
        migrations.CreateModel(
            name='Segment',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('code', models.SlugField(unique=True, verbose_name='code')),
                ('name', models.CharField(max_length=100, validators=[accounts.text.validate_plain_text], verbose_name='name')),
            ],
            options={
                'verbose_name': 'segment',
                'verbose_name_plural': 'segments',
            },
        ),
        migrations.CreateModel(
            name='StakeholderRole',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('code', models.SlugField(unique=True, verbose_name='code')),
                ('name', models.CharField(max_length=100, validators=[accounts.text.validate_plain_text], verbose_name='name')),
            ],
            options={
                'verbose_name': 'stakeholder role',
                'verbose_name_plural': 'stakeholder roles',
            },
        ),
        migrations.CreateModel(
            name='User',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('password', models.CharField(max_length=128, verbose_name='password')),
                ('last_login', models.DateTimeField(blank=True, null=True, verbose_name='last login')),
                ('is_superuser', models.BooleanField(default=False, help_text='Designates that this user has all permissions without explicitly assigning them.', verbose_name='superuser status')),
                ('email', models.EmailField(max_length=254, verbose_name='e-mail address')),
                ('name', models.CharField(max_length=150, validators=[accounts.text.validate_plain_text], verbose_name='name')),
                ('language', models.CharField(choices=[('en', 'English'), ('ja', 'Japanese'), ('id', 'Indonesian'), ('ar', 'Arabic'), ('zh-hans', 'Chinese'), ('ko', 'Korean')], default='en', max_length=10, verbose_name='language')),
                ('time_zone', models.CharField(default='UTC', max_length=64, validators=[accounts.models.users.validate_time_zone], verbose_name='time zone')),
                ('is_staff', models.BooleanField(default=False, help_text='May enter the admin.', verbose_name='program manager')),
                ('is_active', models.BooleanField(default=True, verbose_name='active')),
                ('joined_at', models.DateTimeField(default=django.utils.timezone.now, verbose_name='joined')),
                ('groups', models.ManyToManyField(blank=True, help_text='The groups this user belongs to. A user will get all permissions granted to each of their groups.', related_name='user_set', related_query_name='user', to='auth.group', verbose_name='groups')),
                ('user_permissions', models.ManyToManyField(blank=True, help_text='Specific permissions for this user.', related_name='user_set', related_query_name='user', to='auth.permission', verbose_name='user permissions')),
            ],
            options={
                'verbose_name': 'user',
                'verbose_name_plural': 'users',
            },
        ),
        migrations.CreateModel(
            name='AuditReason',
            fields=[
                ('entry', models.OneToOneField(on_delete=django.db.models.deletion.PROTECT, primary_key=True, related_name='reason', serialize=False, to='accounts.auditentry')),
                ('text', models.TextField(verbose_name='reason')),
            ],
            options={
                'verbose_name': 'reason',
                'verbose_name_plural': 'reasons',
            },
        ),
        migrations.AddField(
            model_name='auditentry',
            name='actor',
            field=models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL, verbose_name='who'),
        ),
        migrations.CreateModel(
            name='CompanyProfile',
            fields=[
                ('company', models.OneToOneField(on_delete=django.db.models.deletion.CASCADE, primary_key=True, related_name='profile', serialize=False, to='accounts.company')),
                ('goals', models.TextField(blank=True, verbose_name='goals')),
                ('values', models.TextField(blank=True, verbose_name='values and ethics')),
                ('decision_process', models.TextField(blank=True, verbose_name='how it decides')),
                ('processes', models.TextField(blank=True, verbose_name='processes and bottlenecks')),
                ('problems', models.TextField(blank=True, verbose_name='problems beyond our product')),
            ],
            options={
                'verbose_name': 'company profile',
                'verbose_name_plural': 'company profiles',
            },
        ),
        migrations.AddField(
            model_name='auditentry',
            name='company',
            field=models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='accounts.company'),
        ),
        migrations.CreateModel(
            name='AccountManagerAssignment',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('starts_at', models.DateTimeField(verbose_name='from')),
                ('ends_at', models.DateTimeField(blank=True, null=True, verbose_name='until')),
                ('user', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='portfolio', to=settings.AUTH_USER_MODEL, verbose_name='account manager')),
                ('company', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='account_managers', to='accounts.company')),
            ],
            options={
                'verbose_name': 'account manager of a company',
                'verbose_name_plural': 'account managers of companies',
            },
        ),
        migrations.CreateModel(
            name='IdempotencyKey',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('key', models.CharField(max_length=100, verbose_name='key')),
                ('content_hash', models.BinaryField(verbose_name='hash of the content')),
                ('resource_id', models.BigIntegerField(null=True, verbose_name='row')),
                ('created_at', models.DateTimeField(default=django.utils.timezone.now, verbose_name='created')),
                ('user', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='+', to=settings.AUTH_USER_MODEL)),
            ],
            options={
                'verbose_name': 'served request',
                'verbose_name_plural': 'served requests',
            },
        ),
        migrations.CreateModel(
            name='Employee',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('external_id', models.CharField(blank=True, max_length=100, verbose_name='number in other systems')),
                ('name', models.CharField(max_length=150, validators=[accounts.text.validate_plain_text], verbose_name='name')),
                ('alias', models.CharField(blank=True, help_text='Shown to colleagues instead of the name, for example on a leaderboard.', max_length=50, validators=[accounts.text.validate_plain_text], verbose_name='alias')),
                ('phone', models.CharField(blank=True, max_length=50, validators=[accounts.text.validate_plain_text], verbose_name='phone')),
                ('buying_role', models.CharField(choices=[('DECIDES', 'decides'), ('INFLUENCES', 'influences'), ('USES', 'uses'), ('PAYS', 'pays'), ('GUARDS', 'guards')], default='USES', max_length=20, verbose_name='buying role')),
                ('preferred_channel', models.CharField(choices=[('INBOX', 'inbox on this site'), ('EMAIL', 'e-mail'), ('PHONE', 'phone'), ('MESSENGER', 'messenger'), ('VISIT', 'visit')], default='INBOX', max_length=20, verbose_name='preferred channel')),
                ('access', models.CharField(choices=[('MEMBER', 'own points'), ('ADMIN', 'own points and the company')], default='MEMBER', max_length=10, verbose_name='access')),
                ('is_active', models.BooleanField(default=True, verbose_name='active')),
                ('company', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='employees', to='accounts.company')),
                ('user', models.OneToOneField(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='employee', to=settings.AUTH_USER_MODEL, verbose_name='login')),
                ('interests', models.ManyToManyField(blank=True, related_name='employees', to='accounts.interest', verbose_name='interests')),
            ],
            options={
                'verbose_name': 'employee',
                'verbose_name_plural': 'employees',
            },
        ),
        migrations.CreateModel(
            name='Message',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('kind', models.SlugField(max_length=60, verbose_name='kind')),
                ('subject_id', models.BigIntegerField(verbose_name='about')),
                ('facts', models.JSONField(default=dict, help_text='What the text is made of.', verbose_name='facts')),
                ('created_at', models.DateTimeField(default=django.utils.timezone.now, verbose_name='created')),
                ('read_at', models.DateTimeField(blank=True, null=True, verbose_name='read')),
                ('employee', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='messages', to='accounts.employee', verbose_name='to')),
            ],
            options={
                'verbose_name': 'message',
                'verbose_name_plural': 'messages',
            },
        ),
        migrations.CreateModel(
            name='SegmentMembership',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('starts_at', models.DateTimeField(verbose_name='from')),
                ('ends_at', models.DateTimeField(blank=True, null=True, verbose_name='until')),
                ('company', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='segments', to='accounts.company')),
                ('segment', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='memberships', to='accounts.segment')),
            ],
            options={
                'verbose_name': 'company in a segment',
                'verbose_name_plural': 'companies in segments',
            },
        ),
        migrations.CreateModel(
            name='ServiceNote',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('kind', models.CharField(choices=[('CALL', 'call'), ('MEETING', 'meeting'), ('MAIL', 'mail'), ('WISH', 'wish'), ('PROBLEM', 'problem')], default='CALL', max_length=10, verbose_name='kind')),
                ('text', models.TextField(max_length=10000, validators=[accounts.text.validate_plain_text], verbose_name='text')),
                ('visibility', models.CharField(choices=[('INTERNAL', 'internal'), ('SHARED', 'shared with the client')], default='INTERNAL', max_length=10, verbose_name='visibility')),
                ('happened_at', models.DateTimeField(verbose_name='when')),
                ('created_at', models.DateTimeField(auto_now_add=True, verbose_name='written')),
                ('author', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL)),
                ('company', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='service_notes', to='accounts.company')),
                ('people', models.ManyToManyField(blank=True, related_name='service_notes', to='accounts.employee', verbose_name='people')),
            ],
            options={
                'verbose_name': 'service note',
                'verbose_name_plural': 'service notes',
            },
        ),
        migrations.CreateModel(
            name='RoleAssignment',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('starts_at', models.DateTimeField(verbose_name='from')),
                ('ends_at', models.DateTimeField(blank=True, null=True, verbose_name='until')),
                ('employee', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='roles', to='accounts.employee')),
                ('role', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='assignments', to='accounts.stakeholderrole')),
            ],
            options={
                'verbose_name': 'role of an employee',
                'verbose_name_plural': 'roles of employees',
            },
        ),
        migrations.AddConstraint(
            model_name='user',
            constraint=models.UniqueConstraint(django.db.models.functions.text.Lower('email'), name='user_email_unique', violation_error_message='Somebody already signs in with this e-mail address.'),
        ),
        migrations.AddConstraint(
            model_name='company',
            constraint=models.UniqueConstraint(condition=models.Q(('external_id', ''), _negated=True), fields=('external_id',), name='company_external_id_unique', violation_error_message='Another company has this customer number.'),
        ),
        migrations.AddConstraint(
            model_name='company',
            constraint=models.CheckConstraint(condition=models.Q(('served_by__isnull', True), models.Q(('served_by', models.F('id')), _negated=True), _connector='OR'), name='company_not_served_by_itself', violation_error_message='A company cannot be served by itself.'),
        ),
        migrations.AddIndex(
            model_name='auditentry',
            index=models.Index(fields=['subject_type', 'subject_id'], name='audit_entry_subject'),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='auditentry',
            trigger=pgtrigger.compiler.Trigger(name='append_only', sql=pgtrigger.compiler.UpsertTriggerSql(func="\n            RAISE EXCEPTION '% is append-only', TG_TABLE_NAME\n            USING ERRCODE = 'restrict_violation', CONSTRAINT = TG_TABLE_NAME || '_is_append_only';\n        ", hash='00c880fab1372ee63a56b037b8d36e8384ce3046', level='STATEMENT', operation='UPDATE OR DELETE OR TRUNCATE', pgid='pgtrigger_append_only_e6c89', table='accounts_auditentry', when='BEFORE')),
        ),
        migrations.AddIndex(
            model_name='accountmanagerassignment',
            index=models.Index(fields=['user', 'company'], name='account_manager_portfolio'),
        ),
        migrations.AddConstraint(
            model_name='accountmanagerassignment',
            constraint=models.CheckConstraint(condition=models.Q(('ends_at__isnull', True), ('ends_at__gte', models.F('starts_at')), _connector='OR'), name='account_manager_ends_after_start', violation_error_message='The end lies before the start.'),
        ),
        migrations.AddConstraint(
            model_name='accountmanagerassignment',
            constraint=django.contrib.postgres.constraints.ExclusionConstraint(expressions=[(models.Func(models.F('starts_at'), models.F('ends_at'), function='tstzrange', output_field=django.contrib.postgres.fields.ranges.DateTimeRangeField()), '&&'), ('company', '=')], name='account_manager_one_at_a_time', violation_error_message='The company already has an account manager in this time.'),
        ),
        migrations.AddConstraint(
            model_name='idempotencykey',
            constraint=models.UniqueConstraint(fields=('user', 'key'), name='idempotency_key_unique'),
        ),
        migrations.AddConstraint(
            model_name='employee',
            constraint=models.UniqueConstraint(condition=models.Q(('external_id', ''), _negated=True), fields=('company', 'external_id'), name='employee_external_id_unique', violation_error_message='Another employee of this company has this number.'),
        ),
        migrations.AddIndex(
            model_name='message',
            index=models.Index(fields=['employee', '-id'], name='message_inbox'),
        ),
        migrations.AddConstraint(
            model_name='message',
            constraint=models.UniqueConstraint(fields=('employee', 'kind', 'subject_id'), name='message_told_once'),
        ),
        migrations.AddConstraint(
            model_name='segmentmembership',
            constraint=models.CheckConstraint(condition=models.Q(('ends_at__isnull', True), ('ends_at__gte', models.F('starts_at')), _connector='OR'), name='segment_membership_ends_after_start', violation_error_message='The end lies before the start.'),
        ),
        migrations.AddConstraint(
            model_name='segmentmembership',
            constraint=django.contrib.postgres.constraints.ExclusionConstraint(expressions=[(models.Func(models.F('starts_at'), models.F('ends_at'), function='tstzrange', output_field=django.contrib.postgres.fields.ranges.DateTimeRangeField()), '&&'), ('segment', '='), ('company', '=')], name='segment_membership_one_at_a_time', violation_error_message='The company already stands in this segment in this time.'),
        ),
        migrations.AddIndex(
            model_name='servicenote',
            index=models.Index(fields=['company', '-happened_at'], name='service_note_timeline'),
        ),
        migrations.AddConstraint(
            model_name='roleassignment',
            constraint=models.CheckConstraint(condition=models.Q(('ends_at__isnull', True), ('ends_at__gte', models.F('starts_at')), _connector='OR'), name='role_assignment_ends_after_start', violation_error_message='The end lies before the start.'),
        ),
        migrations.AddConstraint(
            model_name='roleassignment',
            constraint=django.contrib.postgres.constraints.ExclusionConstraint(expressions=[(models.Func(models.F('starts_at'), models.F('ends_at'), function='tstzrange', output_field=django.contrib.postgres.fields.ranges.DateTimeRangeField()), '&&'), ('employee', '='), ('role', '=')], name='role_assignment_one_at_a_time', violation_error_message='The employee already plays this role in this time.'),
        ),
    ]
