"""The client's rewards: look, choose, and redeem after a look at the sum."""

from dataclasses import replace

from django.contrib import messages
from django.core.paginator import Paginator
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_safe

from accounts.access import employees_only
from accounts.actors import Actor
from accounts.idempotency import KeyUsedForAnotherRequestError
from accounts.middleware import actor_behind
from loyalty.selectors import has_one_wallet, membership_of
from rewards.forms import CatalogueForm, NoteForm, RedeemForm
from rewards.models import Reward
from rewards.policies import deciders_besides, policy_of
from rewards.redemption import (
    InsufficientPointsError,
    OutOfStockError,
    PriceChangedError,
    Redeemed,
    RedemptionError,
    RewardWithdrawnError,
    redeem,
)
from rewards.refusals import sentence_of
from rewards.selectors import Means, Way, Wish, catalogue, means_of, shown, ways_to_pay

REWARDS_A_PAGE = 48


@require_safe
@employees_only
def rewards(request: HttpRequest) -> HttpResponse:
    """The catalogue of the program, cut down and sorted as the address says."""
    actor = actor_behind(request)
    membership = membership_of(actor, chosen=request.GET.get("program", ""))
    if membership is None:
        return render(request, "client/no_program.html")
    means = means_of(actor, membership.program)
    form = CatalogueForm(request.GET)
    wish = form.wish
    rows = catalogue(actor, program_id=membership.program_id, means=means, wish=wish)
    page = Paginator(rows, REWARDS_A_PAGE).get_page(request.GET.get("page"))
    query = request.GET.copy()
    query.pop("page", None)
    context = {
        "rewards": [shown(row, points=means.reach(row.paid_from)) for row in page],
        "page": page,
        "query": query.urlencode(),
        "form": form,
        "is_filtered": replace(wish, sort="price") != Wish(),
        "is_changed": wish != Wish() or not form.is_valid(),
        "means": means,
        "balance": means.reach(Reward.PaidFrom.ANY) or 0,
        "only_admins_spend": membership.has_one_wallet and means == Means(),
        "program": membership.program,
        "chosen_program": request.GET.get("program", ""),
    }
    return render(request, "rewards/list.html", context)


@require_http_methods(["GET", "HEAD", "POST"])
@employees_only
def reward(request: HttpRequest, pk: int) -> HttpResponse:
    """One reward; redeeming takes a look at the sum, then a confirmation."""
    counter = _Counter(request, pk)
    form = RedeemForm(request.POST or None, ways=counter.ways, price=counter.reward.price)
    if not form.is_valid():
        return counter.refuse(form) if form.errors else counter.show(form)
    way = next(way for way in counter.ways if way.code == form.cleaned_data["payer"])
    price, key = form.cleaned_data["price"], form.cleaned_data["key"]
    if request.POST.get("step") != "confirm":
        return counter.review(way, key, shown_price=price)
    note = NoteForm(request.POST)
    if not note.is_valid():
        return counter.ask(way, key, note, status=422)
    try:
        redeemed = redeem(
            actor=counter.actor,
            reward_id=pk,
            payer=way.payer,
            shown_price=price,
            key=key,
            now=timezone.now(),
            rest_from_company=way.rest_from_company,
            note=note.cleaned_data["note"],
        )
    except (RedemptionError, InsufficientPointsError, KeyUsedForAnotherRequestError) as error:
        return counter.explain(error, way, note)
    if redeemed.is_new:
        messages.success(request, _placed(redeemed))
    return HttpResponseRedirect(reverse("order", args=[redeemed.redemption.pk]))


class _Counter:
    """Where one reward is bought: what the reader may pay with, and the pages in between."""

    def __init__(self, request: HttpRequest, pk: int) -> None:
        self.request = request
        self.actor: Actor = actor_behind(request)
        self.pk = pk
        self.look()

    def look(self) -> None:
        """Read the reward and the wallets as they are now; Http404 where there is none for the reader."""
        rows = Reward.objects.visible_to(self.actor).select_related("stock", "program")
        row = rows.filter(pk=self.pk, is_published=True).first()
        if row is None:
            raise Http404
        self.reward: Reward = row
        self.means: Means = means_of(self.actor, row.program)
        self.ways: list[Way] = ways_to_pay(self.actor, row, self.means)

    def show(self, form: RedeemForm, *, status: int = 200) -> HttpResponse:
        """The reward with what it costs."""
        reach = self.means.reach(self.reward.paid_from)
        context = {
            "reward": shown(self.reward, points=reach),
            "form": form,
            "means": self.means,
            "balance": reach or 0,
            "agreed": self.means != Means(),
            "only_admins_spend": self.means == Means() and has_one_wallet(self.actor, self.reward.program),
        }
        return render(self.request, "rewards/detail.html", context, status=status)

    def refuse(self, form: RedeemForm) -> HttpResponse:
        """The reward again; a way to pay that there is not is asked for afresh."""
        if "payer" in form.errors:
            messages.error(self.request, " ".join(map(str, form.errors["payer"])))
            form = RedeemForm(ways=self.ways, price=self.reward.price)
        return self.show(form, status=422)

    def review(self, way: Way, key: str, *, shown_price: int) -> HttpResponse:
        """The sum before anything is booked, or why there can be none."""
        looked_at = shown(self.reward, points=way.points)
        if not looked_at.is_in_stock or looked_at.missing:
            return self.explain(
                InsufficientPointsError(available=way.points, wanted=self.reward.price)
                if looked_at.is_in_stock
                else OutOfStockError(),
                way,
                NoteForm(),
            )
        if shown_price != self.reward.price:
            messages.warning(self.request, sentence_of(PriceChangedError(shown=shown_price, price=self.reward.price)))
        return self.ask(way, key, NoteForm())

    def ask(self, way: Way, key: str, note: NoteForm, *, status: int = 200) -> HttpResponse:
        """The sum, who approves it, and the button that books it."""
        price = self.reward.price
        from_company = way.share_of_company(price)
        asks = policy_of(self.actor.company_id).asks_for(price)
        context = {
            "reward": shown(self.reward, points=way.points),
            "hidden": {"payer": way.code, "price": price, "key": key},
            "price": price,
            "is_shared": 0 < from_company < price,
            "from_company": from_company,
            "from_own": price - from_company,
            "balance_before": way.points,
            "balance_after": way.points - price,
            "asks_company": asks,
            "is_unasked": asks
            and not deciders_besides(self.actor.user_id, company_id=self.actor.company_id, now=self.actor.at),
            "note": note,
        }
        return render(self.request, "rewards/confirm.html", context, status=status)

    def explain(self, error: Exception, way: Way, note: NoteForm) -> HttpResponse:
        """Say what was refused and go on from there: a new price is confirmed, everything else is looked at anew."""
        if isinstance(error, RewardWithdrawnError):
            messages.error(self.request, sentence_of(error))
            return HttpResponseRedirect(reverse("rewards"))
        self.look()
        fresh = RedeemForm(ways=self.ways, price=self.reward.price)
        if isinstance(error, PriceChangedError) and way.code in {now.code for now in self.ways}:
            messages.warning(self.request, sentence_of(error))
            now = next(now for now in self.ways if now.code == way.code)
            return self.ask(now, fresh.initial["key"], NoteForm(initial=note.cleaned_data), status=409)
        messages.error(self.request, sentence_of(error))
        return self.show(fresh, status=409)


def _placed(redeemed: Redeemed) -> str:
    if redeemed.redemption.approval_id is not None:
        return _("Ordered. Your company approves it first: we have written to those who decide.")
    if redeemed.is_unasked:
        return _("Ordered. Nobody else in your company can approve it, so it has come to us straight away.")
    return _("Ordered. Here you see where it stands.")
