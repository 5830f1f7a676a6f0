"""The currencies that money may be counted in: those of ISO 4217, as of 2026. Pure: no Django, no database.

Left out are its codes for metals, funds, tests and "no currency": nobody pays a bill in them.
"""

from collections.abc import Mapping
from types import MappingProxyType

_TWO_DIGITS = """
AED AFN ALL AMD AOA ARS AUD AWG AZN BAM BBD BDT BMD BND BOB BRL BSD BTN BWP BYN BZD CAD CDF CHF CNY COP CRC CUP CVE CZK
DKK DOP DZD EGP ERN ETB EUR FJD FKP GBP GEL GHS GIP GMD GTQ GYD HKD HNL HTG HUF IDR ILS INR IRR JMD KES KGS KHR KPW KYD
KZT LAK LBP LKR LRD LSL MAD MDL MGA MKD MMK MNT MOP MRU MUR MVR MWK MXN MYR MZN NAD NGN NIO NOK NPR NZD PAB PEN PGK PHP
PKR PLN QAR RON RSD RUB SAR SBD SCR SDG SEK SGD SHP SLE SOS SRD SSP STN SVC SYP SZL THB TJS TMT TOP TRY TTD TWD TZS UAH
USD UYU UZS VES WST XCD XCG YER ZAR ZMW ZWG
"""
_NO_DIGITS = "BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX VND VUV XAF XOF XPF"
_THREE_DIGITS = "BHD IQD JOD KWD LYD OMR TND"
_LATELY = "ANG BGN HRK"
"""No money any more since 2023 to 2026; activities of the time before are still moved in."""

MINOR_DIGITS: Mapping[str, int] = MappingProxyType(
    {
        code: digits
        for codes, digits in ((_TWO_DIGITS, 2), (_LATELY, 2), (_NO_DIGITS, 0), (_THREE_DIGITS, 3))
        for code in codes.split()
    }
)
"""By the code of every currency, how many digits its amounts have after the point."""


def is_currency(code: str) -> bool:
    """Whether there is such a currency; small letters are another code."""
    return code in MINOR_DIGITS
