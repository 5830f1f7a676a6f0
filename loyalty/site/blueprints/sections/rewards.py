"""What points buy. How many pieces there are is booked as stock movements, and no blueprint says it."""

from django.utils.translation import gettext_lazy

from loyalty.site.blueprints.keys import keys_of
from loyalty.site.blueprints.sections.table import Table
from rewards.models import Reward


class RewardSection(Table):
    """Rewards with their price in points."""

    key = "rewards"
    title = gettext_lazy("rewards")
    about = "What points buy. Pieces are put in stock by hand; until then a reward is shown as gone."
    model = Reward
    keys = keys_of(Reward, "code", "name", "description", "category", "price", "paid_from", "is_published")
