// One try to bring one file to the server: the raw body, half the cost of a form. XMLHttpRequest,
// because fetch does not tell how far an upload is.

/** No byte moved for so long: the connection is gone and nobody said so. */
const SILENCE_SECONDS = 60;

/** Everything was handed over, but much of it may still be on its way through a slow line. */
const ANSWER_SECONDS = 300;

/** What to wait where an answer asks for patience but does not say how much. */
const PATIENCE_SECONDS = 2;

const TOO_SLOW = 408, TOO_OFTEN = 429, SIGNED_OUT = 401, CONFLICT = 409, FULL = 507;

/**
 * Send `body` and resolve to what came of it:
 *
 *   { kind: "stored", image, isNew, isMended } it is there; `isNew` unless it was there before, `isMended`
 *                                             when it was damaged there and is whole again
 *   { kind: "refused", status, code, error, hint }   it will not be taken as it is
 *   { kind: "wait", seconds, code }           the same again in a while
 *   { kind: "broken" }                        nobody knows whether it arrived
 *   { kind: "signed_out" }                    somebody has to sign in again
 *   { kind: "aborted" }                       `signal` said so
 *
 * `progress(share)` is told how much has been handed over; 1 means that an answer is awaited.
 */
export function send({ url, method = "POST", body, type, name, key }, progress, signal) {
  return new Promise((resolve) => {
    const request = new XMLHttpRequest();
    let timer;
    const within = (seconds) => {
      clearTimeout(timer);
      timer = setTimeout(() => request.abort(), seconds * 1000);
    };
    const end = (outcome) => {
      clearTimeout(timer);
      resolve(outcome);
    };
    request.upload.onprogress = ({ loaded, total }) => {
      within(SILENCE_SECONDS);
      progress(Math.min(loaded / total, 0.99));
    };
    request.upload.onload = () => {
      within(ANSWER_SECONDS);
      progress(1);
    };
    request.onload = () => end(outcomeOf(request));
    request.onerror = () => end({ kind: "broken" });
    request.onabort = () => end({ kind: signal.aborted ? "aborted" : "broken" });
    signal.addEventListener("abort", () => request.abort(), { once: true });
    const target = new URL(url, location.href);
    target.searchParams.set("name", name);
    request.open(method, target);
    request.setRequestHeader("Accept", "application/json");
    request.setRequestHeader("Content-Type", type);
    request.setRequestHeader("Idempotency-Key", key);
    within(SILENCE_SECONDS);
    request.send(body);
  });
}

function outcomeOf(request) {
  const { status } = request, answer = jsonOf(request), code = answer.code ?? "";
  if (status === 200 || status === 201) {
    const isNew = status === 201 || request.getResponseHeader("Idempotent-Replayed") === "true";
    const isMended = request.getResponseHeader("Avenue-Mended") !== null;
    return answer.file ? { kind: "stored", image: answer.file, isNew, isMended } : { kind: "broken" };
  }
  if (status === SIGNED_OUT) return { kind: "signed_out" };
  const seconds = Number(request.getResponseHeader("Retry-After"));
  if (status === TOO_OFTEN || (status >= 500 && seconds > 0) || (status === CONFLICT && code === "upload_in_progress")) {
    return { kind: "wait", seconds: seconds > 0 ? seconds : PATIENCE_SECONDS, code };
  }
  const isCut = status === TOO_SLOW || code === "body_cut_off" || (status >= 500 && status !== FULL);
  if (isCut) return { kind: "broken" };
  return { kind: "refused", status, code, error: answer.error ?? "", hint: answer.hint ?? "" };
}

function jsonOf(request) {
  try {
    return JSON.parse(request.responseText) ?? {};
  } catch {
    return {};
  }
}
