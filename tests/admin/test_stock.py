"""Stock: pieces come in and are written off, with a reason; what is promised stays."""

from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from accounts.models import AuditEntry, AuditReason, User
from loyalty.models import Program
from rewards.models import Reward, RewardStock, StockMovement
from rewards.stock import MOST_PIECES, NoPiecesError, TooFewLeftError, add_pieces
from tests.factories.world import NOW, a_program, a_reward


@pytest.fixture
def program(db: None) -> Program:
    return a_program()


def a_reward_of(program: Program, *, total: int, taken: int) -> Reward:
    reward = a_reward(program, pieces=total)
    RewardStock.objects.filter(pk=reward.pk).update(taken=taken)
    return reward


def counts(reward: Reward) -> tuple[int, int]:
    stock = RewardStock.objects.get(pk=reward.pk)
    return stock.total, stock.taken


def test_first_pieces_of_a_reward_make_its_stock(program: Program, manager: User) -> None:
    reward = Reward.objects.create(program=program, code="mug", name="Mug", price=10)

    moved = add_pieces(reward=reward, pieces=5, by=manager, now=NOW, reason="Delivery 7")

    assert (moved.total, moved.left) == (5, 5)
    assert counts(reward) == (5, 0)
    assert (moved.movement.pieces, moved.movement.created_at) == (5, NOW)
    entry = AuditEntry.objects.get(action="stock-moved")
    assert (entry.actor, entry.subject_id, entry.numbers["pieces"]) == (manager, reward.pk, 5)
    assert AuditReason.objects.get(entry=entry).text == "Delivery 7"


def test_pieces_are_written_off_down_to_what_is_promised(program: Program, manager: User) -> None:
    reward = a_reward_of(program, total=10, taken=4)

    moved = add_pieces(reward=reward, pieces=-6, by=manager, now=NOW, reason="Broken")

    assert (moved.total, moved.left) == (4, 0)


def test_promised_pieces_are_not_written_off(program: Program, manager: User) -> None:
    reward = a_reward_of(program, total=10, taken=4)

    with pytest.raises(TooFewLeftError) as caught:
        add_pieces(reward=reward, pieces=-7, by=manager, now=NOW, reason="Broken")

    assert caught.value.left == 6
    assert counts(reward) == (10, 4)
    assert not AuditEntry.objects.exists()


@pytest.mark.parametrize("pieces", [0, MOST_PIECES + 1, -MOST_PIECES - 1])
def test_movement_of_nothing_or_of_too_much_is_refused(program: Program, manager: User, pieces: int) -> None:
    reward = a_reward(program, pieces=3)

    with pytest.raises(NoPiecesError):
        add_pieces(reward=reward, pieces=pieces, by=manager, now=NOW, reason="Slip")

    assert counts(reward) == (3, 0)
    assert not AuditEntry.objects.exists()


def test_manager_adds_pieces_with_a_reason(desk: Client, program: Program, manager: User) -> None:
    reward = a_reward(program, pieces=3)
    page = desk.get(reverse("admin:rewards_reward_change", args=[reward.pk])).content.decode()
    door = reverse("admin:rewards_stockmovement_add", query={"reward": reward.pk})

    response = desk.post(door, {"reward": reward.pk, "pieces": 4, "reason": "Delivery 8"})

    assert door in page
    assert response.status_code == 302
    assert counts(reward) == (7, 0)
    assert AuditReason.objects.get().text == "Delivery 8"
    movement = StockMovement.objects.order_by("-pk")[0]
    assert desk.get(reverse("admin:rewards_stockmovement_change", args=[movement.pk])).status_code == 200


@pytest.mark.parametrize(
    ("fields", "named"),
    [
        ({"pieces": -7}, "Only 6 are left"),
        ({"pieces": 0}, "Say how many"),
        ({"pieces": 10**12}, "less than or equal"),
        ({"reason": " "}, "This field is required"),
        ({"reason": "a\u202eb"}, "invisible character"),
        ({"reward": 0}, "Select a valid choice"),
    ],
)
def test_form_refuses_what_cannot_be(desk: Client, program: Program, fields: dict[str, Any], named: str) -> None:
    reward = a_reward_of(program, total=10, taken=4)
    posted = {"reward": reward.pk, "pieces": 1, "reason": "Why", **fields}

    response = desk.post(reverse("admin:rewards_stockmovement_add"), posted)

    assert response.status_code == 200
    assert named in response.content.decode()
    assert counts(reward) == (10, 4)
    assert StockMovement.objects.count() == 1
