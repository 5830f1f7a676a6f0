"""The shell: it has no models, and imports every floor."""

import gc

from django.apps import AppConfig, apps
from django.contrib.admin.apps import AdminConfig
from django.utils.translation import gettext_lazy as _


class SiteConfig(AppConfig):
    """Commands and pages that span floors."""

    name = "loyalty.site"
    label = "site"
    verbose_name = _("Twofold")

    def ready(self) -> None:
        """Say how workers are woken, what is called how, and what is moved in and out."""
        from accounts import jobs, queues
        from accounts.moving.kinds import use_kinds
        from loyalty.site.labels import translate_labels
        from loyalty.site.names import use_names
        from loyalty.site.tables import TABLE_KINDS
        from loyalty.site.waking import waker
        from loyalty.site.work import JOB_KINDS

        queues.use_waker(waker)
        jobs.name_kinds(JOB_KINDS)
        use_kinds(TABLE_KINDS)
        use_names()
        translate_labels(apps.get_models())
        # Requests and batches make many rows and few cycles: looking for these all the time took a quarter of a batch.
        # A thousand activities with six awards each hold 120,000 objects at once, none of them garbage.
        gc.set_threshold(200_000, 20, 50)


class TwofoldAdminConfig(AdminConfig):
    """Django's admin with our site as the default one."""

    default_site = "loyalty.site.admin_site.TwofoldAdminSite"
