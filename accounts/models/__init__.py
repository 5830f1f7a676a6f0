"""Who: users, companies, employees, roles, segments, service notes, and the records that every floor writes."""

from accounts.models.companies import (
    AccountManagerAssignment,
    Company,
    CompanyProfile,
    Segment,
    SegmentMembership,
)
from accounts.models.employees import Employee, Interest, RoleAssignment, StakeholderRole
from accounts.models.notes import ServiceNote
from accounts.models.records import AuditEntry, AuditReason, IdempotencyKey, Message
from accounts.models.users import User

__all__ = [
    "AccountManagerAssignment",
    "AuditEntry",
    "AuditReason",
    "Company",
    "CompanyProfile",
    "Employee",
    "IdempotencyKey",
    "Interest",
    "Message",
    "RoleAssignment",
    "Segment",
    "SegmentMembership",
    "ServiceNote",
    "StakeholderRole",
    "User",
]
