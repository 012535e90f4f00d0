// Forms that carry a passkey: <form data-passkey="create" or "get" hidden>. Its field `credential` has
// the options for the device; what the device answers is sent in it, as JSON.
const LONGEST_CREDENTIAL = 20000;

function isKnownHere() {
  return Boolean(
    window.isSecureContext && window.PublicKeyCredential?.parseCreationOptionsFromJSON &&
      window.PublicKeyCredential.parseRequestOptionsFromJSON,
  );
}

async function answerOf(form) {
  const options = JSON.parse(form.elements.credential.dataset.options);
  const made =
    form.dataset.passkey === "create"
      ? await navigator.credentials.create({ publicKey: PublicKeyCredential.parseCreationOptionsFromJSON(options) })
      : await navigator.credentials.get({ publicKey: PublicKeyCredential.parseRequestOptionsFromJSON(options) });
  return JSON.stringify(made.toJSON());
}

async function ask(form) {
  const problem = form.querySelector("[role=alert]");
  problem.hidden = true;
  try {
    const answer = await answerOf(form);
    if (answer.length > LONGEST_CREDENTIAL) throw new RangeError("too long");
    form.elements.credential.value = answer;
  } catch {
    problem.hidden = false; // nothing chosen, not in time, or the device knows none of this host
    return;
  }
  form.submit();
}

if (isKnownHere()) {
  for (const form of document.querySelectorAll("form[data-passkey]")) {
    form.hidden = false;
    let asked = null;
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      asked ??= ask(form).finally(() => (asked = null)); // a device asks once
    });
  }
}
