"""`docs/blueprints.md` is held to the code: all of its pieces together are a blueprint that loads."""

import re
from pathlib import Path

import pytest

from loyalty.site.blueprints import canonical, dump, foresee, load, read
from tests.factories.world import NOW, a_manager

PAGE = Path(__file__).parents[2] / "docs" / "blueprints.md"


@pytest.mark.django_db
def test_the_pieces_of_the_page_are_a_blueprint() -> None:
    text = "\n".join(re.findall(r"```yaml\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL))

    seen = foresee(document=read(text), now=NOW)
    loaded = load(document=read(text), by=a_manager(), now=NOW)

    assert (seen.examples, seen.failing) == (1, [])
    assert dump(loaded.program, now=NOW) == canonical(read(text).data)
