"""What this installation moves in and out: an explicit list, like menus. Whoever has a table adds it here."""

from accounts.moving.kinds import TableKind
from accounts.moving.people import People
from loyalty.moving import Activities, Balances, CompaniesInPrograms, PointsByHand

TABLE_KINDS: tuple[TableKind, ...] = (CompaniesInPrograms(), People(), Balances(), PointsByHand(), Activities())
