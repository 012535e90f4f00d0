// Nobody loses pictures by leaving: the browser asks first, and saving waits for what is under way.
import { announce } from "../announce.js";
import { text } from "../texts.js";

/**
 * Ask before the page goes while `queue` has work or `unsaved()` says so, and let the `form` of the
 * product be sent when the last picture is there. `notice` says that it waits.
 */
export function guardLeaving(queue, form, unsaved, notice) {
  let isSaving = false, waiting;
  addEventListener("beforeunload", (event) => {
    if (!isSaving && (queue.isBusy || queue.count("broken") || unsaved())) event.preventDefault();
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
