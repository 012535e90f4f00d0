// Sharing an upload: the form asks the API and shows the link beside it; on the file's own page it
// stands in a dialog. Without this the same form leads to a page with the link.
import { announce } from "../announce.js";
import { ask } from "../api.js";
import "../copy.js";
import { text } from "../texts.js";

const form = document.querySelector("form[data-share]");
const dialog = document.getElementById("share");
const made = form.querySelector("[data-made]");
const link = form.querySelector("#link");
const until = form.querySelector("[data-until]");
const wrong = form.querySelector("[data-wrong]");

/** What the form asks for, as the API takes it. */
function wanted() {
  const fields = new FormData(form);
  return {
    expires_in: Number(fields.get("expires_in")),
    variant: fields.get("variant") ?? "original",
    download: fields.has("download"),
  };
}

function when(moment) {
  if (!moment) return text("endless");
  const shown = new Date(moment).toLocaleString(document.documentElement.lang, { dateStyle: "medium", timeStyle: "short" });
  return text("good_until", { moment: shown });
}

form.addEventListener("submit", async (event) => {
  event.preventDefault();
  wrong.hidden = true;
  try {
    const asked = wanted(), told = await ask("POST", form.dataset.share, asked);
    if (JSON.stringify(asked) !== JSON.stringify(wanted())) return; // another choice was made meanwhile
    link.value = told.url;
    until.textContent = when(told.expires_at);
    made.hidden = false;
    announce(text("link_made"));
    link.focus();
  } catch (error) {
    made.hidden = true;
    wrong.textContent = error.status ? [error.message, error.body.hint].filter(Boolean).join(" ") : text("no_connection");
    wrong.hidden = false;
  }
});

// Another choice is another link: the one that is shown would not be it.
form.addEventListener("change", () => (made.hidden = true));

if (dialog) {
  document.querySelector("[data-opens=share]").addEventListener("click", (event) => {
    event.preventDefault();
    dialog.showModal();
  });
  form.querySelector("[data-close]").addEventListener("click", () => dialog.close());
}
