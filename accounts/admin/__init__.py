"""The admin's screens of the ground floor: clients, people, notes, logins and the audit trail."""

from accounts.admin import companies, employees, notes, records, users

__all__ = ["companies", "employees", "notes", "records", "users"]
