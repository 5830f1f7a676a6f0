"""Files in the database: kept in parts, given out as they came in, to those whom they are for, for a time."""

from datetime import timedelta

import pytest
from django.db import IntegrityError, transaction
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from accounts import attachments
from accounts.attachments import DamagedFileError
from accounts.models import Attachment, AttachmentPart, User
from accounts.models.attachments import PART_BYTES
from tests.factories.canaries import as_actor, user_of
from tests.factories.world import a_company, a_manager, a_user, an_account_manager, an_admin, an_employee

pytestmark = pytest.mark.django_db

CONTENT = bytes(range(256)) * 5_000


def a_file(by: User | None = None, *, content: bytes = CONTENT, name: str = "people.csv") -> Attachment:
    """A file that came in pieces of 1,000 bytes."""
    pieces = (content[start : start + 1_000] for start in range(0, len(content), 1_000))
    return attachments.store(
        pieces, name=name, content_type="text/csv", created_by_id=by.pk if by else None, now=timezone.now()
    )


def test_file_is_kept_in_small_parts_and_comes_back_as_it_was() -> None:
    kept = a_file()

    parts = [len(content) for content in kept.parts.order_by("number").values_list("content", flat=True)]
    assert parts == [PART_BYTES, PART_BYTES, len(CONTENT) - 2 * PART_BYTES]
    assert kept.size == len(CONTENT)
    assert b"".join(attachments.stream(kept)) == CONTENT
    with attachments.on_disk(kept) as path:
        assert path.read_bytes() == CONTENT
    assert not path.exists()


def test_empty_file_is_a_file() -> None:
    assert b"".join(attachments.stream(a_file(content=b""))) == b""


@pytest.mark.parametrize("name", ["../../etc/passwd", "C:\\Users\\me\\passwd", "/etc/passwd"])
def test_folders_in_a_name_are_dropped(name: str) -> None:
    assert a_file(name=name).name == "passwd"


def test_file_that_was_changed_is_not_taken_for_what_was_stored() -> None:
    kept = a_file(content=b"abc")
    AttachmentPart.objects.update(content=b"abd")

    with pytest.raises(DamagedFileError), attachments.on_disk(kept):
        pytest.fail("a damaged file was laid down")


def test_database_refuses_a_part_that_is_too_large() -> None:
    kept = a_file(content=b"abc")

    with pytest.raises(IntegrityError, match="attachment_part_small"), transaction.atomic():
        AttachmentPart.objects.create(attachment=kept, number=1, content=bytes(PART_BYTES + 1))

    assert kept.parts.count() == 1


def test_file_is_for_who_made_it_and_for_managers() -> None:
    company = a_company()
    member, admin, manager_of_it = an_employee(company), an_admin(company), an_account_manager(company)
    kept = a_file(user_of(member))

    seen_by = {
        user.pk for user in (user_of(member), user_of(admin), manager_of_it, a_manager(), a_user())
        if Attachment.objects.visible_to(as_actor(user)).filter(pk=kept.pk).exists()
        and AttachmentPart.objects.visible_to(as_actor(user)).filter(attachment=kept).exists()
    }  # fmt: skip

    assert seen_by == {user_of(member).pk, User.objects.get(is_staff=True).pk}


def test_download_gives_the_file_as_a_download_and_nobody_elses(client: Client) -> None:
    company = a_company()
    member, colleague = an_employee(company), an_employee(company)
    kept, foreign = a_file(user_of(member), name="Zürich.csv"), a_file(user_of(colleague))
    client.force_login(user_of(member))

    response = client.get(reverse("file", args=[kept.pk]))

    assert response.getvalue() == CONTENT
    assert response.headers["Content-Disposition"] == "attachment; filename*=utf-8''Z%C3%BCrich.csv"
    assert response.headers["Content-Type"] == "text/csv"
    assert response.headers["X-Content-Type-Options"] == "nosniff"
    assert response.headers["Cache-Control"] == "private, no-store"
    assert client.head(reverse("file", args=[kept.pk])).headers["Content-Length"] == str(len(CONTENT))
    assert client.get(reverse("file", args=[foreign.pk])).status_code == 404


def test_who_sees_as_a_client_does_not_fetch_the_clients_files(client: Client) -> None:
    company = a_company()
    member = an_employee(company)
    kept = a_file(user_of(member))
    client.force_login(an_account_manager(company))
    client.post(reverse("see-as", args=[member.pk]), {"reason": "A question on the phone"})

    assert client.get("/points/").status_code == 200
    assert client.get(reverse("file", args=[kept.pk])).status_code == 404


def test_file_is_gone_when_its_time_is_over(client: Client) -> None:
    member = an_employee(a_company())
    kept, other = a_file(user_of(member)), a_file()
    client.force_login(user_of(member))
    now = timezone.now()
    Attachment.objects.filter(pk=kept.pk).update(created_at=now - timedelta(days=30), expires_at=now)

    assert client.get(reverse("file", args=[kept.pk])).status_code == 404
    assert [attachments.delete_expired(now=now), attachments.delete_expired(now=now)] == [1, 0]
    assert list(Attachment.objects.all()) == [other]
    assert set(AttachmentPart.objects.values_list("attachment", flat=True)) == {other.pk}
