"""What is stored of a page names no host; what a browser is given names the site's own."""

import base64
from dataclasses import replace

import pytest

from avenue.builder.content.cleaning import expanded, received
from avenue.builder.content.models import Content, Flagged, Reason, Received
from avenue.identity import Site
from tests.table import table

SITE = Site(
    id="shop",
    hosts=("shop.example", "www.shop.example"),
    base_url="https://shop.example",
    name="Shop",
)
A, B, KEPT = "A" * 22, "B" * 22, "K" * 22
TOKEN = "0123456789ab"


def keep(_picture: bytes, _media_type: str) -> str:
    return KEPT


def take(html: str = "", css: str = "", site: Site = SITE) -> Received:
    return received(Content(html=html, css=css), site, keep)


def link(site: Site):
    return lambda asset, variant: f"{site.base_url}/media/{asset}/{TOKEN}/{variant}.webp"


ADDRESSES = {
    f"https://shop.example/media/{A}/{TOKEN}/card.webp": "card",
    f"http://shop.example/media/{A}/{TOKEN}/card.jpg": "card",
    f"https://shop.example:443/media/{A}/{TOKEN}/card.webp": "card",
    f"https://shop.example:8443/media/{A}/{TOKEN}/card.webp": "card",
    f"http://shop.example:8000/media/{A}/{TOKEN}/card.webp": "card",
    f"https://www.shop.example/media/{A}/{TOKEN}/original.jpg": "original",
    f"HTTPS://SHOP.Example/media/{A}/{TOKEN}/card.webp": "card",
    f"https://shop.example./media/{A}/{TOKEN}/card.webp": "card",
    f"//shop.example/media/{A}/{TOKEN}/w320.webp": "w320",
    f"/media/{A}/{TOKEN}/w320.webp": "w320",
    f"/media/{A}/{'f' * 12}/w320.webp": "w320",
    f"media/{A}/{TOKEN}/w320.webp": "w320",
    f"../../media/{A}/{TOKEN}/w320.webp": "w320",
    f"\\media\\{A}\\{TOKEN}\\w320.webp": "w320",
    f"/media/{A}/thumb": "thumb",
    f"/media/{A}/original": "original",
    f"/media/{A}": "original",
    f"/media/{A}/og?download=1": "og",
    f"/media/{A}/{TOKEN}/thumb.webp?e=1700000000&k=a&s=secret": "thumb",
    f"/media/{A}/thumb#top": "thumb",
    f"/media/%41{A[1:]}/thumb": "thumb",
    f" \t/media/{A}/th\numb ": "thumb",
    f"/media/{A}/w300": "w320",
    f"/media/{A}/w5000": "w1920",
    f"/media/{A}/huge": "original",
    f"avenue:{A}/gallery": "gallery",
    f"avenue:{A}/w300": "w320",
}


@table("url, variant", ADDRESSES.items())
@table(
    "template",
    [
        '<img src="{}">',
        '<a href="{}">x</a>',
        '<video poster="{}"></video>',
        '<audio src="{}"></audio>',
    ],
)
def test_an_own_address_becomes_a_reference(template, url, variant):
    stored = take(template.format(url))
    assert stored.content.html == template.format(f"avenue:{A}/{variant}")
    assert stored.assets == (A,)
    assert stored.flagged == ()


def test_addresses_of_others_are_left_alone():
    html = (
        '<img src="https://pictures.example/a.png?x=1&amp;y=2">'
        f'<img src="https://shop.example.evil.example/media/{A}/thumb">'
        f'<img src="https://shop.example@evil.example/media/{A}/thumb">'
        '<a href="https://other.example/x#y">x</a><a href="mailto:a@b.example">m</a>'
        '<a href="tel:+595981">t</a><a href="#part">p</a>'
    )
    stored = take(html)
    assert stored.content.html == html
    assert (stored.assets, stored.flagged) == ((), ())


def test_links_to_pages_of_the_site_lose_its_host():
    stored = take(
        '<a href="https://shop.example/p/about?x=1#y">a</a><a href="/p/about">b</a>'
        '<a href="https://shop.example">c</a><a href="https://shop.example:9443/admin">d</a>'
    )
    assert stored.content.html == (
        '<a href="/p/about?x=1#y">a</a><a href="/p/about">b</a>'
        '<a href="/">c</a><a href="https://shop.example:9443/admin">d</a>'
    )
    assert stored.flagged == ()


LOCAL = {
    "/uploads/a.png": Reason.LOCAL_PATH,
    "pictures/a.png": Reason.LOCAL_PATH,
    "file:///home/me/a.png": Reason.LOCAL_PATH,
    "C:\\fotos\\a.png": Reason.LOCAL_PATH,
    "blob:https://shop.example/1": Reason.LOCAL_PATH,
    f"http://localhost:8000/media/{A}/thumb": Reason.LOCALHOST,
    "http://127.0.0.1/a.png": Reason.LOCALHOST,
    "http://[::1]/a.png": Reason.LOCALHOST,
    "http://192.168.1.4/a.png": Reason.LOCALHOST,
    "http://nas.local/a.png": Reason.LOCALHOST,
}


@pytest.mark.parametrize(("url", "reason"), LOCAL.items())
def test_a_picture_that_only_one_machine_had_is_kept_and_flagged(url, reason):
    stored = take(f'<img src="{url}">')
    assert stored.content.html == f'<img src="{url}">'
    assert stored.flagged == (Flagged(url=url, reason=reason),)


def test_a_link_to_an_old_file_is_flagged_as_well():
    stored = take('<a href="/uploads/list.pdf">a</a><a href="http://localhost/x">b</a>')
    assert [each.reason for each in stored.flagged] == [Reason.LOCAL_PATH, Reason.LOCALHOST]


def test_a_data_picture_moves_into_the_library_once():
    moved = []

    def note(picture: bytes, media_type: str) -> str:
        moved.append((picture, media_type))
        return KEPT

    url = "data:image/jpg;base64," + base64.b64encode(b"picture").decode()
    html = f'<img src="{url}" srcset="{url} 2x"><p style="background:url({url})">x</p>'
    stored = received(Content(html=html, css=f"a{{background:url({url})}}"), SITE, note)
    assert moved == [(b"picture", "image/jpeg")]
    assert "data:" not in stored.content.html + stored.content.css
    assert (stored.content.html + stored.content.css).count(f"avenue:{KEPT}/original") == 4
    assert stored.assets == (KEPT,)


PAGE = Content(
    html=(
        f'<p style="background:url(/media/{A}/card) no-repeat">'
        f"<b style=\"background:URL( '//shop.example/media/{B}/og' )\">b</b>"
        f'<picture><source srcset="/media/{A}/w320 320w,/media/{A}/w640   640w, '
        'https://pictures.example/a.png 2x">'
        f'<img src="https://www.shop.example/media/{B}/{TOKEN}/w1280.webp?e=1" alt="&quot;b&quot;">'
        f'</picture><a href="/media/{A}/original?download=1">PDF avenue:{A}/thumb</a></p>'
    ),
    css=(
        f".a{{background-image:u\\72l('/media/{A}/{TOKEN}/thumb.webp')}}"
        f'.b{{list-style:square url("https://shop.example/media/\\42 {B[1:]}/card")}}'
        f'.c{{background:image-set("/media/{A}/w320" 1x,url(/media/{A}/w640) 2x)}}'
        f".d:after{{content:'avenue:{A}/thumb'}}"
    ),
)


def test_every_place_of_an_address_is_read():
    stored = received(PAGE, SITE, keep)
    text = stored.content.html + stored.content.css
    assert "shop.example" not in text
    assert "/media/" not in text
    assert text.count("avenue:") == 10 + 2  # two of them only look like it
    assert stored.assets == (A, B)
    assert stored.flagged == ()


@pytest.mark.parametrize("other", ["https://nuevo.example", "http://localhost:8000"])
def test_a_change_of_domain_changes_every_url_and_no_stored_byte(other):
    stored = received(PAGE, SITE, keep).content
    moved = replace(SITE, hosts=(other.partition("//")[2],), base_url=other)
    for site in (SITE, moved):
        shown = expanded(stored, link(site))
        text = shown.html + shown.css
        assert text.count(f"{site.base_url}/media/") == 10
        assert received(shown, site, keep).content == stored


def test_what_only_looks_like_a_reference_is_text():
    shown = expanded(received(PAGE, SITE, keep).content, link(SITE))
    assert f">PDF avenue:{A}/thumb<" in shown.html
    assert f'content:"avenue:{A}/thumb"' in shown.css


def test_what_is_gone_leaves_its_words_and_asks_nobody():
    stored = take(
        f'<img src="/media/{A}/card" srcset="/media/{A}/w320 320w" alt="Shoe">'
        f'<a href="/media/{A}">x</a>',
        f".a{{background:red url(/media/{A}/card)}}",
    ).content
    shown = expanded(stored, lambda _asset, _variant: None)
    assert shown.html == '<img alt="Shoe"><a>x</a>'
    assert shown.css == '.a{background:red url("")}\n'
