"""What a fresh installation begins with. One that has applied all that this replaces has it already."""

import accounts.text
import django.contrib.postgres.fields
import django.core.validators
import django.db.models.deletion
import django.db.models.expressions
import django.utils.timezone
import pgtrigger.compiler
import pgtrigger.migrations
import simple_history.models
from django.conf import settings
from django.db import migrations, models

from accounts.migrating import Together


class Migration(migrations.Migration):

    replaces = [
        ('surveys', '0001_initial'),
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
                    name='Survey',
                    fields=[
                        ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                        ('code', models.SlugField(help_text='Rules name the survey by it: attribute.survey is this code.', unique=True, verbose_name='code')),
                        ('name', models.CharField(max_length=150, validators=[accounts.text.validate_plain_text], verbose_name='name')),
                        ('introduction', models.TextField(blank=True, validators=[accounts.text.validate_plain_text], verbose_name='introduction')),
                        ('audience', models.JSONField(blank=True, default=dict, verbose_name='who is asked')),
                        ('minutes', models.PositiveSmallIntegerField(blank=True, null=True, validators=[django.core.validators.MinValueValidator(1), django.core.validators.MaxValueValidator(120)], verbose_name='takes about (minutes)')),
                        ('opens_at', models.DateTimeField(default=django.utils.timezone.now, verbose_name='opens')),
                        ('closes_at', models.DateTimeField(blank=True, null=True, verbose_name='closes')),
                        ('program', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='surveys', to='loyalty.program')),
                    ],
                    options={
                        'verbose_name': 'survey',
                        'verbose_name_plural': 'surveys',
                        'constraints': [models.CheckConstraint(condition=models.Q(('closes_at__isnull', True), ('closes_at__gte', models.F('opens_at')), _connector='OR'), name='survey_closes_after_it_opens', violation_error_message='The survey closes before it opens.')],
                    },
                ),
                migrations.CreateModel(
                    name='SurveyHistory',
                    fields=[
                        ('id', models.BigIntegerField(auto_created=True, blank=True, db_index=True, verbose_name='ID')),
                        ('code', models.SlugField(help_text='Rules name the survey by it: attribute.survey is this code.', verbose_name='code')),
                        ('name', models.CharField(max_length=150, validators=[accounts.text.validate_plain_text], verbose_name='name')),
                        ('introduction', models.TextField(blank=True, validators=[accounts.text.validate_plain_text], verbose_name='introduction')),
                        ('audience', models.JSONField(blank=True, default=dict, verbose_name='who is asked')),
                        ('minutes', models.PositiveSmallIntegerField(blank=True, null=True, validators=[django.core.validators.MinValueValidator(1), django.core.validators.MaxValueValidator(120)], verbose_name='takes about (minutes)')),
                        ('opens_at', models.DateTimeField(default=django.utils.timezone.now, verbose_name='opens')),
                        ('closes_at', models.DateTimeField(blank=True, null=True, verbose_name='closes')),
                        ('history_id', models.AutoField(primary_key=True, serialize=False)),
                        ('history_date', models.DateTimeField(db_index=True)),
                        ('history_change_reason', models.CharField(max_length=100, null=True)),
                        ('history_type', models.CharField(choices=[('+', 'Created'), ('~', 'Changed'), ('-', 'Deleted')], max_length=1)),
                        ('history_user', models.ForeignKey(null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to=settings.AUTH_USER_MODEL)),
                        ('program', models.ForeignKey(blank=True, db_constraint=False, null=True, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', to='loyalty.program')),
                    ],
                    options={
                        'verbose_name': 'historical survey',
                        'verbose_name_plural': 'historical surveys',
                        'ordering': ('-history_date', '-history_id'),
                        'get_latest_by': ('history_date', 'history_id'),
                    },
                    bases=(simple_history.models.HistoricalChanges, models.Model),
                ),
                migrations.CreateModel(
                    name='SurveyVersion',
                    fields=[
                        ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                        ('number', models.PositiveIntegerField(verbose_name='version')),
                        ('status', models.CharField(choices=[('DRAFT', 'draft'), ('PUBLISHED', 'published'), ('RETIRED', 'retired')], default='DRAFT', max_length=10, verbose_name='status')),
                        ('published_at', models.DateTimeField(blank=True, null=True, verbose_name='published')),
                        ('survey', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='versions', to='surveys.survey')),
                    ],
                    options={
                        'verbose_name': 'survey version',
                        'verbose_name_plural': 'survey versions',
                        'constraints': [models.UniqueConstraint(fields=('survey', 'number'), name='survey_version_number_unique'), models.UniqueConstraint(condition=models.Q(('status', 'PUBLISHED')), fields=('survey',), name='survey_version_one_published', violation_error_message='Another version of this survey is published.'), models.CheckConstraint(condition=models.Q(models.Q(('published_at__isnull', True), ('status', 'DRAFT')), models.Q(models.Q(('status', 'DRAFT'), _negated=True), ('published_at__isnull', False)), _connector='OR'), name='survey_version_published_has_moment')],
                    },
                ),
                migrations.CreateModel(
                    name='Response',
                    fields=[
                        ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                        ('started_at', models.DateTimeField(verbose_name='begun')),
                        ('submitted_at', models.DateTimeField(null=True, verbose_name='sent')),
                        ('activity', models.OneToOneField(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='survey_response', to='loyalty.activity')),
                        ('company', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='survey_responses', to='accounts.company')),
                        ('employee', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='survey_responses', to='accounts.employee')),
                        ('survey', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='responses', to='surveys.survey')),
                        ('version', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='responses', to='surveys.surveyversion')),
                    ],
                    options={
                        'verbose_name': 'response',
                        'verbose_name_plural': 'responses',
                        'indexes': [models.Index(fields=['employee', '-submitted_at'], name='survey_response_of_employee')],
                        'constraints': [models.UniqueConstraint(fields=('survey', 'employee'), name='survey_response_once_a_person'), models.CheckConstraint(condition=models.Q(models.Q(('activity__isnull', True), ('submitted_at__isnull', True)), models.Q(('activity__isnull', False), ('submitted_at__isnull', False)), _connector='OR'), name='survey_response_sent_has_activity')],
                    },
                ),
                migrations.CreateModel(
                    name='ItemHistory',
                    fields=[
                        ('id', models.BigIntegerField(auto_created=True, blank=True, db_index=True, verbose_name='ID')),
                        ('position', models.PositiveSmallIntegerField(default=0, verbose_name='order')),
                        ('code', models.SlugField(verbose_name='code')),
                        ('kind', models.CharField(choices=[('CHOICE', 'choice'), ('SCALE', 'scale'), ('TEXT', 'text')], default='CHOICE', max_length=10, verbose_name='answered by')),
                        ('text', models.CharField(max_length=300, validators=[accounts.text.validate_plain_text], verbose_name='question')),
                        ('hint', models.CharField(blank=True, max_length=300, validators=[accounts.text.validate_plain_text], verbose_name='hint')),
                        ('is_required', models.BooleanField(default=True, verbose_name='required')),
                        ('is_multiple', models.BooleanField(default=False, verbose_name='several answers allowed')),
                        ('options', models.JSONField(blank=True, default=list, verbose_name='options')),
                        ('low', models.SmallIntegerField(blank=True, null=True, verbose_name='lowest number')),
                        ('high', models.SmallIntegerField(blank=True, null=True, verbose_name='highest number')),
                        ('low_label', models.CharField(blank=True, max_length=60, validators=[accounts.text.validate_plain_text], verbose_name='the lowest means')),
                        ('high_label', models.CharField(blank=True, max_length=60, validators=[accounts.text.validate_plain_text], verbose_name='the highest means')),
                        ('measures', models.CharField(choices=[('NONE', 'nothing beyond the answer'), ('NPS', 'recommendation (NPS, 0 to 10)'), ('CSAT', 'satisfaction (CSAT)')], default='NONE', max_length=10, verbose_name='measures')),
                        ('show_if', models.JSONField(blank=True, default=dict, verbose_name='ask only if')),
                        ('history_id', models.AutoField(primary_key=True, serialize=False)),
                        ('history_date', models.DateTimeField(db_index=True)),
                        ('history_change_reason', models.CharField(max_length=100, null=True)),
                        ('history_type', models.CharField(choices=[('+', 'Created'), ('~', 'Changed'), ('-', 'Deleted')], max_length=1)),
                        ('history_user', models.ForeignKey(null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to=settings.AUTH_USER_MODEL)),
                        ('version', models.ForeignKey(blank=True, db_constraint=False, null=True, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', to='surveys.surveyversion')),
                    ],
                    options={
                        'verbose_name': 'historical question',
                        'verbose_name_plural': 'historical questions',
                        'ordering': ('-history_date', '-history_id'),
                        'get_latest_by': ('history_date', 'history_id'),
                    },
                    bases=(simple_history.models.HistoricalChanges, models.Model),
                ),
                migrations.CreateModel(
                    name='Item',
                    fields=[
                        ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                        ('position', models.PositiveSmallIntegerField(default=0, verbose_name='order')),
                        ('code', models.SlugField(verbose_name='code')),
                        ('kind', models.CharField(choices=[('CHOICE', 'choice'), ('SCALE', 'scale'), ('TEXT', 'text')], default='CHOICE', max_length=10, verbose_name='answered by')),
                        ('text', models.CharField(max_length=300, validators=[accounts.text.validate_plain_text], verbose_name='question')),
                        ('hint', models.CharField(blank=True, max_length=300, validators=[accounts.text.validate_plain_text], verbose_name='hint')),
                        ('is_required', models.BooleanField(default=True, verbose_name='required')),
                        ('is_multiple', models.BooleanField(default=False, verbose_name='several answers allowed')),
                        ('options', models.JSONField(blank=True, default=list, verbose_name='options')),
                        ('low', models.SmallIntegerField(blank=True, null=True, verbose_name='lowest number')),
                        ('high', models.SmallIntegerField(blank=True, null=True, verbose_name='highest number')),
                        ('low_label', models.CharField(blank=True, max_length=60, validators=[accounts.text.validate_plain_text], verbose_name='the lowest means')),
                        ('high_label', models.CharField(blank=True, max_length=60, validators=[accounts.text.validate_plain_text], verbose_name='the highest means')),
                        ('measures', models.CharField(choices=[('NONE', 'nothing beyond the answer'), ('NPS', 'recommendation (NPS, 0 to 10)'), ('CSAT', 'satisfaction (CSAT)')], default='NONE', max_length=10, verbose_name='measures')),
                        ('show_if', models.JSONField(blank=True, default=dict, verbose_name='ask only if')),
                        ('version', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='items', to='surveys.surveyversion')),
                    ],
                    options={
                        'verbose_name': 'question',
                        'verbose_name_plural': 'questions',
                        'constraints': [models.UniqueConstraint(fields=('version', 'code'), name='survey_item_code_unique', violation_error_message='Another question of this version has this code.'), models.CheckConstraint(condition=models.Q(models.Q(('kind', 'CHOICE'), models.Q(('options', []), _negated=True)), models.Q(models.Q(('kind', 'CHOICE'), _negated=True), ('is_multiple', False), ('options', [])), _connector='OR'), name='survey_item_choice_has_options', violation_error_message='A choice needs options, and nothing else has any.'), models.CheckConstraint(condition=models.Q(models.Q(('high__gt', models.F('low')), ('high__lte', django.db.models.expressions.CombinedExpression(models.F('low'), '+', models.Value(10))), ('kind', 'SCALE'), ('low__isnull', False)), models.Q(models.Q(('kind', 'SCALE'), _negated=True), ('high__isnull', True), ('low__isnull', True)), _connector='OR'), name='survey_item_scale_has_ends', violation_error_message='A scale goes from a lower to a higher number, at most 10 further; nothing else has ends.'), models.CheckConstraint(condition=models.Q(('measures', 'NONE'), models.Q(('kind', 'SCALE'), ('measures', 'CSAT')), models.Q(('high', 10), ('kind', 'SCALE'), ('low', 0), ('measures', 'NPS')), _connector='OR'), name='survey_item_measure_fits_scale', violation_error_message='Satisfaction is measured on a scale, recommendation on one from 0 to 10.')],
                    },
                ),
                migrations.CreateModel(
                    name='Answer',
                    fields=[
                        ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                        ('choices', django.contrib.postgres.fields.ArrayField(base_field=models.SlugField(), blank=True, default=list, size=None, verbose_name='chosen')),
                        ('number', models.SmallIntegerField(blank=True, null=True, verbose_name='number')),
                        ('text', models.TextField(blank=True, validators=[accounts.text.validate_plain_text], verbose_name='words')),
                        ('item', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='answers', to='surveys.item')),
                        ('response', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='answers', to='surveys.response')),
                    ],
                    options={
                        'verbose_name': 'answer',
                        'verbose_name_plural': 'answers',
                        'constraints': [models.UniqueConstraint(fields=('response', 'item'), name='survey_answer_once_an_item')],
                    },
                ),
                pgtrigger.migrations.AddTrigger(
                    model_name='surveyversion',
                    trigger=pgtrigger.compiler.Trigger(name='published_is_immutable', sql=pgtrigger.compiler.UpsertTriggerSql(func="\n                    IF OLD.status = 'DRAFT' THEN\n                        IF TG_OP = 'DELETE' THEN RETURN OLD; END IF;\n                        RETURN NEW;\n                    END IF;\n                    IF TG_OP = 'DELETE' OR NEW.status = 'DRAFT' OR (OLD.status = 'RETIRED' AND NEW.status <> 'RETIRED')\n                       OR (NEW.survey_id, NEW.number, NEW.published_at)\n                          IS DISTINCT FROM (OLD.survey_id, OLD.number, OLD.published_at)\n                    THEN\n                        RAISE EXCEPTION 'survey version % was published: make a new version', OLD.id\n                        USING ERRCODE = 'restrict_violation', CONSTRAINT = 'survey_version_published_is_immutable';\n                    END IF;\n                    RETURN NEW;\n                ", hash='806ce4184d242fdf964f3dde54f598abb269aa15', operation='UPDATE OR DELETE', pgid='pgtrigger_published_is_immutable_be98b', table='surveys_surveyversion', when='BEFORE')),
                ),
                pgtrigger.migrations.AddTrigger(
                    model_name='response',
                    trigger=pgtrigger.compiler.Trigger(name='sent_is_immutable', sql=pgtrigger.compiler.UpsertTriggerSql(func="\n                    IF OLD.submitted_at IS NOT NULL\n                       OR (TG_OP = 'UPDATE'\n                           AND (NEW.survey_id, NEW.version_id, NEW.company_id, NEW.employee_id, NEW.started_at)\n                               IS DISTINCT FROM\n                               (OLD.survey_id, OLD.version_id, OLD.company_id, OLD.employee_id, OLD.started_at))\n                    THEN\n                        RAISE EXCEPTION 'response % stays as it is', OLD.id\n                        USING ERRCODE = 'restrict_violation', CONSTRAINT = 'survey_response_sent_is_immutable';\n                    END IF;\n                    IF TG_OP = 'DELETE' THEN RETURN OLD; END IF;\n                    RETURN NEW;\n                ", hash='d2912d82e73824f28aa46375bf75693aaac17a85', operation='UPDATE OR DELETE', pgid='pgtrigger_sent_is_immutable_e72cb', table='surveys_response', when='BEFORE')),
                ),
                pgtrigger.migrations.AddTrigger(
                    model_name='response',
                    trigger=pgtrigger.compiler.Trigger(name='belongs_together', sql=pgtrigger.compiler.UpsertTriggerSql(func="\n                    IF NOT EXISTS (SELECT FROM surveys_surveyversion\n                                   WHERE id = NEW.version_id AND survey_id = NEW.survey_id AND status <> 'DRAFT')\n                       OR NOT EXISTS (SELECT FROM accounts_employee\n                                      WHERE id = NEW.employee_id AND company_id = NEW.company_id)\n                    THEN\n                        RAISE EXCEPTION 'a response is to a published version of its survey, by one of its company'\n                        USING ERRCODE = 'restrict_violation', CONSTRAINT = 'survey_response_belongs_together';\n                    END IF;\n                    RETURN NEW;\n                ", hash='eb84edc17b62b831f92c180735df3228513e377d', operation='INSERT', pgid='pgtrigger_belongs_together_c4866', table='surveys_response', when='BEFORE')),
                ),
                pgtrigger.migrations.AddTrigger(
                    model_name='item',
                    trigger=pgtrigger.compiler.Trigger(name='published_is_immutable', sql=pgtrigger.compiler.UpsertTriggerSql(declare='DECLARE state TEXT;', func="\n                    IF TG_OP <> 'INSERT' THEN\n                        SELECT status INTO state FROM surveys_surveyversion WHERE id = OLD.version_id FOR SHARE;\n                        IF state <> 'DRAFT' THEN\n                            RAISE EXCEPTION 'these questions were published: make a new version'\n                            USING ERRCODE = 'restrict_violation', CONSTRAINT = 'survey_version_published_is_immutable';\n                        END IF;\n                        IF TG_OP = 'DELETE' THEN RETURN OLD; END IF;\n                    END IF;\n                    SELECT status INTO state FROM surveys_surveyversion WHERE id = NEW.version_id FOR SHARE;\n                    IF state <> 'DRAFT' THEN\n                        RAISE EXCEPTION 'these questions were published: make a new version'\n                        USING ERRCODE = 'restrict_violation', CONSTRAINT = 'survey_version_published_is_immutable';\n                    END IF;\n                    RETURN NEW;\n                ", hash='3391d89819bd79c174c75b4805db0319c589f639', operation='INSERT OR UPDATE OR DELETE', pgid='pgtrigger_published_is_immutable_5d8a6', table='surveys_item', when='BEFORE')),
                ),
                pgtrigger.migrations.AddTrigger(
                    model_name='answer',
                    trigger=pgtrigger.compiler.Trigger(name='sent_is_immutable', sql=pgtrigger.compiler.UpsertTriggerSql(declare='DECLARE line RECORD; sent TIMESTAMPTZ; asked BIGINT;', func="\n                    IF TG_OP = 'DELETE' THEN line := OLD; ELSE line := NEW; END IF;\n                    SELECT submitted_at, version_id INTO sent, asked FROM surveys_response\n                    WHERE id = line.response_id FOR SHARE;\n                    IF (TG_OP = 'UPDATE'\n                        AND (NEW.id, NEW.response_id, NEW.item_id)\n                            IS DISTINCT FROM (OLD.id, OLD.response_id, OLD.item_id))\n                       OR (sent IS NOT NULL\n                           AND NOT (TG_OP = 'UPDATE' AND NEW.text = ''\n                                    AND (NEW.choices, NEW.number) IS NOT DISTINCT FROM (OLD.choices, OLD.number)))\n                    THEN\n                        RAISE EXCEPTION 'the answers of response % stay as they are', line.response_id\n                        USING ERRCODE = 'restrict_violation', CONSTRAINT = 'survey_response_sent_is_immutable';\n                    END IF;\n                    IF TG_OP = 'INSERT'\n                       AND NOT EXISTS (SELECT FROM surveys_item WHERE id = NEW.item_id AND version_id = asked)\n                    THEN\n                        RAISE EXCEPTION 'item % is not asked by the version of response %', NEW.item_id, NEW.response_id\n                        USING ERRCODE = 'restrict_violation', CONSTRAINT = 'survey_answer_to_an_item_of_its_version';\n                    END IF;\n                    RETURN line;\n                ", hash='ff177e548d18c10cba888deb7358388318ede594', operation='INSERT OR UPDATE OR DELETE', pgid='pgtrigger_sent_is_immutable_0e672', table='surveys_answer', when='BEFORE')),
                ),
            ],
        ),
    ]
