"""Files, for whom they were made."""

from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase, StreamingHttpResponse
from django.utils.http import content_disposition_header
from django.views.decorators.http import require_http_methods, require_safe

from accounts import attachments, reauthentication
from accounts.access import signed_in
from accounts.middleware import actor_behind, look_behind
from accounts.models import Attachment


@require_http_methods(["GET", "HEAD"])
@signed_in
def download(request: HttpRequest, pk: int) -> HttpResponseBase:
    """Send a file, always as a download: whatever it holds, no browser opens it as a page of ours."""
    actor = actor_behind(request)
    attachment = Attachment.objects.visible_to(actor).filter(pk=pk, expires_at__gt=actor.at).first()
    if attachment is None:
        raise Http404
    headers = {
        "Content-Disposition": content_disposition_header(as_attachment=True, filename=attachment.name),
        "Content-Length": str(attachment.size),
        "Cache-Control": "private, no-store",
    }
    if request.method == "HEAD":
        return HttpResponse(content_type=attachment.content_type, headers=headers)
    return StreamingHttpResponse(attachments.stream(attachment), content_type=attachment.content_type, headers=headers)


@require_safe
@signed_in
def fetch(request: HttpRequest) -> HttpResponse:
    """Send the file that somebody asked for before they showed who they are; nobody fetches one as somebody else."""
    if look_behind(request) is not None:
        raise Http404
    return reauthentication.fetch(request)
