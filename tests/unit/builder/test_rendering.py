"""Published pages without a database: whoever has an old document is not told that it is new."""

import re
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from avenue.builder.website import rendering
from avenue.builder.website.models import Draft, Page, PicturedPage
from avenue.identity import Site
from avenue.media.models import Asset, State, Version, Visibility
from avenue.web.site_frame import Frame

AT = datetime(2026, 1, 31, tzinfo=UTC)
HERE = Site(id="default", hosts=(), base_url="https://shop.test", name="Zapatos", locale="es-PY")
ID = "a" * 22
SHA256 = "ab" * 32
PICTURE = Asset(
    id=ID,
    site="default",
    bucket="builder_media",
    owner=None,
    name="zapato.jpg",
    visibility=Visibility.PUBLIC,
    state=State.LIVE,
    claim=None,
    versions=(
        Version(
            file="default/file",
            sha256=SHA256,
            source_sha256=SHA256,
            bytes=1,
            media_type="image/jpeg",
            width=3000,
            height=2000,
            at=AT,
            by=None,
        ),
    ),
    revision=1,
    created_at=AT,
    alt={"en": "Shoe", "es": "Zapato"},
)
# In a language of which the picture has no text: the site's is taken, else the first.
DRAFT = Draft(title="Sapatos", locale="pt", html=f'<img src="avenue:{ID}/w640">')
AROUND = rendering.Surroundings(
    style="/theme.css?v=1", fonts=(), frame=lambda: Frame(header="", footer="")
)
PAGE = Page(id="b" * 22, slug="sapatos", draft=DRAFT, created_at=AT, updated_at=AT, updated_by=None)


def shown(site: Site = HERE, asset: Asset = PICTURE) -> tuple[str, str]:
    """The document and its mark."""
    pictured = PicturedPage(page=PAGE, assets={asset.id: asset})
    return rendering.document(site, pictured, AROUND), rendering.mark_of(site, pictured, AROUND)


@pytest.mark.parametrize(
    ("site", "asset"),
    [
        (replace(HERE, locale="en"), PICTURE),
        (replace(HERE, locale="fr"), PICTURE),
        (replace(HERE, base_url="https://other.test"), PICTURE),
        (replace(HERE, name="Botas"), PICTURE),
        (replace(HERE, shows_variants=False), PICTURE),
        (HERE, replace(PICTURE, alt={"en": "Shoe", "es": "Bota"})),
        (HERE, replace(PICTURE, decorative=True)),
        (HERE, replace(PICTURE, visibility=Visibility.PRIVATE)),
    ],
)
def test_another_document_has_another_mark(site: Site, asset: Asset):
    before, after = shown(), shown(site, asset)
    assert before[0] != after[0]
    assert before[1] != after[1]


def test_the_order_of_texts_counts_where_none_is_wanted():
    site = replace(HERE, locale="fr")
    before = shown(site)
    after = shown(site, replace(PICTURE, alt=dict(reversed(PICTURE.alt.items()))))
    assert before[0] != after[0]
    assert before[1] != after[1]


def test_of_very_many_pictures_the_first_get_sizes(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(rendering, "MOST_SIZED", 2)
    page = replace(PAGE, draft=replace(DRAFT, html=DRAFT.html * 4))
    told = rendering.document(HERE, PicturedPage(page=page, assets={ID: PICTURE}), AROUND)
    assert told.count("<img ") == told.count('src="https://shop.test/') == 4
    assert (told.count("srcset="), told.count('loading="lazy"')) == (2, 3)


def test_a_picture_that_only_one_machine_has_is_not_asked_for():
    site = replace(HERE, hosts=("10.0.0.5:8000",))
    gone = ("https://localhost:8000/a.jpg", "http://192.168.0.7/b.jpg", "C:\\fotos\\c.jpg")
    seen = ("https://cdn.example/d.jpg", "/uploads/e.jpg", "http://10.0.0.5:8000/f.jpg")
    html = "".join(f'<img src="{each}" alt="Bota">' for each in (*gone, *seen))
    html += '<a href="http://localhost/g">g</a>'
    page = replace(PAGE, draft=replace(DRAFT, html=html))
    told = rendering.document(site, PicturedPage(page=page, assets={}), AROUND)
    assert [each for each in (*gone, *seen) if f'src="{each}"' in told] == [*seen]
    without = [each for each in re.findall("<img[^>]*>", told) if rendering.NO_PICTURE in each]
    assert ['alt="Bota"' in each for each in without] == [True] * len(gone)
    assert 'href="http://localhost/g"' in told
