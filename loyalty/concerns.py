"""What a version of rules should make its manager think twice about: said where it is read, and forbidden nowhere."""

from django.db.models import Exists, OuterRef, Q, QuerySet
from django.utils.translation import gettext as _

from loyalty.facts import AMOUNT, QUANTITY
from loyalty.models import Rule, RuleSet


def paying_people_only(rule_sets: QuerySet[RuleSet]) -> QuerySet[RuleSet]:
    """Return those of `rule_sets` by which people gain and their company nothing: by no rule, or by none that measures
    what is bought.
    """
    rules = Rule.objects.filter(rule_set=OuterRef("pk"))
    bought = rules.filter(
        Q(formula__of__in=(AMOUNT, QUANTITY))
        | Q(formula__otherwise__of__in=(AMOUNT, QUANTITY))
        | Q(formula__table__contains=[{"of": AMOUNT}])
        | Q(formula__table__contains=[{"of": QUANTITY}])
    )
    to_companies = (Rule.To.COMPANY, Rule.To.BOTH)
    return rule_sets.filter(
        (Exists(rules) & ~Exists(rules.filter(beneficiary__in=to_companies)))
        | (Exists(bought) & ~Exists(bought.filter(beneficiary__in=to_companies)))
    )


def concerns_of(rule_set: RuleSet) -> list[str]:
    """Return what is to be said of a version, a sentence each."""
    if not paying_people_only(RuleSet.objects.filter(pk=rule_set.pk)).exists():
        return []
    return [
        _(
            "People gain by what their company buys, and the company itself gains nothing: that is a kickback. "
            "Let rules give to the company, or to both."
        )
    ]
