// Where the device can share a page itself, one button does instead of the links.
const button = document.querySelector("button[data-share]");
if (button && navigator.share) {
  button.hidden = false;
  button.parentElement.querySelector("ul").hidden = true;
  button.addEventListener("click", async () => {
    const url = document.querySelector("link[rel=canonical]").href;
    try {
      await navigator.share({ title: button.dataset.share, url });
    } catch (error) {
      if (error.name !== "AbortError") throw error; // somebody closed the dialog
    }
  });
}
