// Subscribes this browser to Web Push: the form gets where it is told, and is sent like any other.
import { text } from "../texts.js";

const form = document.querySelector("[data-push]");

function bytesOf(encoded) {
  const plain = atob(encoded.replaceAll("-", "+").replaceAll("_", "/"));
  return Uint8Array.from(plain, (each) => each.charCodeAt(0));
}

/** Return the subscription of this browser under our key; one under an earlier key is ended. */
async function subscription() {
  const options = { userVisibleOnly: true, applicationServerKey: bytesOf(form.dataset.push) };
  const { pushManager, active } = await ready();
  if (!active) throw new Error("The worker did not start.");
  try {
    return await pushManager.subscribe(options);
  } catch (error) {
    const former = await pushManager.getSubscription();
    if (!former) throw error;
    await former.unsubscribe();
    return pushManager.subscribe(options);
  }
}

/** Return the registration of our worker once it is at work. */
async function ready() {
  const registration = await navigator.serviceWorker.register(form.dataset.worker);
  const worker = registration.active || registration.waiting || registration.installing;
  if (worker.state !== "activated") {
    await new Promise((go) => {
      worker.addEventListener("statechange", () => ["activated", "redundant"].includes(worker.state) && go());
    });
  }
  return registration;
}

function complain(name) {
  const place = form.querySelector("[role=alert]");
  place.textContent = text(name);
  place.hidden = false;
}

async function subscribe(event) {
  event.preventDefault();
  if ((await Notification.requestPermission()) !== "granted") {
    complain("push_denied");
    return;
  }
  try {
    const { endpoint, keys } = (await subscription()).toJSON();
    const { elements } = form;
    elements.endpoint.value = endpoint;
    elements.key.value = keys.p256dh;
    elements.auth.value = keys.auth;
    form.submit();
  } catch {
    complain("push_failed");
  }
}

if (form && "serviceWorker" in navigator && "PushManager" in window) {
  form.hidden = false;
  form.addEventListener("submit", subscribe);
}
