"""What a fresh installation begins with. One that has applied all that this replaces has it already."""

import accounts.models.users
import accounts.text
import django.contrib.postgres.constraints
import django.contrib.postgres.fields
import django.contrib.postgres.fields.ranges
import django.core.validators
import django.db.models.deletion
import django.db.models.functions.text
import django.db.models.lookups
import django.utils.timezone
import pgtrigger.compiler
import pgtrigger.migrations
import simple_history.models
import uuid
from django.conf import settings
from django.contrib.postgres.operations import BtreeGistExtension
from django.db import migrations, models

from accounts.migrating import Together

# The table of `createcachetable`, but unlogged: what is counted there need not outlive a crash.
CACHE = """
CREATE UNLOGGED TABLE accounts_cache (
    cache_key varchar(255) NOT NULL PRIMARY KEY,
    value text NOT NULL,
    expires timestamp with time zone NOT NULL
);
CREATE INDEX accounts_cache_expires ON accounts_cache (expires);
"""


class Migration(migrations.Migration):

    replaces = [
        ('accounts', '0001_initial'),
        ('accounts', '0002_the_desks'),
        ('accounts', '0003_jobs'),
        ('accounts', '0004_pulses'),
        ('accounts', '0005_files'),
        ('accounts', '0007_erasures'),
        ('accounts', '0008_mail'),
        ('accounts', '0009_periodic_work'),
        ('accounts', '0010_imports'),
        ('accounts', '0011_invitations'),
        ('accounts', '0012_webhooks'),
        ('accounts', '0013_single_sign_on'),
        ('accounts', '0014_files_of_any_kind'),
        ('accounts', '0015_people_known_by_an_address'),
        ('accounts', '0016_segments_by_condition'),
    ]

    initial = True

    dependencies = [
        ('auth', '0012_alter_user_first_name_max_length'),
    ]

    operations = [
        BtreeGistExtension(),
        migrations.RunSQL(CACHE, "DROP TABLE accounts_cache"),
        Together(
            operations=[
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
                        'constraints': [models.UniqueConstraint(django.db.models.functions.text.Lower('email'), name='user_email_unique', violation_error_message='Somebody already signs in with this e-mail address.')],
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
                        'constraints': [models.UniqueConstraint(condition=models.Q(('external_id', ''), _negated=True), fields=('external_id',), name='company_external_id_unique', violation_error_message='Another company has this customer number.'), models.CheckConstraint(condition=models.Q(('served_by__isnull', True), models.Q(('served_by', models.F('id')), _negated=True), _connector='OR'), name='company_not_served_by_itself', violation_error_message='A company cannot be served by itself.')],
                    },
                ),
                migrations.CreateModel(
                    name='AuditEntry',
                    fields=[
                        ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                        ('at', models.DateTimeField(default=django.utils.timezone.now, verbose_name='when')),
                        ('action', models.SlugField(max_length=60, verbose_name='what')),
                        ('subject_type', models.CharField(max_length=60, verbose_name='kind of row')),
                        ('subject_id', models.BigIntegerField(verbose_name='row')),
                        ('numbers', models.JSONField(default=dict, verbose_name='numbers')),
                        ('actor', models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL, verbose_name='who')),
                        ('company', models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='accounts.company')),
                    ],
                    options={
                        'verbose_name': 'audit entry',
                        'verbose_name_plural': 'audit trail',
                        'indexes': [models.Index(fields=['subject_type', 'subject_id'], name='audit_entry_subject')],
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
                        ('condition', models.JSONField(blank=True, default=dict, help_text='Empty: companies are listed by hand. Once there is a condition, it alone says who is in.', verbose_name='companies for which')),
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
                        'indexes': [models.Index(fields=['user', 'company'], name='account_manager_portfolio')],
                        'constraints': [models.CheckConstraint(condition=models.Q(('ends_at__isnull', True), ('ends_at__gte', models.F('starts_at')), _connector='OR'), name='account_manager_ends_after_start', violation_error_message='The end lies before the start.'), django.contrib.postgres.constraints.ExclusionConstraint(expressions=[(models.Func(models.F('starts_at'), models.F('ends_at'), function='tstzrange', output_field=django.contrib.postgres.fields.ranges.DateTimeRangeField()), '&&'), ('company', '=')], name='account_manager_one_at_a_time', violation_error_message='The company already has an account manager in this time.')],
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
                        'constraints': [models.UniqueConstraint(fields=('user', 'key'), name='idempotency_key_unique')],
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
                        ('erased_at', models.DateTimeField(editable=False, null=True, verbose_name='erased')),
                        ('address', models.EmailField(blank=True, help_text='What the person is known by until there is a login; with one, its address is what counts.', max_length=254, verbose_name='e-mail address')),
                    ],
                    options={
                        'verbose_name': 'employee',
                        'verbose_name_plural': 'employees',
                        'constraints': [models.UniqueConstraint(condition=models.Q(('external_id', ''), _negated=True), fields=('company', 'external_id'), name='employee_external_id_unique', violation_error_message='Another employee of this company has this number.'), models.UniqueConstraint(models.F('company'), django.db.models.functions.text.Lower('address'), condition=models.Q(('address', ''), _negated=True), name='employee_address_unique', violation_error_message='Another employee of this company is known by this e-mail address.'), models.CheckConstraint(condition=models.Q(('user__isnull', True), ('address', ''), _connector='OR'), name='employee_address_until_login', violation_error_message='The login has an e-mail address of its own: leave this one empty.'), models.CheckConstraint(condition=models.Q(('erased_at__isnull', True), models.Q(('address', ''), ('alias', ''), ('external_id', ''), ('is_active', False), ('phone', '')), _connector='OR'), name='employee_erased_is_nobody')],
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
                        ('is_in_inbox', models.BooleanField(default=True, help_text='Not for whoever wants to be told by e-mail alone.', verbose_name='in the inbox')),
                    ],
                    options={
                        'verbose_name': 'message',
                        'verbose_name_plural': 'messages',
                        'indexes': [models.Index(fields=['employee', '-id'], name='message_inbox')],
                        'constraints': [models.UniqueConstraint(fields=('employee', 'kind', 'subject_id'), name='message_told_once')],
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
                        ('source', models.CharField(choices=[('LISTED', 'listed by hand'), ('CONDITION', 'by condition')], db_default='LISTED', default='LISTED', editable=False, max_length=10, verbose_name='how')),
                    ],
                    options={
                        'verbose_name': 'company in a segment',
                        'verbose_name_plural': 'companies in segments',
                        'constraints': [models.CheckConstraint(condition=models.Q(('ends_at__isnull', True), ('ends_at__gte', models.F('starts_at')), _connector='OR'), name='segment_membership_ends_after_start', violation_error_message='The end lies before the start.'), django.contrib.postgres.constraints.ExclusionConstraint(expressions=[(models.Func(models.F('starts_at'), models.F('ends_at'), function='tstzrange', output_field=django.contrib.postgres.fields.ranges.DateTimeRangeField()), '&&'), ('segment', '='), ('company', '=')], name='segment_membership_one_at_a_time', violation_error_message='The company already stands in this segment in this time.')],
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
                        'indexes': [models.Index(fields=['company', '-happened_at'], name='service_note_timeline')],
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
                        'constraints': [models.CheckConstraint(condition=models.Q(('ends_at__isnull', True), ('ends_at__gte', models.F('starts_at')), _connector='OR'), name='role_assignment_ends_after_start', violation_error_message='The end lies before the start.'), django.contrib.postgres.constraints.ExclusionConstraint(expressions=[(models.Func(models.F('starts_at'), models.F('ends_at'), function='tstzrange', output_field=django.contrib.postgres.fields.ranges.DateTimeRangeField()), '&&'), ('employee', '='), ('role', '=')], name='role_assignment_one_at_a_time', violation_error_message='The employee already plays this role in this time.')],
                    },
                ),
                migrations.CreateModel(
                    name='FollowUp',
                    fields=[
                        ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                        ('kind', models.CharField(choices=[('PROMISE', 'promise'), ('GESTURE', 'gesture'), ('RENEWAL', 'renewal'), ('OFFER', 'offer')], default='PROMISE', max_length=10, verbose_name='kind')),
                        ('text', models.CharField(max_length=300, validators=[accounts.text.validate_plain_text], verbose_name='what')),
                        ('visibility', models.CharField(choices=[('INTERNAL', 'internal'), ('SHARED', 'shared with the client')], default='INTERNAL', max_length=10, verbose_name='visibility')),
                        ('due_on', models.DateField(verbose_name='due')),
                        ('state', models.CharField(choices=[('OPEN', 'open'), ('DONE', 'done'), ('DROPPED', 'dropped')], default='OPEN', max_length=10, verbose_name='state')),
                        ('created_at', models.DateTimeField(verbose_name='written')),
                        ('closed_at', models.DateTimeField(null=True, verbose_name='closed')),
                        ('outcome', models.CharField(blank=True, max_length=300, validators=[accounts.text.validate_plain_text], verbose_name='what came of it')),
                        ('closed_by', models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL)),
                        ('company', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='follow_ups', to='accounts.company')),
                        ('created_by', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL)),
                        ('note', models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='follow_ups', to='accounts.servicenote')),
                    ],
                    options={
                        'verbose_name': 'follow-up',
                        'verbose_name_plural': 'follow-ups',
                        'indexes': [models.Index(condition=models.Q(('state', 'OPEN')), fields=['company', 'due_on'], name='follow_up_owed')],
                        'constraints': [models.CheckConstraint(condition=models.Q(models.Q(('closed_at__isnull', True), ('closed_by__isnull', True), ('state', 'OPEN')), models.Q(models.Q(('state', 'OPEN'), _negated=True), ('closed_at__isnull', False), ('closed_by__isnull', False)), _connector='OR'), name='follow_up_closed_by_somebody'), models.CheckConstraint(condition=models.Q(models.Q(('state', 'DROPPED'), _negated=True), models.Q(('outcome', ''), _negated=True), _connector='OR'), name='follow_up_dropped_with_reason')],
                    },
                ),
                migrations.CreateModel(
                    name='FollowUpMove',
                    fields=[
                        ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                        ('from_on', models.DateField(verbose_name='from')),
                        ('to_on', models.DateField(verbose_name='to')),
                        ('reason', models.CharField(max_length=300, validators=[accounts.text.validate_plain_text], verbose_name='reason')),
                        ('moved_at', models.DateTimeField(verbose_name='moved')),
                        ('follow_up', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='moves', to='accounts.followup')),
                        ('moved_by', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL)),
                    ],
                    options={
                        'verbose_name': 'moved follow-up',
                        'verbose_name_plural': 'moved follow-ups',
                        'constraints': [models.CheckConstraint(condition=models.Q(('reason', ''), _negated=True), name='follow_up_moved_with_reason'), models.CheckConstraint(condition=models.Q(('from_on', models.F('to_on')), _negated=True), name='follow_up_moved_to_another_day')],
                    },
                ),
                migrations.CreateModel(
                    name='InterestHistory',
                    fields=[
                        ('id', models.BigIntegerField(auto_created=True, blank=True, db_index=True, verbose_name='ID')),
                        ('code', models.SlugField(verbose_name='code')),
                        ('name', models.CharField(max_length=100, validators=[accounts.text.validate_plain_text], verbose_name='name')),
                        ('history_id', models.AutoField(primary_key=True, serialize=False)),
                        ('history_date', models.DateTimeField(db_index=True)),
                        ('history_change_reason', models.CharField(max_length=100, null=True)),
                        ('history_type', models.CharField(choices=[('+', 'Created'), ('~', 'Changed'), ('-', 'Deleted')], max_length=1)),
                        ('history_user', models.ForeignKey(null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to=settings.AUTH_USER_MODEL)),
                    ],
                    options={
                        'verbose_name': 'historical interest',
                        'verbose_name_plural': 'historical interests',
                        'ordering': ('-history_date', '-history_id'),
                        'get_latest_by': ('history_date', 'history_id'),
                    },
                    bases=(simple_history.models.HistoricalChanges, models.Model),
                ),
                migrations.CreateModel(
                    name='NotificationPreference',
                    fields=[
                        ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                        ('topic', models.CharField(choices=[('ORDERS', 'orders'), ('STANDING', 'tier and benefits'), ('POINTS', 'points that expire'), ('SURVEYS', 'surveys'), ('NEWS', 'news of the program')], max_length=10, verbose_name='topic')),
                        ('channel', models.CharField(choices=[('INBOX', 'inbox on this site'), ('EMAIL', 'e-mail')], max_length=10, verbose_name='channel')),
                        ('is_wanted', models.BooleanField(verbose_name='wanted')),
                        ('employee', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='notification_preferences', to='accounts.employee')),
                    ],
                    options={
                        'verbose_name': 'notification preference',
                        'verbose_name_plural': 'notification preferences',
                        'constraints': [models.UniqueConstraint(fields=('employee', 'topic', 'channel'), name='notification_preference_unique')],
                    },
                ),
                migrations.CreateModel(
                    name='SavedFilter',
                    fields=[
                        ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                        ('screen', models.CharField(help_text='Label of the model, such as rewards.Redemption.', max_length=100, verbose_name='list')),
                        ('name', models.CharField(max_length=100, validators=[accounts.text.validate_plain_text], verbose_name='name')),
                        ('query', models.CharField(blank=True, max_length=2000, verbose_name='filter')),
                        ('is_shared', models.BooleanField(default=False, verbose_name='shared with all program managers')),
                        ('owner', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='saved_filters', to=settings.AUTH_USER_MODEL)),
                    ],
                    options={
                        'verbose_name': 'saved filter',
                        'verbose_name_plural': 'saved filters',
                        'constraints': [models.UniqueConstraint(fields=('owner', 'screen', 'name'), name='saved_filter_name_unique', violation_error_message='You already have a filter of this name.'), models.CheckConstraint(condition=models.Q(('name', ''), _negated=True), name='saved_filter_has_name')],
                    },
                ),
                migrations.CreateModel(
                    name='SegmentHistory',
                    fields=[
                        ('id', models.BigIntegerField(auto_created=True, blank=True, db_index=True, verbose_name='ID')),
                        ('code', models.SlugField(verbose_name='code')),
                        ('name', models.CharField(max_length=100, validators=[accounts.text.validate_plain_text], verbose_name='name')),
                        ('history_id', models.AutoField(primary_key=True, serialize=False)),
                        ('history_date', models.DateTimeField(db_index=True)),
                        ('history_change_reason', models.CharField(max_length=100, null=True)),
                        ('history_type', models.CharField(choices=[('+', 'Created'), ('~', 'Changed'), ('-', 'Deleted')], max_length=1)),
                        ('history_user', models.ForeignKey(null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to=settings.AUTH_USER_MODEL)),
                        ('condition', models.JSONField(blank=True, default=dict, help_text='Empty: companies are listed by hand. Once there is a condition, it alone says who is in.', verbose_name='companies for which')),
                    ],
                    options={
                        'verbose_name': 'historical segment',
                        'verbose_name_plural': 'historical segments',
                        'ordering': ('-history_date', '-history_id'),
                        'get_latest_by': ('history_date', 'history_id'),
                    },
                    bases=(simple_history.models.HistoricalChanges, models.Model),
                ),
                migrations.CreateModel(
                    name='ServiceNoteVersion',
                    fields=[
                        ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                        ('text', models.TextField(verbose_name='text')),
                        ('kind', models.CharField(choices=[('CALL', 'call'), ('MEETING', 'meeting'), ('MAIL', 'mail'), ('WISH', 'wish'), ('PROBLEM', 'problem')], max_length=10, verbose_name='kind')),
                        ('visibility', models.CharField(choices=[('INTERNAL', 'internal'), ('SHARED', 'shared with the client')], max_length=10, verbose_name='visibility')),
                        ('happened_at', models.DateTimeField(verbose_name='when')),
                        ('replaced_at', models.DateTimeField(verbose_name='edited')),
                        ('note', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='versions', to='accounts.servicenote')),
                        ('replaced_by', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL, verbose_name='edited by')),
                    ],
                    options={
                        'verbose_name': 'earlier version of a note',
                        'verbose_name_plural': 'earlier versions of notes',
                        'indexes': [models.Index(fields=['note', '-replaced_at'], name='service_note_version_latest')],
                    },
                ),
                migrations.CreateModel(
                    name='StakeholderRoleHistory',
                    fields=[
                        ('id', models.BigIntegerField(auto_created=True, blank=True, db_index=True, verbose_name='ID')),
                        ('code', models.SlugField(verbose_name='code')),
                        ('name', models.CharField(max_length=100, validators=[accounts.text.validate_plain_text], verbose_name='name')),
                        ('history_id', models.AutoField(primary_key=True, serialize=False)),
                        ('history_date', models.DateTimeField(db_index=True)),
                        ('history_change_reason', models.CharField(max_length=100, null=True)),
                        ('history_type', models.CharField(choices=[('+', 'Created'), ('~', 'Changed'), ('-', 'Deleted')], max_length=1)),
                        ('history_user', models.ForeignKey(null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to=settings.AUTH_USER_MODEL)),
                    ],
                    options={
                        'verbose_name': 'historical stakeholder role',
                        'verbose_name_plural': 'historical stakeholder roles',
                        'ordering': ('-history_date', '-history_id'),
                        'get_latest_by': ('history_date', 'history_id'),
                    },
                    bases=(simple_history.models.HistoricalChanges, models.Model),
                ),
                migrations.CreateModel(
                    name='Approval',
                    fields=[
                        ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                        ('kind', models.SlugField(max_length=60, verbose_name='what is asked')),
                        ('subject_id', models.BigIntegerField(verbose_name='about')),
                        ('audience', models.CharField(choices=[('CLIENT', "the client's own people"), ('VENDOR', "the vendor's program managers")], max_length=10, verbose_name='decided by')),
                        ('points', models.BigIntegerField(null=True, verbose_name='points')),
                        ('asked_at', models.DateTimeField(verbose_name='asked')),
                        ('note', models.TextField(blank=True, max_length=2000, validators=[accounts.text.validate_plain_text], verbose_name='why it is asked')),
                        ('state', models.CharField(choices=[('WAITING', 'waiting'), ('APPROVED', 'approved'), ('REJECTED', 'rejected'), ('WITHDRAWN', 'withdrawn')], default='WAITING', max_length=10, verbose_name='state')),
                        ('decided_at', models.DateTimeField(null=True, verbose_name='decided')),
                        ('reason', models.TextField(blank=True, max_length=2000, validators=[accounts.text.validate_plain_text], verbose_name='reason')),
                        ('asked_by', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL, verbose_name='asked by')),
                        ('company', models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='approvals', to='accounts.company')),
                        ('decided_by', models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL, verbose_name='decided by')),
                    ],
                    options={
                        'verbose_name': 'approval',
                        'verbose_name_plural': 'approvals',
                        'indexes': [models.Index(fields=['audience', 'state', 'asked_at'], name='approval_queue')],
                        'constraints': [models.CheckConstraint(condition=models.Q(('decided_by__isnull', True), ('state', 'WITHDRAWN'), models.Q(('asked_by', models.F('decided_by')), _negated=True), _connector='OR'), name='approval_asker_never_decides'), models.CheckConstraint(condition=models.Q(models.Q(('decided_at__isnull', True), ('decided_by__isnull', True), ('state', 'WAITING')), models.Q(models.Q(('state', 'WAITING'), _negated=True), ('decided_at__isnull', False), ('decided_by__isnull', False)), _connector='OR'), name='approval_decided_by_somebody'), models.CheckConstraint(condition=models.Q(models.Q(('state', 'REJECTED'), _negated=True), models.Q(('reason', ''), _negated=True), _connector='OR'), name='approval_rejected_with_reason'), models.UniqueConstraint(condition=models.Q(('state', 'WAITING')), fields=('kind', 'subject_id'), name='approval_asked_once_at_a_time')],
                    },
                ),
                migrations.CreateModel(
                    name='Delegation',
                    fields=[
                        ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                        ('starts_at', models.DateTimeField(verbose_name='from')),
                        ('ends_at', models.DateTimeField(blank=True, null=True, verbose_name='until')),
                        ('company', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='delegations', to='accounts.company')),
                        ('delegate', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='stands_in', to='accounts.employee', verbose_name='who stands in')),
                        ('employee', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='delegations', to='accounts.employee', verbose_name='who is away')),
                    ],
                    options={
                        'verbose_name': 'delegation',
                        'verbose_name_plural': 'delegations',
                        'constraints': [models.CheckConstraint(condition=models.Q(('ends_at__isnull', True), ('ends_at__gte', models.F('starts_at')), _connector='OR'), name='delegation_ends_after_start', violation_error_message='The end lies before the start.'), models.CheckConstraint(condition=models.Q(('employee', models.F('delegate')), _negated=True), name='delegation_to_somebody_else', violation_error_message='Choose a colleague: nobody stands in for themselves.'), django.contrib.postgres.constraints.ExclusionConstraint(expressions=[(models.Func(models.F('starts_at'), models.F('ends_at'), function='tstzrange', output_field=django.contrib.postgres.fields.ranges.DateTimeRangeField()), '&&'), ('employee', '=')], name='delegation_one_at_a_time', violation_error_message='Somebody stands in already in this time.')],
                    },
                ),
                migrations.CreateModel(
                    name='Draft',
                    fields=[
                        ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                        ('address', models.CharField(max_length=200, verbose_name='page')),
                        ('fields', models.JSONField(default=dict, verbose_name='typed')),
                        ('saved_at', models.DateTimeField(verbose_name='kept')),
                        ('user', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='+', to=settings.AUTH_USER_MODEL)),
                    ],
                    options={
                        'verbose_name': 'draft',
                        'verbose_name_plural': 'drafts',
                        'constraints': [models.UniqueConstraint(fields=('user', 'address'), name='draft_one_a_page')],
                    },
                ),
                migrations.CreateModel(
                    name='Job',
                    fields=[
                        ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                        ('kind', models.SlugField(max_length=60, verbose_name='kind')),
                        ('parameters', models.JSONField(default=dict, verbose_name='parameters')),
                        ('state', models.CharField(choices=[('QUEUED', 'waits'), ('RUNNING', 'runs'), ('DONE', 'done'), ('FAILED', 'failed'), ('CANCELLED', 'cancelled')], default='QUEUED', max_length=10, verbose_name='state')),
                        ('created_at', models.DateTimeField(default=django.utils.timezone.now, verbose_name='asked')),
                        ('due_at', models.DateTimeField(default=django.utils.timezone.now, verbose_name='due')),
                        ('started_at', models.DateTimeField(null=True, verbose_name='started')),
                        ('ended_at', models.DateTimeField(null=True, verbose_name='ended')),
                        ('tries', models.PositiveSmallIntegerField(default=0, verbose_name='tries')),
                        ('done', models.PositiveBigIntegerField(default=0, verbose_name='steps done')),
                        ('total', models.PositiveBigIntegerField(default=0, verbose_name='steps in all')),
                        ('is_cancel_asked', models.BooleanField(default=False, verbose_name='to be cancelled')),
                        ('result', models.JSONField(default=dict, verbose_name='result')),
                        ('failure', models.TextField(blank=True, verbose_name='why it failed')),
                        ('asked_by', models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL, verbose_name='asked by')),
                    ],
                    options={
                        'verbose_name': 'job',
                        'verbose_name_plural': 'jobs',
                        'indexes': [models.Index(condition=models.Q(('state__in', ('QUEUED', 'RUNNING'))), fields=['due_at', 'id'], name='job_open')],
                        'constraints': [models.CheckConstraint(condition=models.Q(models.Q(('ended_at__isnull', True), ('state__in', ('QUEUED', 'RUNNING'))), models.Q(('ended_at__isnull', False), ('state__in', ('DONE', 'FAILED', 'CANCELLED'))), _connector='OR'), name='job_ended_has_a_moment'), models.CheckConstraint(condition=models.Q(models.Q(('state', 'FAILED'), _negated=True), models.Q(('failure', ''), _negated=True), _connector='OR'), name='job_failed_says_why'), models.CheckConstraint(condition=models.Q(('total', 0), ('done__lte', models.F('total')), _connector='OR'), name='job_done_within_total')],
                    },
                ),
                migrations.CreateModel(
                    name='Pulse',
                    fields=[
                        ('code', models.SlugField(max_length=60, primary_key=True, serialize=False, verbose_name='code')),
                        ('at', models.DateTimeField(verbose_name='last sign of life')),
                    ],
                    options={
                        'verbose_name': 'sign of life',
                        'verbose_name_plural': 'signs of life',
                    },
                ),
                migrations.CreateModel(
                    name='Attachment',
                    fields=[
                        ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                        ('name', models.CharField(max_length=200, validators=[accounts.text.validate_plain_text], verbose_name='name')),
                        ('content_type', models.CharField(choices=[('text/csv', 'CSV'), ('application/vnd.openxmlformats-officedocument.spreadsheetml.sheet', 'Excel workbook'), ('application/gzip', 'compressed CSV'), ('application/json', 'JSON'), ('application/zip', 'archive'), ('application/octet-stream', 'file')], max_length=100, verbose_name='kind')),
                        ('size', models.PositiveBigIntegerField(verbose_name='size in bytes')),
                        ('sha256', models.BinaryField(max_length=32, verbose_name='SHA-256')),
                        ('created_at', models.DateTimeField(verbose_name='made')),
                        ('expires_at', models.DateTimeField(verbose_name='deleted after')),
                        ('created_by', models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL, verbose_name='made by')),
                    ],
                    options={
                        'verbose_name': 'file',
                        'verbose_name_plural': 'files',
                        'indexes': [models.Index(fields=['expires_at'], name='attachment_expiring')],
                        'constraints': [models.CheckConstraint(condition=models.Q(('expires_at__gt', models.F('created_at'))), name='attachment_kept_for_a_time')],
                    },
                ),
                migrations.CreateModel(
                    name='AttachmentPart',
                    fields=[
                        ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                        ('number', models.PositiveIntegerField(verbose_name='number')),
                        ('content', models.BinaryField(verbose_name='content')),
                        ('attachment', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.CASCADE, related_name='parts', to='accounts.attachment')),
                    ],
                    options={
                        'verbose_name': 'part of a file',
                        'verbose_name_plural': 'parts of files',
                        'constraints': [models.UniqueConstraint(fields=('attachment', 'number'), name='attachment_part_once'), models.CheckConstraint(condition=django.db.models.lookups.LessThanOrEqual(models.Func(models.F('content'), function='octet_length', output_field=models.IntegerField()), 524288), name='attachment_part_small')],
                    },
                ),
                migrations.CreateModel(
                    name='Erasure',
                    fields=[
                        ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                        ('state', models.CharField(choices=[('WAITING', 'waits'), ('DONE', 'done'), ('WITHDRAWN', 'withdrawn')], default='WAITING', max_length=10, verbose_name='state')),
                        ('asked_at', models.DateTimeField(verbose_name='asked')),
                        ('due_at', models.DateTimeField(verbose_name='due')),
                        ('ended_at', models.DateTimeField(null=True, verbose_name='ended')),
                        ('asked_by', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL, verbose_name='asked by')),
                        ('employee', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='erasures', to='accounts.employee', verbose_name='person')),
                    ],
                    options={
                        'verbose_name': 'erasure',
                        'verbose_name_plural': 'erasures',
                        'indexes': [models.Index(condition=models.Q(('state', 'WAITING')), fields=['due_at'], name='erasure_waiting')],
                        'constraints': [models.UniqueConstraint(condition=models.Q(('state', 'WAITING')), fields=('employee',), name='erasure_one_at_a_time', violation_error_message='This person has asked already.'), models.CheckConstraint(condition=models.Q(('due_at__gte', models.F('asked_at'))), name='erasure_due_after_it_was_asked'), models.CheckConstraint(condition=models.Q(models.Q(('ended_at__isnull', True), ('state', 'WAITING')), models.Q(models.Q(('state', 'WAITING'), _negated=True), ('ended_at__isnull', False)), _connector='OR'), name='erasure_ended_has_a_moment')],
                    },
                ),
                migrations.CreateModel(
                    name='Mail',
                    fields=[
                        ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                        ('code', models.UUIDField(default=uuid.uuid4, editable=False, unique=True, verbose_name="number in the e-mail's head")),
                        ('kind', models.SlugField(max_length=60, verbose_name='kind')),
                        ('address', models.EmailField(max_length=254, verbose_name='e-mail address')),
                        ('language', models.CharField(choices=[('en', 'English'), ('ja', 'Japanese'), ('id', 'Indonesian'), ('ar', 'Arabic'), ('zh-hans', 'Chinese'), ('ko', 'Korean')], default='en', max_length=10, verbose_name='language')),
                        ('facts', models.JSONField(default=dict, help_text='What the text is made of.', verbose_name='facts')),
                        ('state', models.CharField(choices=[('WAITING', 'waits'), ('SENDING', 'is being sent'), ('SENT', 'sent'), ('UNCERTAIN', 'uncertain whether it was sent'), ('FAILED', 'failed'), ('BOUNCED', 'came back'), ('UNWANTED', 'not sent: not wanted'), ('WRITTEN_OFF', 'written off')], default='WAITING', max_length=12, verbose_name='state')),
                        ('created_at', models.DateTimeField(default=django.utils.timezone.now, verbose_name='written')),
                        ('due_at', models.DateTimeField(default=django.utils.timezone.now, verbose_name='due')),
                        ('ended_at', models.DateTimeField(null=True, verbose_name='ended')),
                        ('tries', models.PositiveSmallIntegerField(default=0, verbose_name='tries')),
                        ('claim', models.PositiveIntegerField(null=True, verbose_name='in the hands of')),
                        ('why', models.TextField(blank=True, verbose_name='why it was not sent')),
                        ('message', models.OneToOneField(null=True, on_delete=django.db.models.deletion.CASCADE, related_name='mail', to='accounts.message', verbose_name='message')),
                        ('user', models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='mails', to=settings.AUTH_USER_MODEL, verbose_name='to')),
                    ],
                    options={
                        'verbose_name': 'e-mail',
                        'verbose_name_plural': 'e-mails',
                        'indexes': [models.Index(condition=models.Q(('claim__isnull', True), ('state', 'WAITING')), fields=['due_at', 'id'], name='mail_due'), models.Index(condition=models.Q(('claim__isnull', False)), fields=['claim'], name='mail_in_hand'), models.Index(fields=['address'], name='mail_address')],
                        'constraints': [models.CheckConstraint(condition=models.Q(models.Q(('ended_at__isnull', True), ('state__in', ('WAITING', 'SENDING'))), models.Q(models.Q(('state__in', ('WAITING', 'SENDING')), _negated=True), ('claim__isnull', True), ('ended_at__isnull', False)), _connector='OR'), name='mail_ended_has_a_moment_and_no_holder'), models.CheckConstraint(condition=models.Q(models.Q(('state', 'SENDING'), _negated=True), ('claim__isnull', False), _connector='OR'), name='mail_sent_by_somebody'), models.CheckConstraint(condition=models.Q(models.Q(('state__in', ('FAILED', 'UNWANTED')), _negated=True), models.Q(('why', ''), _negated=True), _connector='OR'), name='mail_not_sent_says_why'), models.CheckConstraint(condition=models.Q(('address', ''), _negated=True), name='mail_has_address')],
                    },
                ),
                migrations.CreateModel(
                    name='MailReport',
                    fields=[
                        ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                        ('address', models.EmailField(max_length=254, verbose_name='e-mail address')),
                        ('event', models.CharField(choices=[('BOUNCE', 'came back'), ('COMPLAINT', 'complaint')], max_length=10, verbose_name='what happened')),
                        ('kind', models.CharField(choices=[('HARD', 'for good'), ('SOFT', 'for now')], max_length=4, verbose_name='for good or for now')),
                        ('at', models.DateTimeField(verbose_name='when')),
                        ('reported_at', models.DateTimeField(default=django.utils.timezone.now, verbose_name='reported')),
                        ('mail', models.ForeignKey(null=True, on_delete=django.db.models.deletion.CASCADE, related_name='reports', to='accounts.mail', verbose_name='e-mail')),
                    ],
                    options={
                        'verbose_name': 'report on an e-mail',
                        'verbose_name_plural': 'reports on e-mails',
                        'constraints': [models.UniqueConstraint(fields=('address', 'event', 'kind', 'at'), name='mail_report_told_once')],
                    },
                ),
                migrations.CreateModel(
                    name='SuppressedAddress',
                    fields=[
                        ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                        ('address', models.EmailField(help_text='In small letters.', max_length=254, unique=True, verbose_name='e-mail address')),
                        ('reason', models.CharField(choices=[('BOUNCE', 'e-mails came back'), ('COMPLAINT', 'somebody reported an e-mail as spam')], max_length=10, verbose_name='why')),
                        ('since', models.DateTimeField(default=django.utils.timezone.now, verbose_name='since')),
                        ('lifted_at', models.DateTimeField(null=True, verbose_name='tried again')),
                    ],
                    options={
                        'verbose_name': 'address without e-mail',
                        'verbose_name_plural': 'addresses without e-mail',
                        'constraints': [models.CheckConstraint(condition=models.Q(('address', django.db.models.functions.text.Lower('address'))), name='suppressed_address_in_small_letters')],
                    },
                ),
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
                migrations.CreateModel(
                    name='Import',
                    fields=[
                        ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                        ('kind', models.SlugField(max_length=60, verbose_name='what')),
                        ('name', models.CharField(max_length=200, validators=[accounts.text.validate_plain_text], verbose_name='file')),
                        ('terms', models.JSONField(default=dict, verbose_name='how it is read')),
                        ('checked', models.JSONField(default=dict, verbose_name='found by the dry run')),
                        ('checked_digest', models.BinaryField(default=b'', max_length=32, verbose_name='what the dry run was of')),
                        ('done', models.JSONField(default=dict, verbose_name='done')),
                        ('created_at', models.DateTimeField(default=django.utils.timezone.now, verbose_name='uploaded')),
                        ('approval', models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='accounts.approval')),
                        ('check_job', models.ForeignKey(null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to='accounts.job')),
                        ('created_by', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL, verbose_name='uploaded by')),
                        ('file', models.ForeignKey(null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to='accounts.attachment', verbose_name='file')),
                        ('go_job', models.ForeignKey(null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to='accounts.job')),
                        ('refused_file', models.ForeignKey(null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to='accounts.attachment', verbose_name='rows that were refused')),
                    ],
                    options={
                        'verbose_name': 'import',
                        'verbose_name_plural': 'imports',
                        'indexes': [models.Index(fields=['created_at'], name='import_by_age')],
                    },
                ),
                migrations.CreateModel(
                    name='ImportMapping',
                    fields=[
                        ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                        ('kind', models.SlugField(max_length=60, verbose_name='what')),
                        ('name', models.CharField(max_length=100, validators=[accounts.text.validate_plain_text], verbose_name='name')),
                        ('terms', models.JSONField(default=dict, verbose_name='how files are read')),
                        ('created_at', models.DateTimeField(default=django.utils.timezone.now, verbose_name='saved')),
                        ('created_by', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL, verbose_name='saved by')),
                    ],
                    options={
                        'verbose_name': 'saved mapping',
                        'verbose_name_plural': 'saved mappings',
                        'constraints': [models.UniqueConstraint(fields=('kind', 'name'), name='import_mapping_name_unique', violation_error_message='There is a mapping of this name.')],
                    },
                ),
                migrations.CreateModel(
                    name='Invitation',
                    fields=[
                        ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                        ('address', models.EmailField(max_length=254, verbose_name='e-mail address')),
                        ('language', models.CharField(choices=[('en', 'English'), ('ja', 'Japanese'), ('id', 'Indonesian'), ('ar', 'Arabic'), ('zh-hans', 'Chinese'), ('ko', 'Korean')], default='en', max_length=10, verbose_name='language')),
                        ('token_hash', models.BinaryField(null=True, verbose_name='hash of the word')),
                        ('invited_at', models.DateTimeField(default=django.utils.timezone.now, verbose_name='invited')),
                        ('expires_at', models.DateTimeField(verbose_name='expires')),
                        ('accepted_at', models.DateTimeField(null=True, verbose_name='accepted')),
                        ('revoked_at', models.DateTimeField(null=True, verbose_name='taken back')),
                        ('employee', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='invitations', to='accounts.employee', verbose_name='employee')),
                        ('invited_by', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL, verbose_name='invited by')),
                    ],
                    options={
                        'verbose_name': 'invitation',
                        'verbose_name_plural': 'invitations',
                        'indexes': [models.Index(fields=['employee', '-invited_at'], name='invitation_of_employee')],
                        'constraints': [models.UniqueConstraint(condition=models.Q(('accepted_at__isnull', True), ('revoked_at__isnull', True)), fields=('employee',), name='invitation_one_open_a_person'), models.UniqueConstraint(condition=models.Q(('accepted_at__isnull', False)), fields=('employee',), name='invitation_accepted_once_a_person'), models.UniqueConstraint(fields=('token_hash',), name='invitation_word_unique'), models.CheckConstraint(condition=models.Q(('accepted_at__isnull', True), ('revoked_at__isnull', True), _connector='OR'), name='invitation_ended_one_way'), models.CheckConstraint(condition=models.Q(('expires_at__gt', models.F('invited_at'))), name='invitation_expires_after_it_was_sent')],
                    },
                ),
                migrations.CreateModel(
                    name='WebhookEvent',
                    fields=[
                        ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                        ('uid', models.UUIDField(default=uuid.uuid4, editable=False, verbose_name='id')),
                        ('kind', models.CharField(max_length=60, verbose_name='event')),
                        ('company_number', models.CharField(blank=True, max_length=100, verbose_name='customer number')),
                        ('object_key', models.CharField(max_length=100, verbose_name='object')),
                        ('facts', models.JSONField(default=dict, verbose_name='facts')),
                        ('occurred_at', models.DateTimeField(verbose_name='happened')),
                        ('company', models.ForeignKey(db_constraint=False, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='accounts.company')),
                    ],
                    options={
                        'verbose_name': 'event',
                        'verbose_name_plural': 'events',
                        'indexes': [models.Index(fields=['occurred_at'], name='webhook_event_age')],
                        'constraints': [models.UniqueConstraint(fields=('uid',), name='webhook_event_uid_unique')],
                    },
                ),
                migrations.CreateModel(
                    name='WebhookSubscription',
                    fields=[
                        ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                        ('name', models.CharField(max_length=100, validators=[accounts.text.validate_plain_text], verbose_name='name')),
                        ('url', models.CharField(help_text='Where events are sent: https, and no address of an internal network.', max_length=500, verbose_name='address')),
                        ('kinds', django.contrib.postgres.fields.ArrayField(base_field=models.CharField(max_length=60), size=None, verbose_name='events')),
                        ('is_for_all_companies', models.BooleanField(default=False, verbose_name='of all companies, those to come included')),
                        ('is_active', models.BooleanField(default=True, help_text='What happens while it is not is never sent to it.', verbose_name='active')),
                        ('created_at', models.DateTimeField(default=django.utils.timezone.now, verbose_name='created')),
                        ('companies', models.ManyToManyField(blank=True, help_text='Of no others it hears a word.', related_name='+', to='accounts.company', verbose_name='companies')),
                        ('created_by', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL, verbose_name='created by')),
                    ],
                    options={
                        'verbose_name': 'webhook',
                        'verbose_name_plural': 'webhooks',
                        'constraints': [models.CheckConstraint(condition=models.Q(('kinds', []), _negated=True), name='webhook_subscription_hears_something')],
                    },
                ),
                migrations.CreateModel(
                    name='WebhookDelivery',
                    fields=[
                        ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                        ('object_key', models.CharField(max_length=100, verbose_name='object')),
                        ('state', models.CharField(choices=[('WAITING', 'waits'), ('DELIVERED', 'delivered'), ('DEAD', 'given up'), ('SET_ASIDE', 'set aside')], default='WAITING', max_length=10, verbose_name='state')),
                        ('tries', models.PositiveSmallIntegerField(default=0, verbose_name='tries')),
                        ('due_at', models.DateTimeField(verbose_name='due')),
                        ('give_up_at', models.DateTimeField(verbose_name='given up at the latest')),
                        ('claimed_until', models.DateTimeField(null=True, verbose_name='held by a worker until')),
                        ('ended_at', models.DateTimeField(null=True, verbose_name='ended')),
                        ('event', models.ForeignKey(db_constraint=False, db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='deliveries', to='accounts.webhookevent', verbose_name='event')),
                        ('subscription', models.ForeignKey(db_constraint=False, on_delete=django.db.models.deletion.PROTECT, related_name='deliveries', to='accounts.webhooksubscription', verbose_name='webhook')),
                    ],
                    options={
                        'verbose_name': 'delivery',
                        'verbose_name_plural': 'deliveries',
                        'indexes': [models.Index(condition=models.Q(('state', 'WAITING')), fields=['subscription', 'due_at', 'id'], name='webhook_delivery_due'), models.Index(condition=models.Q(('state', 'WAITING')), fields=['subscription', 'object_key', 'event'], name='webhook_delivery_in_order'), models.Index(condition=models.Q(('state', 'WAITING')), fields=['give_up_at'], name='webhook_delivery_last_day'), models.Index(condition=models.Q(('ended_at__isnull', False)), fields=['ended_at'], name='webhook_delivery_age')],
                        'constraints': [models.UniqueConstraint(fields=('event', 'subscription'), name='webhook_delivery_once_each'), models.CheckConstraint(condition=models.Q(models.Q(('ended_at__isnull', True), ('state', 'WAITING')), models.Q(models.Q(('state', 'WAITING'), _negated=True), ('claimed_until__isnull', True), ('ended_at__isnull', False)), _connector='OR'), name='webhook_delivery_ended_has_a_moment')],
                    },
                ),
                migrations.CreateModel(
                    name='WebhookAttempt',
                    fields=[
                        ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                        ('at', models.DateTimeField(verbose_name='when')),
                        ('status', models.PositiveSmallIntegerField(null=True, verbose_name='status')),
                        ('failure', models.CharField(blank=True, choices=[('', 'none'), ('STATUS', 'it answered with an error'), ('REDIRECT', 'it answered with a redirect, which is not followed'), ('GONE', 'it answered that it is gone'), ('ADDRESS', 'its address is not allowed, or leads to one that is not'), ('NAME', 'its name could not be resolved'), ('CONNECTION', 'it could not be reached, or broke off'), ('CERTIFICATE', 'its certificate is not valid for its name'), ('TIMEOUT', 'it took too long'), ('KEY', 'the key to sign with cannot be read: FIELD_KEYS lacks what it was sealed with'), ('UNTRIED', 'in all that time the webhook was not active, or its endpoint was failing'), ('COMPANY', 'the webhook no longer hears of this company')], default='', max_length=12, verbose_name='failure')),
                        ('milliseconds', models.PositiveIntegerField(default=0, verbose_name='milliseconds')),
                        ('answer', models.TextField(blank=True, help_text='The first 500 characters.', verbose_name='answer')),
                        ('delivery', models.ForeignKey(db_constraint=False, on_delete=django.db.models.deletion.CASCADE, related_name='attempts', to='accounts.webhookdelivery', verbose_name='delivery')),
                    ],
                    options={
                        'verbose_name': 'attempt',
                        'verbose_name_plural': 'attempts',
                    },
                ),
                migrations.CreateModel(
                    name='WebhookHealth',
                    fields=[
                        ('subscription', models.OneToOneField(on_delete=django.db.models.deletion.CASCADE, primary_key=True, related_name='health', serialize=False, to='accounts.webhooksubscription')),
                        ('failures', models.PositiveIntegerField(default=0, verbose_name='failures in a row')),
                        ('paused_until', models.DateTimeField(null=True, verbose_name='left alone until')),
                        ('tried_at', models.DateTimeField(null=True, verbose_name='last tried')),
                        ('delivered_at', models.DateTimeField(null=True, verbose_name='last delivered')),
                    ],
                    options={
                        'verbose_name': "webhook's health",
                        'verbose_name_plural': "webhooks' health",
                    },
                ),
                migrations.CreateModel(
                    name='WebhookSecret',
                    fields=[
                        ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                        ('sealed', models.TextField(verbose_name='sealed key')),
                        ('created_at', models.DateTimeField(default=django.utils.timezone.now, verbose_name='created')),
                        ('ends_at', models.DateTimeField(null=True, verbose_name='holds until')),
                        ('subscription', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='secrets', to='accounts.webhooksubscription')),
                    ],
                    options={
                        'verbose_name': 'webhook key',
                        'verbose_name_plural': 'webhook keys',
                        'constraints': [models.UniqueConstraint(condition=models.Q(('ends_at__isnull', True)), fields=('subscription',), name='webhook_secret_one_stays')],
                    },
                ),
                migrations.CreateModel(
                    name='WebhookSubscriptionHistory',
                    fields=[
                        ('id', models.BigIntegerField(auto_created=True, blank=True, db_index=True, verbose_name='ID')),
                        ('name', models.CharField(max_length=100, validators=[accounts.text.validate_plain_text], verbose_name='name')),
                        ('url', models.CharField(help_text='Where events are sent: https, and no address of an internal network.', max_length=500, verbose_name='address')),
                        ('kinds', django.contrib.postgres.fields.ArrayField(base_field=models.CharField(max_length=60), size=None, verbose_name='events')),
                        ('is_for_all_companies', models.BooleanField(default=False, verbose_name='of all companies, those to come included')),
                        ('is_active', models.BooleanField(default=True, help_text='What happens while it is not is never sent to it.', verbose_name='active')),
                        ('created_at', models.DateTimeField(default=django.utils.timezone.now, verbose_name='created')),
                        ('history_id', models.AutoField(primary_key=True, serialize=False)),
                        ('history_date', models.DateTimeField(db_index=True)),
                        ('history_change_reason', models.CharField(max_length=100, null=True)),
                        ('history_type', models.CharField(choices=[('+', 'Created'), ('~', 'Changed'), ('-', 'Deleted')], max_length=1)),
                        ('created_by', models.ForeignKey(blank=True, db_constraint=False, null=True, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', to=settings.AUTH_USER_MODEL, verbose_name='created by')),
                        ('history_user', models.ForeignKey(null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to=settings.AUTH_USER_MODEL)),
                    ],
                    options={
                        'verbose_name': 'historical webhook',
                        'verbose_name_plural': 'historical webhooks',
                        'ordering': ('-history_date', '-history_id'),
                        'get_latest_by': ('history_date', 'history_id'),
                    },
                    bases=(simple_history.models.HistoricalChanges, models.Model),
                ),
                migrations.CreateModel(
                    name='SingleSignOn',
                    fields=[
                        ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                        ('issuer', models.CharField(help_text="The provider's address, as its configuration names it: https://login.example.com/realm", max_length=500, validators=[django.core.validators.URLValidator(schemes=['https', 'http'])], verbose_name='issuer')),
                        ('client_id', models.CharField(max_length=191, verbose_name='client id')),
                        ('sealed_secret', models.TextField(editable=False, verbose_name='client secret, encrypted')),
                        ('is_active', models.BooleanField(default=True, verbose_name='in use')),
                        ('is_required', models.BooleanField(default=False, help_text="The company's people can then no longer sign in with a password or passkey of ours.", verbose_name='the only way in')),
                        ('makes_people', models.BooleanField(default=False, help_text='Whoever the provider vouches for becomes an employee at the first sign-in, with access to own points.', verbose_name='adds people')),
                        ('company', models.OneToOneField(on_delete=django.db.models.deletion.PROTECT, related_name='single_sign_on', to='accounts.company', verbose_name='company')),
                    ],
                    options={
                        'verbose_name': 'single sign-on',
                        'verbose_name_plural': 'single sign-on',
                    },
                ),
                migrations.CreateModel(
                    name='SignInDomain',
                    fields=[
                        ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                        ('domain', models.CharField(help_text="The part of the company's e-mail addresses behind the @. Never one that others use as well.", max_length=253, validators=[django.core.validators.RegexValidator('^([a-z0-9]([a-z0-9-]*[a-z0-9])?\\.)+[a-z0-9-]{2,}\\Z', 'For example: example.com')], verbose_name='domain')),
                        ('single_sign_on', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='domains', to='accounts.singlesignon')),
                    ],
                    options={
                        'verbose_name': 'domain',
                        'verbose_name_plural': 'domains',
                        'constraints': [models.UniqueConstraint(fields=('domain',), name='sign_in_domain_unique', violation_error_message='Another company signs in with this domain.'), models.CheckConstraint(condition=models.Q(('domain', django.db.models.functions.text.Lower(models.F('domain')))), name='sign_in_domain_lower_case')],
                    },
                ),
                pgtrigger.migrations.AddTrigger(
                    model_name='auditentry',
                    trigger=pgtrigger.compiler.Trigger(name='append_only', sql=pgtrigger.compiler.UpsertTriggerSql(func="\n            RAISE EXCEPTION '% is append-only', TG_TABLE_NAME\n            USING ERRCODE = 'restrict_violation', CONSTRAINT = TG_TABLE_NAME || '_is_append_only';\n        ", hash='00c880fab1372ee63a56b037b8d36e8384ce3046', level='STATEMENT', operation='UPDATE OR DELETE OR TRUNCATE', pgid='pgtrigger_append_only_e6c89', table='accounts_auditentry', when='BEFORE')),
                ),
                pgtrigger.migrations.AddTrigger(
                    model_name='segmentmembership',
                    trigger=pgtrigger.compiler.Trigger(name='as_the_segment_says', sql=pgtrigger.compiler.UpsertTriggerSql(func="\n                    IF TG_OP = 'UPDATE' AND NEW.ends_at <= coalesce(OLD.ends_at, 'infinity')\n                       AND (NEW.segment_id, NEW.company_id, NEW.starts_at, NEW.source)\n                           = (OLD.segment_id, OLD.company_id, OLD.starts_at, OLD.source) THEN\n                        RETURN NEW;\n                    END IF;\n                    IF (NEW.source = 'CONDITION') IS DISTINCT FROM\n                       (SELECT condition <> '{}'::jsonb FROM accounts_segment WHERE id = NEW.segment_id) THEN\n                        RAISE EXCEPTION 'a segment is either listed by hand or told by its condition'\n                        USING ERRCODE = 'restrict_violation', CONSTRAINT = 'segment_membership_as_the_segment_says';\n                    END IF;\n                    RETURN NEW;\n                ", hash='1390ec67de373374c83df9322f2a99e737137eec', operation='INSERT OR UPDATE', pgid='pgtrigger_as_the_segment_says_bea53', table='accounts_segmentmembership', when='BEFORE')),
                ),
            ],
        ),
    ]
