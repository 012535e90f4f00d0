// How far a look at everything is: its part of the page is fetched again until it is over.
const PAUSE = 1000;
const SLOW = 5000;

/** Put the part as it is now in its place; when there is none any more, show the new findings. */
async function again() {
  let answer;
  try {
    answer = await fetch(location.href, { headers: { Accept: "text/html" } });
  } catch {
    return setTimeout(again, SLOW);
  }
  if (!answer.ok) return setTimeout(again, SLOW);
  const page = new DOMParser().parseFromString(await answer.text(), "text/html");
  const fresh = page.querySelector("[data-look]");
  if (!fresh) {
    const { look } = document.querySelector("[data-look]").dataset;
    if (!look) return location.reload(); // what became of it is told by the page of the job
    document.cookie = "avenue_said=1; path=/; max-age=60; samesite=lax"; // said once: web/pages.py
    return location.replace(`${location.pathname}?said=${look}`);
  }
  const here = document.querySelector("[data-look]");
  if (here.innerHTML !== fresh.innerHTML) here.replaceChildren(...fresh.childNodes);
  return setTimeout(again, PAUSE);
}

setTimeout(again, PAUSE);
