// The proof of work of a form: its field `challenge_response` says what to solve, and gets the answer.
const field = document.querySelector("input[name=challenge_response]");
const { form } = field;
const status = form.querySelector("[data-challenge-status]");

const solved = new Promise((resolve, reject) => {
  const worker = new Worker(new URL("./challenge-worker.js", import.meta.url), { type: "module" });
  worker.onmessage = ({ data }) => {
    worker.terminate();
    resolve(data);
  };
  worker.onerror = () => reject(new Error("The worker ended."));
  worker.postMessage({ salt: field.dataset.salt, difficulty: Number(field.dataset.difficulty) });
});

async function solve() {
  status.textContent = field.dataset.working;
  try {
    field.value = `${field.dataset.token}:${await solved}`;
    status.textContent = field.dataset.done;
  } catch {
    status.textContent = field.dataset.failed;
  }
}

const done = solve();
let isWaiting = false;
form.addEventListener("submit", async (event) => {
  if (field.value) return;
  event.preventDefault();
  if (isWaiting) return;
  isWaiting = true;
  await done;
  isWaiting = false;
  if (field.value) form.requestSubmit();
});
