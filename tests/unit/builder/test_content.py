"""What a page may be made of, how much of it, and that it stays as it is."""

import base64
import contextlib
import hashlib
import re

import pytest
from hypothesis import given, settings, strategies as st

from avenue.builder.content import css as css_module, html as html_module
from avenue.builder.content.addresses import MAX_ADDRESSES
from avenue.builder.content.cleaning import (
    MAX_READ_CHARACTERS,
    MAX_STORED_CHARACTERS,
    expanded,
    received,
    tidied,
)
from avenue.builder.content.errors import (
    BadInlinePicture,
    ContentTooLarge,
    ContentTooTangled,
    TooManyInlinePictures,
)
from avenue.builder.content.html import MAX_ATTRIBUTES, MAX_DEPTH, MAX_ELEMENTS, MAX_ESCAPES
from avenue.builder.content.inline_pictures import MAX_INLINE_PICTURES
from avenue.builder.content.models import Content, Reason
from avenue.builder.content.srcset import rewritten
from tests.growth import growth
from tests.table import table
from tests.unit.builder.reading import faults_in_css, faults_in_html
from tests.unit.builder.test_own_addresses import KEPT, SITE, A, keep, link, take

PAGE = "".join(
    (
        '<header id="top" class="a b"><h1 lang="en" dir="ltr">Title</h1><nav aria-label="Main">',
        '<ul><li><a href="/p/x" target="_blank" rel="nofollow noopener">x</a></li></ul></nav>',
        '</header><section data-avenue-block="product" role="region">',
        "<p>a<br><em>b</em> <strong>c</strong></p>",
        '<figure><picture><source srcset="https://x.example/a.webp 1x" type="image/webp">',
        '<img src="https://x.example/a.png" alt="A" width="10" height="20" loading="lazy">',
        "</picture><figcaption>d</figcaption></figure>",
        '<table><caption>e</caption><tbody><tr><th scope="row">f</th><td colspan="2">g</td></tr>',
        '</tbody></table><details open=""><summary>h</summary>i</details>',
        '<video controls="" poster="https://x.example/p.png">',
        '<source src="https://x.example/v.mp4" type="video/mp4"></video>',
        '<audio src="https://x.example/s.mp3" controls=""></audio>',
        '<button type="button">j</button><p style="color:red;margin:0 1px">k</p></section>',
    )
)
SHEET = "\n".join(
    (
        ":root{--main:#c00;--gap:calc(1px + 2%)}",
        'a:hover > b::before{color:var(--main);content:"\\"x\\"";transition:all 1s !important}',
        "@media (min-width: 600px) and (width <= 900px){.a{display:grid;"
        "grid-template-columns:repeat(2,minmax(0,1fr));"
        'background:linear-gradient(#fff,rgba(0,0,0,.5)),url("https://x.example/a.png")}}',
        "@supports (display: grid){.a{position:fixed;-webkit-line-clamp:2}}",
        "@keyframes turn{from{transform:rotate(0deg)}50%{opacity:0}to{transform:rotate(1turn)}}",
        "",
    )
)


def test_what_editors_make_stays_as_it_is():
    stored = take(PAGE, SHEET)
    assert (stored.content.html, stored.content.css) == (PAGE, SHEET)
    assert stored.flagged == ()


def test_forms_and_frames_go_and_the_words_of_forms_stay():
    stored = take('<form><label>Name</label><input><p>x</p></form><iframe src="x">y</iframe>z')
    assert stored.content.html == "Name<p>x</p>z"


def test_a_small_mistake_in_nesting_is_mended_as_browsers_do():
    assert take("<b>a<i>b</b>c</i>").content.html == "<b>a<i>b</i></b><i>c</i>"


def test_a_text_with_half_a_character_can_be_stored():
    take("<p>\ud83d</p>", "a:after{content:'\ud83d'}").content.html.encode()


@pytest.mark.parametrize(
    "url",
    [
        "data:text/html,x",
        "data:image/svg+xml;base64,PHN2Zy8+",
        "data:image/svg+xml,%3Csvg/%3E",
        "data:,x",
        "data:image/bmp;base64,AAAA",
    ],
)
def test_data_that_is_no_picture_is_left_out_and_flagged(url):
    stored = take(f'<img src="{url}" alt="x">', f"a{{background:red url('{url}')}}")
    assert stored.content.html == '<img alt="x">'
    assert stored.content.css == 'a{background:red url("")}\n'
    assert [each.reason for each in stored.flagged] == [Reason.NOT_A_PICTURE]


@pytest.mark.parametrize(
    ("url", "picture", "media_type"),
    [
        ("data:image/png;base64,cGljdHVyZQ==", b"picture", "image/png"),
        ("data:image/png;base64,cGljdHVyZQ", b"picture", "image/png"),
        ("data:image/png;base64,cGlj dHVy%0AZQ%3D%3D", b"picture", "image/png"),
        ("DATA:IMAGE/PNG;charset=x;BASE64,cGljdHVyZQ==", b"picture", "image/png"),
        ("data:image/jpg;base64,_-8", b"\xff\xef", "image/jpeg"),
        ("data:image/gif,picture%00", b"picture\x00", "image/gif"),
    ],
)
def test_a_data_picture_is_read(url, picture, media_type):
    kept = []
    received(
        Content(html=f'<img src="{url}">', css=""),
        SITE,
        lambda *each: kept.append(each) or KEPT,
    )
    assert kept == [(picture, media_type)]


def test_a_damaged_data_picture_is_refused():
    with pytest.raises(BadInlinePicture):
        take('<img src="data:image/png;base64,cGljd*">')


def test_so_many_data_pictures_and_no_more():
    def page(count: int) -> str:
        return "".join(f'<img src="data:image/png,{number}">' for number in range(count))

    assert take(page(MAX_INLINE_PICTURES)).assets == (KEPT,)
    with pytest.raises(TooManyInlinePictures):
        take(page(MAX_INLINE_PICTURES + 1))


@pytest.mark.parametrize("where", ["html", "css"])
def test_what_keeping_raises_is_raised(where):
    def full(_picture: bytes, _media_type: str) -> str:
        raise LookupError

    url = "data:image/png,x"
    parts = {"html": f'<img src="{url}">', "css": f"a{{background:url({url})}}"}
    with pytest.raises(LookupError):
        received(Content(**({"html": "", "css": ""} | {where: parts[where]})), SITE, full)


def test_what_linking_raises_is_raised():
    def away(_asset: str, _variant: str) -> str:
        raise LookupError

    with pytest.raises(LookupError):
        expanded(Content(html=f'<img src="avenue:{A}/card">', css=""), away)


def test_an_address_is_bounded():
    stored = take(f'<img src="https://x.example/{"a" * 9000}">')
    assert stored.content.html == "<img>"
    assert [each.reason for each in stored.flagged] == [Reason.MALFORMED_ENTRY]


def test_so_much_is_stored_and_no_more():
    for part, template in (("HTML", "{}"), ("CSS", "a{{font-family:{}}}")):
        room = MAX_STORED_CHARACTERS[part] + 1
        text = template.format("x" * room)
        with pytest.raises(ContentTooLarge) as refused:
            take(**{part.lower(): text})
        assert refused.value.facts == {"part": part, "limit": MAX_STORED_CHARACTERS[part]}


def test_what_is_longer_than_may_be_read_reaches_no_parser(monkeypatch):
    monkeypatch.setattr(css_module, "tinycss2", None)
    monkeypatch.setattr(html_module, "_run", None)
    for part, room in MAX_READ_CHARACTERS.items():
        for read in (take, lambda html="", css="": tidied(Content(html=html, css=css))):
            with pytest.raises(ContentTooLarge) as refused:
                read(**{part.lower(): "a{b:c}" * (room // 6 + 1)})
            assert refused.value.facts == {"part": part, "limit": room}


def test_style_attributes_count_as_css():
    room = MAX_READ_CHARACTERS["CSS"]
    styles = [f"top:{each:0100}px" for each in range(room // 106 + 1)]
    html = [f'<p style="{each}"></p>' for each in styles]
    same = html[0] * 3000
    assert take("".join(html[:-1]) + same).content.html.endswith(same)
    with pytest.raises(ContentTooLarge) as refused:
        take("".join(html[:-1]), css="a{top:0}" * 100)
    assert refused.value.facts == {"part": "CSS", "limit": room}


PICTURE = "data:image/png;base64," + base64.b64encode(bytes(3_000_000)).decode()


def test_a_picture_that_is_longer_than_a_page_is_taken_out_of_it():
    stored = take(
        f'<img src="{PICTURE}"><img src={PICTURE}><img srcset="{PICTURE}, /x.png 2x">'
        f"<p style=\"background:url('{PICTURE}')\">",
        f"a{{background:url({PICTURE});list-style:url('{PICTURE}')}}",
    ).content
    kept = f"avenue:{KEPT}/original"
    assert stored.html == (
        f'<img src="{kept}"><img src="{kept}"><img srcset="{kept}, /x.png 2x">'
        f'<p style="background:url(&quot;{kept}&quot;)"></p>'
    )
    assert stored.css == f'a{{background:url("{kept}");list-style:url("{kept}")}}\n'


def test_data_that_is_no_address_stays_as_it_is():
    url = PICTURE[:5000]
    html = f'<p title="{url}" data-avenue-x="{url}">{url}, {url}</p>'
    css = f'a::before{{content:"{url}"}}\n'
    once = take(html, css).content
    assert (once.html, once.css) == (html, css)
    with pytest.raises(ContentTooLarge):
        take(f"<p>{PICTURE}</p>")


def test_a_mark_that_is_repeated_does_not_multiply_what_it_stands_for():
    mark = f"data:avenue/{hashlib.sha256(PICTURE.encode()).hexdigest()}"
    with pytest.raises(ContentTooLarge):
        take(f'<img src="{PICTURE}">' + f"<p>{mark}</p>" * 10_000)
    many = "".join(f'<img src="{mark}{each}">' for each in range(10_000))
    assert take(f'<img src="{PICTURE}">' + many).assets == (KEPT,)
    assert take(f'<a href="/x?{mark}">x</a>').content.html == f'<a href="/x?{mark}">x</a>'


def as_html(text: str) -> None:
    with contextlib.suppress(ContentTooTangled):
        take(text)


def as_css(text: str) -> None:
    with contextlib.suppress(ContentTooTangled):
        take(css=text)


@table(
    "read, begin, piece, end",
    [
        (lambda text: rewritten(text, str), "a", " ", "("),
        (lambda text: rewritten(text, str), "a ", "()", "("),
        (lambda text: rewritten(text, str), "a (", ",", ""),
        (lambda text: rewritten(text, str), "", ",", ""),
        (html_module._is_overladen, "", "<a", ""),
        (html_module._is_overladen, "", "<a b='<a b=\"", ""),
        (html_module._is_overladen, "<a" * 1000, " ", ">"),
        (html_module._is_overladen, "<a" * 1000 + ' x="', ">y", ""),
        (as_html, '<img srcset="a', " ", '(">'),
        (as_html, "<a ", "b=' ", ">"),
        (as_html, "", "&", ""),
        (as_html, "", "</p>", ""),
        (as_css, "", "a{b:c}", ""),
        (as_css, "a{", "top:0;", "}"),
        (as_css, "a{b:", "\\", "}"),
    ],
)
def test_ten_times_the_text_takes_about_ten_times_as_long(read, begin, piece, end):
    assert growth(lambda size: read(begin + piece * size + end)) == 0


def many_addresses(count: int) -> str:
    pages = ([f"/{each}/{end}" for end in range(50)] for each in range(count // 50))
    return "".join(f"<img srcset='{', '.join(each)}'>" for each in pages)


TANGLED = {
    "addresses": many_addresses(MAX_ADDRESSES + 50),
    "escapes": "&" * (MAX_ESCAPES + 1),
    "signs that are escaped": "< " * (MAX_ESCAPES + 1),
    "tags within one another": "<a" * MAX_ELEMENTS + "x" * 1_000_000,
    "elements in elements": "<div>" * 100_000,
    "elements in elements, closed": "<div>" * (MAX_DEPTH + 1) + "</div>" * (MAX_DEPTH + 1),
    "elements in elements behind comments": "<div><!--</div>-->" * (MAX_DEPTH + 1),
    "unknown elements": "<x-y>" * 100_000,
    "elements": "<p></p>" * (MAX_ELEMENTS + 1),
    "formatting in formatting": "".join(f"<b id={each}>" for each in range(MAX_DEPTH + 1)),
    "attributes": "<p " + " ".join(f"a{each}" for each in range(MAX_ATTRIBUTES + 1)) + ">",
}


# `make test` goes beyond each limit once.
LIMITS = {"addresses", "escapes", "elements in elements, closed", "elements", "attributes"}


@pytest.mark.parametrize(
    "html",
    [
        pytest.param(html, id=name, marks=[] if name in LIMITS else pytest.mark.long)
        for name, html in TANGLED.items()
    ],
)
def test_a_page_that_is_made_to_take_long_is_refused(html):
    with pytest.raises(ContentTooTangled):
        take(html)


@pytest.mark.parametrize(
    "css",
    [
        "a{b:" + "(/*)*/" * 1000,
        "@media all{" * 10_000,
        *(
            pytest.param(each, marks=pytest.mark.long)
            for each in (
                "a{b:" + "(" * 100_000,
                "a{" * 100_000,
                "@media all{" * 40_000,
                ":not(" * 100_000,
                "a{b:'" + "calc(" * 100_000,
            )
        ),
    ],
)
def test_a_stylesheet_that_is_made_to_take_long_is_refused_or_empty(css):
    with contextlib.suppress(ContentTooTangled):
        assert len(take(css=css).content.css) <= len(css)


def test_formatting_that_is_never_closed_does_not_multiply():
    """A browser opens all of it anew in each paragraph: the square of what came."""
    html = "".join(f"<p><b id=n{each}></p>" for each in range(2000))
    assert len(take(html).content.html) < 3 * len(html)


def test_a_deep_page_that_people_make_is_taken():
    html = "<div>" * (MAX_DEPTH - 1) + "x" + "</div>" * (MAX_DEPTH - 1)
    assert take(html).content.html == html


PIECES = st.sampled_from(
    re.split(
        r"\s{2,}",
        """<p>  </p>  <b>  </b>  <i>  <a href="/x">  </a>  <table>  <tr>  <td>  </table>  <ul>  <li>
        <div>  </div>  <svg>  </svg>  <math>  <style>  </style>  <script>  </script>  <title>  <!--
        -->  <![CDATA[  ]]>  <select>  <template>  <noscript>  <textarea>  <form>  <button>  <h1>
        </h1>  <pre>  <img src=x>  <br>  &lt;  &amp;  <p title="&quot;<b>">  '  "  <  >  /  =  -
        <p style="color:red;background:url('/media/x')">  <font color=red>  </font>  <nobr>
        <body class=x>  <option>  <frameset>  <mglyph>  <mtext>  <details>  <summary>
        <video src="data:x,y">  \x00  é""",
    )
)
CSS_PIECES = st.sampled_from(
    re.split(
        r"\s{2,}",
        """a  b  {  }  (  )  [  ]  :  ;  ,  !  important  color:red;  background:  url(  url(x)  )
        "x"  "  '  \\  \\41  \\3c  <  >  /  *  /*  */  <!--  -->  @media  @import  @keyframes  --x:
        </style>  #  .  +  ~  |  %  1px  1e3  -1  calc(  var(  image-set(  expression(  u+1
        url("a b")  content:  \x00  é  \\" """.strip(),
    )
)


@settings(max_examples=30, deadline=None)
@given(
    html=st.lists(PIECES, max_size=30).map("".join),
    css=st.lists(CSS_PIECES, max_size=30).map(" ".join),
)
def test_whatever_comes_does_no_harm_and_stays_as_it_is(html, css):
    once = received(Content(html=html, css=css), SITE, keep).content
    assert faults_in_html(once.html) == []
    assert faults_in_css(once.css) == []
    assert received(once, SITE, keep).content == once
    shown = expanded(once, link(SITE))
    assert received(shown, SITE, keep).content == once


@pytest.mark.long
@settings(max_examples=20_000, deadline=None)
@given(
    html=st.lists(PIECES, max_size=60).map("".join),
    css=st.lists(CSS_PIECES, max_size=60).map("".join),
)
def test_whatever_comes_does_no_harm_and_stays_as_it_is_at_length(html, css):
    once = received(Content(html=html, css=css), SITE, keep).content
    assert faults_in_html(once.html) == []
    assert faults_in_css(once.css) == []
    assert received(once, SITE, keep).content == once
