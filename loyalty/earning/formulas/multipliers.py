"""Multipliers: what a formula gives, times factors of the company's tier and of a campaign of those days.

A third factor may stand in an agreement with the company, a fourth in a promotion; no document names them.

"multipliers": {"tier": {"silver": "1.2", "gold": "1.5"}, "campaigns": ["spring"]}

How factors combine, and when which campaign is on, is said once for a whole version of rules: its `Scheme`.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from enum import StrEnum
from functools import reduce

from accounts.conditions import Catalogue, Values, value_in_words
from accounts.wording import N_, Translator
from loyalty.earning.formulas.kind import DAY, EXACT, TIER, found
from loyalty.earning.formulas.reading import FormulaError, Part, shown

MOST = 100
"""No factor is more."""
MOST_CAMPAIGNS = 20
"""Of one formula."""


class Combining(StrEnum):
    """What becomes of several factors that count at once."""

    MULTIPLY = "MULTIPLY"
    HIGHEST = "HIGHEST"


_COMBINING: Mapping[Combining, str] = {
    Combining.MULTIPLY: N_("several factors are multiplied with each other"),
    Combining.HIGHEST: N_("of several factors the highest counts alone"),
}


@dataclass(frozen=True, slots=True)
class Campaign:
    """A factor above 1 from `starts_on` through `ends_on`; a `budget` is the most points that it adds in all."""

    code: str
    name: str
    starts_on: date
    ends_on: date
    factor: Decimal
    budget: int | None = None

    def holds_on(self, day: date) -> bool:
        """Whether it is on."""
        return self.starts_on <= day <= self.ends_on


@dataclass(frozen=True, slots=True)
class Scheme:
    """What a version of rules says once for all of its formulas."""

    campaigns: Mapping[str, Campaign] = field(default_factory=dict)
    combining: Combining = Combining.MULTIPLY


NO_SCHEME = Scheme()


@dataclass(frozen=True, slots=True)
class Multipliers:
    """Factors by the code of a tier (one that is not named is not multiplied), and campaigns of which one is on."""

    tiers: tuple[tuple[str, Decimal], ...] = ()
    campaigns: tuple[Campaign, ...] = ()
    combining: Combining = Combining.MULTIPLY
    agreement: Decimal | None = None
    promotion: Decimal | None = None
    """It says itself, in a sentence of its own."""

    @property
    def facts(self) -> tuple[str, ...]:
        """The tier, the day."""
        return (*((TIER,) if self.tiers else ()), *((DAY,) if self.campaigns else ()))

    def campaign_on(self, day: object) -> Campaign | None:
        """Return the campaign that is on; None where none is, or the day is not known."""
        if not isinstance(day, date):
            return None
        return next((campaign for campaign in self.campaigns if campaign.holds_on(day)), None)

    def factor(self, values: Values, *, with_campaign: bool = True) -> Decimal:
        """Return what the points are multiplied with."""
        factors = [factor for code, factor in self.tiers if code == values.get(TIER)]
        if self.agreement is not None:
            factors.append(self.agreement)
        if self.promotion is not None:
            factors.append(self.promotion)
        campaign = self.campaign_on(values.get(DAY)) if with_campaign else None
        if campaign is not None:
            factors.append(campaign.factor)
        if self.combining is Combining.HIGHEST:
            return max(factors, default=Decimal(1))
        return reduce(EXACT.multiply, factors, Decimal(1))

    def terms(self, catalogue: Catalogue, translate: Translator) -> list[str]:
        """Return each factor in plain words, tiers in their order, and how they combine where they can meet."""
        terms = self._tier_terms(catalogue, translate) if self.tiers else []
        for campaign in self.campaigns:
            template = N_("times {factor} from {start} through {end} (“{name}”)")
            if campaign.budget is not None:
                template = N_(
                    "times {factor} from {start} through {end} (“{name}”, which adds at most {budget} points for all "
                    "companies together)"
                )
            terms.append(
                translate(template).format(
                    factor=translate.number(campaign.factor),
                    start=translate.day(campaign.starts_on),
                    end=translate.day(campaign.ends_on),
                    name=campaign.name,
                    budget="" if campaign.budget is None else translate.number(campaign.budget),
                )
            )
        if self.agreement is not None:
            terms.append(
                translate(N_("times {factor} for the company")).format(factor=translate.number(self.agreement))
            )
        if bool(self.tiers) + bool(self.campaigns) + (self.agreement is not None) > 1:
            terms.append(translate(_COMBINING[self.combining]))
        return terms

    def findings(self, values: Values, catalogue: Catalogue, translate: Translator) -> list[str]:
        """Tell which factors counted, and what they came to together."""
        findings = []
        of_tier = next((factor for code, factor in self.tiers if code == values.get(TIER)), None)
        if self.tiers:
            told = found(catalogue[TIER], values, translate)
            if of_tier is None:
                findings.append(translate(N_("{found}: not multiplied")).format(found=told))
            else:
                findings.append(
                    translate(N_("{found}: times {factor}")).format(found=told, factor=translate.number(of_tier))
                )
        campaign = self.campaign_on(values.get(DAY))
        if self.campaigns:
            told = found(catalogue[DAY], values, translate)
            if campaign is None:
                findings.append(translate(N_("{found}: no campaign was on")).format(found=told))
            else:
                template = translate(N_("{found}: times {factor} for “{name}”"))
                findings.append(
                    template.format(found=told, factor=translate.number(campaign.factor), name=campaign.name)
                )
        if self.agreement is not None:
            findings.append(
                translate(N_("the agreement: times {factor}")).format(factor=translate.number(self.agreement))
            )
        if sum(factor is not None for factor in (of_tier, campaign, self.agreement)) > 1:
            template = translate(N_("{combining}: times {factor}"))
            combining = translate(_COMBINING[self.combining])
            findings.append(template.format(combining=combining, factor=translate.number(self.factor(values))))
        return findings

    def _tier_terms(self, catalogue: Catalogue, translate: Translator) -> list[str]:
        fact = catalogue[TIER]
        ranks = [code for code, _label in fact.choices]
        template = translate(N_("times {factor} where {fact} is {tier}"))
        return [
            template.format(
                factor=translate.number(factor), fact=fact.label, tier=value_in_words(code, fact, translate)
            )
            for code, factor in sorted(self.tiers, key=lambda one: ranks.index(one[0]) if one[0] in ranks else -1)
        ]


def read_multipliers(part: Part, scheme: Scheme) -> Multipliers:
    """Read the key `multipliers` of a document."""
    inner = part.part("multipliers")
    inner.require((), {"tier", "campaigns"})
    if not inner.document:
        raise FormulaError(N_("{key}: name tiers with their factors, or campaigns."), key=inner.path)
    return Multipliers(
        _read_tiers(inner) if "tier" in inner else (),
        _read_campaigns(inner, scheme) if "campaigns" in inner else (),
        scheme.combining,
    )


def _read_tiers(part: Part) -> tuple[tuple[str, Decimal], ...]:
    fact = part.catalogue.get(TIER)
    if fact is None:
        raise FormulaError(N_("{key}: this program has no tiers."), key=part.place("tier"))
    factors = part.part("tier")
    if not factors.document:
        raise FormulaError(N_("{key}: name a tier with its factor."), key=factors.path)
    codes = [code for code, _label in fact.choices]
    for code in factors.document:
        if codes and code not in codes:
            template = N_("{key}: {found} is not one of {choices}.")
            raise FormulaError(template, key=factors.path, found=shown(code), choices=codes)
    return tuple((code, factors.number(code, least="0.01", most=MOST)) for code in sorted(factors.document))


def _read_campaigns(part: Part, scheme: Scheme) -> tuple[Campaign, ...]:
    """Read campaigns by their codes; one at a time is on, so that it is plain whose budget points are taken from."""
    raw, place = part.document["campaigns"], part.place("campaigns")
    if not isinstance(raw, list) or not 1 <= len(raw) <= MOST_CAMPAIGNS:
        template = N_("{key}: {found} is not a list of 1 to {most} codes of campaigns.")
        raise FormulaError(template, key=place, found=shown(raw), most=str(MOST_CAMPAIGNS))
    campaigns: list[Campaign] = []
    for index, code in enumerate(raw):
        campaign = scheme.campaigns.get(code) if isinstance(code, str) else None
        if campaign is None:
            template = N_("{key}: {found} is not a campaign of this version; there are: {choices}.")
            raise FormulaError(template, key=f"{place}[{index}]", found=shown(code), choices=sorted(scheme.campaigns))
        for other in campaigns:
            if campaign.starts_on <= other.ends_on and other.starts_on <= campaign.ends_on:
                template = N_("{key}: '{code}' overlaps '{other}'; a rule has one campaign at a time.")
                raise FormulaError(template, key=f"{place}[{index}]", code=campaign.code, other=other.code)
        campaigns.append(campaign)
    return tuple(sorted(campaigns, key=lambda each: each.starts_on))
