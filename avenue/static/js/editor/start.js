// The editor of a page: brings canvas, panels, picker, saving and dialogs together.
import { letNavigate, letPublish, tellOf } from "./bar.js";
import { drawBlocks } from "./blocks.js";
import { canvasIn, contentOf, fill } from "./canvas.js";
import { letChangeSettings, letLookBack, letLookThrough, letPreview, letSchedule, letSolve } from "./dialogs.js";
import { Draft } from "./draft.js";
import { drawPanels } from "./panels.js";
import { pickPicture, pickPictures } from "./picker/picker.js";
import { galleryOf, pictureOf, picturesOf, show } from "./pictures.js";
import { cardOf, chooseProduct } from "./products.js";

const facts = JSON.parse(document.getElementById("facts").textContent);
const work = document.getElementById("work");
const editor = canvasIn(document.getElementById("canvas"), { language: facts.language, choosePicture, style: facts.style, scheme: facts.scheme });

editor.onReady(() => {
  fill(editor, facts.page);
  const draft = new Draft(`/api/builder/pages/${facts.page.id}`, facts.page, () => contentOf(editor));
  const load = (page) => {
    fill(editor, page);
    draft.restart(page);
  };
  draft.addEventListener("cleaned", ({ detail: page }) => load(page));
  editor.on("update component:input rte:disable", () => draft.touch());
  tellOf(draft, letSolve(draft, load, facts));
  const isWanted = letLookThrough(draft);
  letPublish(draft, isWanted);
  letSchedule(draft, isWanted);
  letPreview(draft);
  letNavigate(editor);
  letChangeSettings(draft, pickPicture);
  letLookBack(draft, load);
  drawBlocks(editor, document.getElementById("blocks"), facts.blocks, {
    picture: async () => htmlOf(await pickPicture(), pictureOf),
    gallery: async () => htmlOf(await pickPictures({ many: true }), galleryOf),
    card: async () => htmlOf(await chooseProduct(), cardOf),
    products: async (html) => htmlOf(await chooseProduct(), (product) => html.replace("$cards", () => cardOf(product))),
  });
  drawPanels(editor, {
    host: document.getElementById("selected"),
    tree: document.getElementById("tree"),
    categories: facts.categories,
    choosePicture,
    fillPlace: async (place) => {
      const media = await pickPicture();
      if (media) editor.select(place.replaceWith(pictureOf(media))[0]);
    },
    addProduct: async (products) => {
      const product = await chooseProduct();
      if (product) products.append(cardOf(product));
    },
    chooseGallery: async (gallery) => {
      const media = await pickPictures({ many: true });
      if (media.length) gallery.components(picturesOf(media));
    },
    chooseBackground: async (cover) => {
      const media = await pickPicture();
      if (media) cover(media);
    },
  });
  work.dataset.ready = "";
});

function htmlOf(chosen, make) {
  return !chosen || chosen.length === 0 ? null : make(chosen);
}

/** Another picture in the place of `image`, which keeps its size and its look. */
async function choosePicture(image) {
  const media = await pickPicture();
  editor.Assets.close();
  if (media && image) show(image, media);
}
