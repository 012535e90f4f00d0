"""The sample products: what a shop shows that has none of its own yet.

All of it is invented. One is a draft and one picture has no description, so that the panel shows
what it says then. SKUs and models are how a load that was killed finds again what it has made.
"""

from dataclasses import dataclass
from decimal import Decimal

from avenue.media.samples import SamplePicture


@dataclass(frozen=True, slots=True, kw_only=True)
class Shot:
    """A picture with what it shows, in Spanish and in English; both "" where nobody has said it."""

    picture: SamplePicture
    es: str = ""
    en: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class SampleProduct:
    """A product; `model` is that of its group."""

    sku: str
    name: str
    price: int
    description: str
    shots: tuple[Shot, ...]
    model: str | None = None
    is_draft: bool = False

    @property
    def amount(self) -> Decimal:
        """The price in guaraníes."""
        return Decimal(self.price)


@dataclass(frozen=True, slots=True, kw_only=True)
class SampleGroup:
    """A group with an option for each picture, by name."""

    model: str
    name: str
    options: tuple[tuple[str, Shot], ...]


LANDSCAPE, PORTRAIT, SQUARE = (1600, 1200), (1200, 1600), (1400, 1400)
RED, BLUE, BLACK, TAN = "#b3262e", "#2c5f8a", "#24282c", "#94592f"


def _shot(
    kind: str, color: str, shot: int, size: tuple[int, int], es: str = "", en: str = ""
) -> Shot:
    width, height = size
    picture = SamplePicture(kind=kind, color=color, width=width, height=height, shot=shot)
    return Shot(picture=picture, es=es, en=en)


GROUPS = (
    SampleGroup(
        model="DEMO-LUNA",
        name="Zapatilla Luna",
        options=(
            ("Roja", _shot("shoe", RED, 4, SQUARE, "Zapatilla roja", "Red trainer")),
            ("Azul", _shot("shoe", BLUE, 6, SQUARE, "Zapatilla azul", "Blue trainer")),
        ),
    ),
    SampleGroup(
        model="DEMO-TERERE",
        name="Termo para tereré",
        options=(
            ("Negro", _shot("thermos", BLACK, 5, SQUARE, "Termo negro", "Black flask")),
            ("Marrón", _shot("thermos", TAN, 7, SQUARE, "Termo marrón", "Brown flask")),
        ),
    ),
)

PRODUCTS = (
    SampleProduct(
        sku="DEMO-CUENCO",
        name="Cuenco de barro",
        price=95_000,
        description="Hecho a mano. Cada pieza es distinta.",
        shots=(
            _shot(
                "bowl",
                "#b5583a",
                1,
                LANDSCAPE,
                "Cuenco de barro rojizo con borde punteado",
                "Reddish clay bowl with a dotted rim",
            ),
        ),
        is_draft=True,
    ),
    SampleProduct(
        sku="DEMO-BOMBILLA",
        name="Bombilla de alpaca",
        price=120_000,
        description="Recta, con filtro desarmable y anillos dorados.",
        shots=(_shot("bombilla", "#c3c8cc", 2, LANDSCAPE),),
    ),
    SampleProduct(
        sku="DEMO-MOCHILA",
        name="Mochila Ybycuí",
        price=385_000,
        description="Lona encerada, 22 litros, bolsillo frontal y espalda acolchada.",
        shots=(
            _shot(
                "backpack",
                "#2f5d50",
                3,
                PORTRAIT,
                "Mochila verde vista de frente",
                "Green backpack from the front",
            ),
            _shot(
                "backpack",
                "#2f5d50",
                6,
                SQUARE,
                "La misma mochila, más cerca",
                "The same backpack, closer",
            ),
        ),
    ),
    SampleProduct(
        sku="DEMO-FLORERO",
        name="Florero de Areguá",
        price=140_000,
        description="Cerámica cocida a leña, con dos líneas de esmalte.\nAlto: 24 cm.",
        shots=(
            _shot(
                "vase",
                "#a8623f",
                0,
                PORTRAIT,
                "Florero de cerámica con tres ramas",
                "Ceramic vase with three twigs",
            ),
            _shot(
                "vase",
                "#a8623f",
                7,
                LANDSCAPE,
                "El florero sobre un fondo verdoso",
                "The vase before a greenish ground",
            ),
        ),
    ),
    SampleProduct(
        sku="DEMO-TAZA",
        name="Taza esmaltada azul",
        price=65_000,
        description="Cerámica esmaltada a mano, 300 ml. Apta para lavavajillas.",
        shots=(
            _shot(
                "mug",
                "#3d6b8c",
                3,
                LANDSCAPE,
                "Taza azul con esmalte blanco que chorrea",
                "Blue mug with white glaze running down",
            ),
        ),
    ),
    SampleProduct(
        sku="DEMO-NANDUTI",
        name="Centro de mesa de ñandutí",
        price=210_000,
        description="Encaje de ñandutí tejido a mano en Itauguá. Diámetro: 40 cm.",
        shots=(
            _shot(
                "lace",
                "#c2417c",
                2,
                SQUARE,
                "Encaje redondo con pétalos rosados",
                "Round lace with pink petals",
            ),
            _shot(
                "lace",
                "#2f7f8c",
                5,
                SQUARE,
                "El mismo encaje en turquesa",
                "The same lace in turquoise",
            ),
        ),
    ),
    SampleProduct(
        sku="DEMO-BOTA",
        name="Bota de cuero Chaco",
        price=690_000,
        description="Cuero vacuno, elástico a los lados y suela cosida.",
        shots=(
            _shot(
                "boot",
                "#8a5a33",
                1,
                LANDSCAPE,
                "Bota marrón de caña media, de lado",
                "Brown ankle boot from the side",
            ),
            _shot(
                "boot",
                "#8a5a33",
                4,
                PORTRAIT,
                "La bota desde el otro lado",
                "The boot from the other side",
            ),
        ),
    ),
    SampleProduct(
        sku="DEMO-GUAMPA",
        name="Guampa de palo santo",
        price=110_000,
        description="Palo santo torneado, con virola de acero. Se cura con yerba y paciencia.",
        shots=(
            _shot(
                "guampa",
                "#6f4a2c",
                6,
                PORTRAIT,
                "Guampa con yerba y bombilla",
                "Wooden cup with yerba mate and a straw",
            ),
        ),
    ),
    SampleProduct(
        sku="DEMO-BOLSO",
        name="Bolso Asunción",
        price=540_000,
        description="Cuero curtido al vegetal, forro de algodón y cierre de bronce.",
        shots=(
            _shot(
                "bag",
                "#9a5b2e",
                2,
                LANDSCAPE,
                "Bolso de cuero marrón con solapa",
                "Brown leather bag with a flap",
            ),
            _shot("bag", "#7a2230", 0, LANDSCAPE, "El bolso en color vino", "The bag in burgundy"),
        ),
    ),
    SampleProduct(
        sku="DEMO-TERMO-MARRON",
        name="Termo forrado marrón",
        price=265_000,
        description="Acero inoxidable, un litro, forrado en cuero con asa.",
        shots=(
            _shot(
                "thermos",
                TAN,
                2,
                PORTRAIT,
                "Termo forrado en cuero marrón",
                "Flask covered with brown leather",
            ),
        ),
        model="DEMO-TERERE",
    ),
    SampleProduct(
        sku="DEMO-TERMO-NEGRO",
        name="Termo forrado negro",
        price=265_000,
        description="Acero inoxidable, un litro, forrado en cuero con asa.",
        shots=(
            _shot(
                "thermos",
                BLACK,
                0,
                PORTRAIT,
                "Termo forrado en cuero negro",
                "Flask covered with black leather",
            ),
        ),
        model="DEMO-TERERE",
    ),
    SampleProduct(
        sku="DEMO-LUNA-AZUL",
        name="Zapatilla Luna azul",
        price=320_000,
        description="Liviana y flexible, con una luna a cada lado. Números 35 a 44.",
        shots=(
            _shot("shoe", BLUE, 1, LANDSCAPE, "Zapatilla azul, de lado", "Blue trainer, side view"),
            _shot(
                "shoe",
                BLUE,
                2,
                LANDSCAPE,
                "Zapatilla azul, del otro lado",
                "Blue trainer, the other side",
            ),
        ),
        model="DEMO-LUNA",
    ),
    SampleProduct(
        sku="DEMO-LUNA-ROJA",
        name="Zapatilla Luna roja",
        price=320_000,
        description="Liviana y flexible, con una luna a cada lado. Números 35 a 44.",
        shots=(
            _shot("shoe", RED, 0, LANDSCAPE, "Zapatilla roja, de lado", "Red trainer, side view"),
            _shot(
                "shoe",
                RED,
                3,
                LANDSCAPE,
                "Zapatilla roja, del otro lado",
                "Red trainer, the other side",
            ),
            _shot("shoe", RED, 5, SQUARE, "Zapatilla roja, más cerca", "Red trainer, closer"),
        ),
        model="DEMO-LUNA",
    ),
)
"""The last one made is the first one seen."""
