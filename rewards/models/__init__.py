"""What points buy: rewards, their stock, and redemptions."""

from rewards.models.catalogue import Reward, RewardStock, StockMovement
from rewards.models.redemptions import Redemption

__all__ = ["Redemption", "Reward", "RewardStock", "StockMovement"]
