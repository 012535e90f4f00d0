// The focal points of the pictures on the screen.
import { announce } from "../announce.js";
import { ask } from "../api.js";
import { text } from "../texts.js";
import { pictureOf, pointing } from "./pointing.js";
import { card, refresh, screen } from "./screen.js";

const section = screen();
const show = pointing(document.getElementById("focal"), {
  cuts: () => JSON.parse(section.dataset.cuts),
  save: async (focal, { id }) => {
    await ask("PATCH", `${section.dataset.ownerUrl}/images/${id}`, { focal });
    await refresh();
  },
  done: (focal, { key }) => {
    card(key)?.querySelector("[data-part=focal]")?.focus();
    announce(text(focal ? "focalSaved" : "focalAutomatic"));
  },
});

section.addEventListener("click", (event) => {
  const button = event.target.closest("[data-part=focal]");
  if (!button) return;
  const { key, id } = button.closest(".shot").dataset;
  show({ ...pictureOf(button), key, id });
});
