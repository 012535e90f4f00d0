// Nobody loses pictures or text by leaving: the browser asks first, and saving waits for what is under way.
import { announce } from "../announce.js";
import { text } from "../texts.js";

/**
 * Ask before the page goes while `queue` has work, something typed in the `form` of the product is not
 * saved, or `unsaved()` says so, and let the form be sent when the last picture is there. `notice` says
 * that it waits.
 */
export function guardLeaving(queue, form, unsaved, notice) {
  let isSaving = false, waiting;
  addEventListener("beforeunload", (event) => {
    if (!isSaving && (queue.isBusy || queue.count("broken") || isChanged(form) || unsaved())) event.preventDefault();
  });
  addEventListener("pageshow", () => (isSaving = false)); // back again from the page behind
  form?.addEventListener("submit", (event) => {
    if (!queue.isBusy) {
      isSaving = true;
      return;
    }
    event.preventDefault();
    waiting = { submitter: event.submitter };
    tell("save_waits");
  });
  // Whoever deletes the product means what was typed, too.
  document.querySelector(".deleting form")?.addEventListener("submit", () => (isSaving = true));
  queue.addEventListener("settle", () => {
    if (!waiting || queue.isBusy) return;
    const { submitter } = waiting;
    waiting = undefined;
    if (queue.count("broken", "refused")) tell("save_stopped");
    else form.requestSubmit(submitter);
  });

  function tell(name) {
    notice.textContent = text(name);
    notice.hidden = false;
    announce(notice.textContent);
  }
}

/** Whether a field of `form` says something else than what is saved, which stands beside it as `was.…`. */
export function isChanged(form) {
  const told = form ? [...form.querySelectorAll("input[name^='was.']")] : [];
  return told.some((was) => lines(form.elements[was.name.slice("was.".length)].value) !== lines(was.value));
}

function lines(written) {
  return written.replaceAll("\r\n", "\n");
}
