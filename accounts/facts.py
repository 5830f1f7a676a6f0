"""What conditions may ask about companies and the people who work in them."""

from django.utils.translation import gettext_lazy as _

from accounts.conditions import Fact, FactType, registry
from accounts.models import Company, Employee

COMPANY_KIND = "company.kind"
COMPANY_COUNTRY = "company.country"
COMPANY_SEGMENTS = "company.segments"
EMPLOYEE_ROLES = "employee.roles"
EMPLOYEE_BUYING_ROLE = "employee.buying_role"


def register() -> None:
    """Make this floor's facts known to every condition."""
    registry.register(
        Fact(COMPANY_KIND, FactType.CHOICE, _("kind of company"), choices=tuple(Company.Kind.choices)),
        Fact(COMPANY_COUNTRY, FactType.TEXT, _("country")),
        Fact(COMPANY_SEGMENTS, FactType.SET, _("segments of the company")),
        Fact(EMPLOYEE_ROLES, FactType.SET, _("roles of the employee")),
        Fact(
            EMPLOYEE_BUYING_ROLE,
            FactType.CHOICE,
            _("buying role of the employee"),
            choices=tuple(Employee.BuyingRole.choices),
        ),
    )
