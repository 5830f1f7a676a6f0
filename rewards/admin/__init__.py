"""The admin's screens of rewards: the catalogue, its stock, and who redeemed what."""

from rewards.admin import catalogue, redemptions

__all__ = ["catalogue", "redemptions"]
