"""The sample products of a new shop.

All of it is invented. One is a draft and one picture has no description, so that the panel shows
these cases. SKUs and models identify what an interrupted load has already created.
"""

from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path

_PICTURES = Path(__file__).with_name("sample_pictures")


@dataclass(frozen=True, slots=True, kw_only=True)
class Shot:
    """A picture with its description in Spanish and in English; both "" for none.

    `file` is the name of a JPEG in `sample_pictures/`.
    """

    file: str
    es: str = ""
    en: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class SampleProduct:
    """A product; `model` is that of its group, `price` in guaraníes."""

    sku: str
    name: str
    price: Decimal
    description: str
    shots: tuple[Shot, ...]
    category: str | None = None
    attributes: tuple[tuple[str, str], ...] = ()
    model: str | None = None
    is_draft: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class SampleGroup:
    """A group with an option for each picture, by name."""

    model: str
    name: str
    options: tuple[tuple[str, Shot], ...]


def picture(file: str) -> bytes:
    """Return the JPEG of a `Shot`."""
    return (_PICTURES / file).read_bytes()


RED_TRAINER = Shot(
    file="luna-roja-1.jpg", es="Zapatilla roja, de lado", en="Red trainer, side view"
)
BLUE_TRAINER = Shot(
    file="luna-azul.jpg", es="Zapatilla azul, de lado", en="Blue trainer, side view"
)
BLACK_FLASK = Shot(
    file="termo-negro.jpg",
    es="Termo forrado en cuero negro",
    en="Flask covered with black leather",
)
BROWN_FLASK = Shot(
    file="termo-marron.jpg",
    es="Termo forrado en cuero marrón",
    en="Flask covered with brown leather",
)

GROUPS = (
    SampleGroup(
        model="DEMO-LUNA",
        name="Zapatilla Luna",
        options=(("Roja", RED_TRAINER), ("Azul", BLUE_TRAINER)),
    ),
    SampleGroup(
        model="DEMO-TERERE",
        name="Termo para tereré",
        options=(("Negro", BLACK_FLASK), ("Marrón", BROWN_FLASK)),
    ),
)

PRODUCTS = (
    SampleProduct(
        sku="DEMO-CUENCO",
        category="Casa > Cerámica",
        attributes=(("Material", "Barro"),),
        name="Cuenco de barro",
        price=Decimal(95_000),
        description="Hecho a mano. Cada pieza es distinta.",
        shots=(
            Shot(
                file="cuenco.jpg",
                es="Cuenco de barro rojizo con borde punteado",
                en="Reddish clay bowl with a dotted rim",
            ),
        ),
        is_draft=True,
    ),
    SampleProduct(
        sku="DEMO-BOMBILLA",
        category="Mate y tereré",
        attributes=(("Material", "Alpaca"),),
        name="Bombilla de alpaca",
        price=Decimal(120_000),
        description="Recta, con filtro desarmable y anillos dorados.",
        shots=(Shot(file="bombilla.jpg"),),
    ),
    SampleProduct(
        sku="DEMO-MOCHILA",
        category="Bolsos > Mochilas",
        name="Mochila Ybycuí",
        price=Decimal(385_000),
        description="Lona encerada, 22 litros, bolsillo frontal y espalda acolchada.",
        shots=(
            Shot(
                file="mochila-1.jpg",
                es="Mochila verde vista de frente",
                en="Green backpack from the front",
            ),
            Shot(
                file="mochila-2.jpg",
                es="La misma mochila, más cerca",
                en="The same backpack, closer",
            ),
        ),
    ),
    SampleProduct(
        sku="DEMO-FLORERO",
        category="Casa > Cerámica",
        attributes=(("Material", "Barro"),),
        name="Florero de Areguá",
        price=Decimal(140_000),
        description="Cerámica cocida a leña, con dos líneas de esmalte.\nAlto: 24 cm.",
        shots=(
            Shot(
                file="florero.jpg",
                es="Florero de cerámica con tres ramas",
                en="Ceramic vase with three twigs",
            ),
        ),
    ),
    SampleProduct(
        sku="DEMO-TAZA",
        category="Casa > Cerámica",
        attributes=(("Color", "Azul"), ("Material", "Acero esmaltado")),
        name="Taza esmaltada azul",
        price=Decimal(65_000),
        description="Cerámica esmaltada a mano, 300 ml. Apta para lavavajillas.",
        shots=(
            Shot(
                file="taza.jpg",
                es="Taza azul con esmalte blanco que chorrea",
                en="Blue mug with white glaze running down",
            ),
        ),
    ),
    SampleProduct(
        sku="DEMO-NANDUTI",
        category="Casa > Textiles",
        name="Centro de mesa de ñandutí",
        price=Decimal(210_000),
        description="Encaje de ñandutí tejido a mano en Itauguá. Diámetro: 40 cm.",
        shots=(
            Shot(
                file="nanduti.jpg",
                es="Encaje redondo con pétalos rosados",
                en="Round lace with pink petals",
            ),
        ),
    ),
    SampleProduct(
        sku="DEMO-BOTA",
        category="Calzado > Botas",
        attributes=(("Material", "Cuero"),),
        name="Bota de cuero Chaco",
        price=Decimal(690_000),
        description="Cuero vacuno, elástico a los lados y suela cosida.",
        shots=(
            Shot(
                file="bota.jpg",
                es="Bota marrón de caña media, de lado",
                en="Brown ankle boot from the side",
            ),
        ),
    ),
    SampleProduct(
        sku="DEMO-GUAMPA",
        category="Mate y tereré",
        attributes=(("Material", "Palo santo"),),
        name="Guampa de palo santo",
        price=Decimal(110_000),
        description="Palo santo torneado, con virola de acero. Se cura con yerba y paciencia.",
        shots=(
            Shot(
                file="guampa.jpg",
                es="Guampa con yerba y bombilla",
                en="Wooden cup with yerba mate and a straw",
            ),
        ),
    ),
    SampleProduct(
        sku="DEMO-BOLSO",
        category="Bolsos",
        name="Bolso Asunción",
        price=Decimal(540_000),
        description="Cuero curtido al vegetal, forro de algodón y cierre de bronce.",
        shots=(
            Shot(
                file="bolso.jpg",
                es="Bolso de cuero marrón con solapa",
                en="Brown leather bag with a flap",
            ),
        ),
    ),
    SampleProduct(
        sku="DEMO-TERMO-MARRON",
        category="Mate y tereré > Termos",
        attributes=(("Color", "Marrón"), ("Capacidad", "1 l")),
        name="Termo forrado marrón",
        price=Decimal(265_000),
        description="Acero inoxidable, un litro, forrado en cuero con asa.",
        shots=(BROWN_FLASK,),
        model="DEMO-TERERE",
    ),
    SampleProduct(
        sku="DEMO-TERMO-NEGRO",
        category="Mate y tereré > Termos",
        attributes=(("Color", "Negro"), ("Capacidad", "1 l")),
        name="Termo forrado negro",
        price=Decimal(265_000),
        description="Acero inoxidable, un litro, forrado en cuero con asa.",
        shots=(BLACK_FLASK,),
        model="DEMO-TERERE",
    ),
    SampleProduct(
        sku="DEMO-LUNA-AZUL",
        category="Calzado > Zapatillas",
        attributes=(("Color", "Azul"),),
        name="Zapatilla Luna azul",
        price=Decimal(320_000),
        description="Liviana y flexible, con una luna a cada lado. Números 35 a 44.",
        shots=(BLUE_TRAINER,),
        model="DEMO-LUNA",
    ),
    SampleProduct(
        sku="DEMO-LUNA-ROJA",
        category="Calzado > Zapatillas",
        attributes=(("Color", "Rojo"),),
        name="Zapatilla Luna roja",
        price=Decimal(320_000),
        description="Liviana y flexible, con una luna a cada lado. Números 35 a 44.",
        shots=(
            RED_TRAINER,
            Shot(
                file="luna-roja-2.jpg",
                es="Zapatilla roja, del otro lado",
                en="Red trainer, the other side",
            ),
        ),
        model="DEMO-LUNA",
    ),
)
"""The last one created is shown first."""
