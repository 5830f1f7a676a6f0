"""Who: users, companies, employees, roles, segments, service notes, and the records that every floor writes."""

from accounts.models.approvals import Approval, Delegation
from accounts.models.attachments import Attachment, AttachmentPart
from accounts.models.companies import (
    AccountManagerAssignment,
    Company,
    CompanyProfile,
    Segment,
    SegmentMembership,
)
from accounts.models.employees import Employee, Interest, RoleAssignment, StakeholderRole
from accounts.models.erasures import Erasure
from accounts.models.follow_ups import FollowUp, FollowUpMove, ServiceNoteVersion
from accounts.models.invitations import Invitation
from accounts.models.jobs import Job, Pulse
from accounts.models.mail import Mail, MailReport, SuppressedAddress
from accounts.models.moving import Import, ImportMapping
from accounts.models.notes import ServiceNote
from accounts.models.periodic import PeriodicWork
from accounts.models.preferences import Draft, NotificationPreference, SavedFilter
from accounts.models.records import AuditEntry, AuditReason, IdempotencyKey, Message
from accounts.models.service_clients import Scope, ServiceClient
from accounts.models.single_sign_on import SignInDomain, SingleSignOn
from accounts.models.users import User
from accounts.models.webhooks import (
    WebhookAttempt,
    WebhookDelivery,
    WebhookEvent,
    WebhookHealth,
    WebhookSecret,
    WebhookSubscription,
)

__all__ = [
    "AccountManagerAssignment",
    "Approval",
    "Attachment",
    "AttachmentPart",
    "AuditEntry",
    "AuditReason",
    "Company",
    "CompanyProfile",
    "Delegation",
    "Draft",
    "Employee",
    "Erasure",
    "FollowUp",
    "FollowUpMove",
    "IdempotencyKey",
    "Import",
    "ImportMapping",
    "Interest",
    "Invitation",
    "Job",
    "Mail",
    "MailReport",
    "Message",
    "NotificationPreference",
    "PeriodicWork",
    "Pulse",
    "RoleAssignment",
    "SavedFilter",
    "Scope",
    "Segment",
    "SegmentMembership",
    "ServiceClient",
    "ServiceNote",
    "ServiceNoteVersion",
    "SignInDomain",
    "SingleSignOn",
    "StakeholderRole",
    "SuppressedAddress",
    "User",
    "WebhookAttempt",
    "WebhookDelivery",
    "WebhookEvent",
    "WebhookHealth",
    "WebhookSecret",
    "WebhookSubscription",
]
