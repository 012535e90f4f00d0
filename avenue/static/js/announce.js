// Says something to people who listen to the page instead of looking at it.
const live = document.getElementById("live");
let last = "";

/** Speak `sentence` politely; the same one twice in a row is spoken twice. */
export function announce(sentence) {
  live.textContent = sentence === last ? `${sentence}\u00a0` : sentence;
  last = live.textContent;
}
