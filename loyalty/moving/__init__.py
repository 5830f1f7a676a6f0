"""What this floor moves in and out: companies with their programs, opening balances, points by hand, activities."""

from loyalty.moving.activities import Activities
from loyalty.moving.balances import Balances
from loyalty.moving.by_hand import PointsByHand
from loyalty.moving.companies import CompaniesInPrograms

__all__ = ["Activities", "Balances", "CompaniesInPrograms", "PointsByHand"]
