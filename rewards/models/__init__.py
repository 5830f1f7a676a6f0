"""What points buy: rewards, their stock, and redemptions."""

from rewards.models.catalogue import Reward, RewardStock, StockMovement
from rewards.models.policies import SpendingPolicy
from rewards.models.redemptions import Redemption, RedemptionStep

__all__ = ["Redemption", "RedemptionStep", "Reward", "RewardStock", "SpendingPolicy", "StockMovement"]
