"""Allow lists of pages: elements and attributes; rules, properties and functions of CSS.

Everything else is removed.
"""


def _listed(text: str) -> frozenset[str]:
    return frozenset(text.split())


TAGS = _listed(
    """
    a abbr address article aside audio b bdi bdo big blockquote br button caption cite code col
    colgroup data dd del details dfn div dl dt em figcaption figure font footer h1 h2 h3 h4 h5 h6
    header hgroup hr i img ins kbd li main mark menu nav ol p picture pre q rp rt ruby s samp search
    section small source span strike strong sub summary sup table tbody td tfoot th thead time tr
    track tt u ul var video wbr
    """
)
GONE_WITH_CONTENT = _listed(
    """
    applet audio-worklet base canvas datalist embed frame frameset head iframe input link math meta
    noembed noframes noscript object option optgroup param plaintext portal script select slot style
    svg template textarea title xmp
    """
)
"""Elements that are removed with their content. Of other elements that are not allowed the text
stays, also of a `form`."""

_EVERYWHERE = frozenset({"class", "dir", "hidden", "id", "lang", "role", "style", "title"})
_CELL = frozenset({"abbr", "align", "colspan", "headers", "rowspan", "scope", "valign"})
_PLAYER = frozenset({"autoplay", "controls", "loop", "muted", "preload", "src"})
_SIZE = frozenset({"height", "width"})
ATTRIBUTES = {
    "*": _EVERYWHERE,
    "a": frozenset({"download", "href", "hreflang", "rel", "target", "type"}),
    "audio": _PLAYER,
    "col": frozenset({"span"}),
    "colgroup": frozenset({"span"}),
    "data": frozenset({"value"}),
    "del": frozenset({"datetime"}),
    "details": frozenset({"open"}),
    "font": frozenset({"color", "face", "size"}),
    "img": _SIZE
    | frozenset({"alt", "decoding", "fetchpriority", "loading", "sizes", "src", "srcset"}),
    "ins": frozenset({"datetime"}),
    "li": frozenset({"value"}),
    "ol": frozenset({"reversed", "start", "type"}),
    "source": _SIZE | frozenset({"media", "sizes", "src", "srcset", "type"}),
    "td": _CELL,
    "th": _CELL,
    "time": frozenset({"datetime"}),
    "track": frozenset({"default", "kind", "label", "src", "srclang"}),
    "video": _PLAYER | _SIZE | frozenset({"playsinline", "poster"}),
}

RELATIONS = _listed(
    """
    author bookmark external help license me next nofollow noopener noreferrer prev sponsored tag
    ugc
    """
)
TARGETS = frozenset({"_blank", "_self"})

GROUPS = frozenset({"media", "supports", "container", "layer"})
"""At-rules that contain rules. `@import` and `@font-face` are not among them: they load from
elsewhere."""

KEYFRAMES = frozenset({"keyframes", "-webkit-keyframes", "-moz-keyframes", "-o-keyframes"})

VENDORS = ("-webkit-", "-moz-", "-ms-", "-o-")

FAMILIES = _listed(
    """
    accent-color align all animation appearance aspect-ratio backdrop-filter backface-visibility
    background block-size border bottom box box-sizing box-shadow break caption-side caret clear
    clip color columns column contain container content-visibility counter cursor direction display
    empty-cells fill filter flex float font gap grid hanging-punctuation height hyphens image inline
    inset isolation justify left letter-spacing line line-height line-clamp list-style margin mask
    max min mix-blend-mode object offset opacity order orphans outline overflow overscroll-behavior
    overflow-wrap padding page-break perspective place pointer-events position quotes resize right
    rotate row row-gap scale scroll scrollbar shape size stroke tab-size table-layout tap-highlight
    text top touch-action transform transition translate unicode-bidi user-select vertical-align
    visibility white-space widows width will-change word writing-mode z-index zoom
    osx-font-smoothing
    content background-clip print-color-adjust color-scheme
    """
)
"""A property is one of these or begins with one and a dash; vendor prefixes are ignored."""

WITH_PICTURES = ("background", "border-image", "list-style", "content", "cursor", "mask", "shape")
"""Families whose properties may show pictures."""

FUNCTIONS = _listed(
    """
    abs acos asin atan atan2 attr blur brightness calc calc-size circle clamp color color-mix
    conic-gradient contrast cos counter counters cross-fade cubic-bezier drop-shadow ellipse env exp
    fit-content format grayscale hsl hsla hue-rotate hwb hypot image-set inset invert lab lch
    light-dark linear linear-gradient log matrix matrix3d max min minmax mod oklab oklch opacity
    path perspective polygon pow radial-gradient ray rect rem repeat repeating-conic-gradient
    repeating-linear-gradient repeating-radial-gradient rgb rgba rotate rotate3d rotatex rotatey
    rotatez round saturate scale scale3d scalex scaley scalez sepia sign sin skew skewx skewy sqrt
    steps symbols tan translate translate3d translatex translatey translatez type url var view
    scroll xywh -webkit-gradient -webkit-image-set -webkit-linear-gradient -webkit-radial-gradient
    -moz-linear-gradient -moz-radial-gradient -o-linear-gradient from to color-stop
    """
)

PICTURE_SETS = frozenset({"image-set", "-webkit-image-set"})
"""Functions in which plain text is a URL."""


def is_allowed(name: str) -> bool:
    """Return whether the property `name` is allowed; custom properties are."""
    return name.startswith("--") or _is_of(FAMILIES, _plain(name))


def may_show_pictures(name: str) -> bool:
    """Return whether the value of the property `name` may contain URLs of pictures."""
    return name.startswith("--") or _is_of(frozenset(WITH_PICTURES), _plain(name))


def _plain(name: str) -> str:
    for vendor in VENDORS:
        name = name.removeprefix(vendor)
    return name


def _is_of(families: frozenset[str], name: str) -> bool:
    parts = name.split("-")
    return any("-".join(parts[:count]) in families for count in range(1, len(parts) + 1))
