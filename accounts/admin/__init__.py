"""The admin's screens of the ground floor: clients, people, notes, logins and the audit trail."""

from accounts.admin import (
    approvals,
    companies,
    desk,
    employees,
    erasures,
    files,
    invitations,
    jobs,
    mail,
    moving,
    notes,
    records,
    service_clients,
    users,
    webhook_deliveries,
    webhooks,
)

__all__ = [
    "approvals",
    "companies",
    "desk",
    "employees",
    "erasures",
    "files",
    "invitations",
    "jobs",
    "mail",
    "moving",
    "notes",
    "records",
    "service_clients",
    "users",
    "webhook_deliveries",
    "webhooks",
]
