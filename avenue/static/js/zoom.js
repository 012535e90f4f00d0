// The photos of a product over the whole window: swiped, moved by keys or buttons, and looked at closely.
// Without this the link of each leads to its large picture.
const NEAR = 2.5; // as `.near` of zoom.css
const STEP = 80;
const BY = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };

const links = [...document.querySelectorAll(".pictures a")];
const dialog = document.getElementById("zoom");
const [track, place, back, on, toggle] = dialog.querySelectorAll(".track, output, [data-act]");
let slides = []; // made when they are wanted first: a browser fetches their pictures at once
let at = 0;
let goal = -1; // where a button or key leads, until a touch: a swipe that still settles would pull it back

function slideOf(image) {
  const slide = Object.assign(document.createElement("div"), { className: "slide" });
  Object.assign(image, { loading: "lazy", draggable: false, sizes: sizesOf(image, 1) });
  for (const each of ["fetchpriority", "itemprop"]) image.removeAttribute(each);
  const shape = (wide, high) => high && image.style.setProperty("--ratio", wide / high);
  shape(image.getAttribute("width"), image.getAttribute("height"));
  image.addEventListener("load", () => shape(image.naturalWidth, image.naturalHeight));
  let moved = 0;
  slide.addEventListener("pointerdown", () => (moved = 0));
  slide.addEventListener("pointermove", ({ pointerType, buttons, movementX, movementY }) => {
    if (pointerType !== "mouse" || !buttons) return;
    slide.scrollBy(-movementX, -movementY);
    moved += Math.abs(movementX) + Math.abs(movementY);
  });
  image.addEventListener("click", ({ offsetX, offsetY }) => {
    if (moved < 5) look(!isNear(), offsetX / image.clientWidth, offsetY / image.clientHeight);
  });
  slide.append(image);
  return slide;
}

/** How wide a picture is shown that fits into the window, and is so much larger then. */
function sizesOf(image, times) {
  const [wide, high] = [image.getAttribute("width"), image.getAttribute("height")];
  return high ? `min(${100 * times}vw, ${Math.round((100 * times * wide) / high)}vh)` : `${100 * times}vw`;
}

function isNear() {
  return slides[at].classList.contains("near");
}

/** Show the picture larger, around the point at these shares of it, or whole again. */
function look(near, x = 0.5, y = 0.5) {
  const slide = slides[at], image = slide.firstChild;
  slide.classList.toggle("near", near);
  image.sizes = sizesOf(image, near ? NEAR : 1);
  slide.scrollTo(x * slide.scrollWidth - slide.clientWidth / 2, y * slide.scrollHeight - slide.clientHeight / 2);
  toggle.ariaPressed = String(near);
}

/** Say which picture is there. */
function tell(index) {
  if (isNear()) look(false);
  at = index;
  place.textContent = `${at + 1} / ${links.length}`;
}

/** Go there; behind the last is the first. */
function show(index) {
  tell((index + links.length) % links.length);
  if ("onscrollend" in window) goal = at;
  track.scrollLeft = slides[at].offsetLeft;
}

function inView() {
  return Math.round(track.scrollLeft / track.clientWidth);
}

track.addEventListener("scroll", () => {
  const index = inView();
  if (dialog.open && goal < 0 && index !== at && slides[index]) tell(index);
});
track.addEventListener("scrollend", () => {
  if (goal >= 0 && inView() !== goal) track.scrollLeft = slides[goal].offsetLeft;
});
for (const kind of ["touchstart", "pointerdown", "wheel"]) {
  track.addEventListener(kind, () => (goal = -1), { passive: true });
}
back.addEventListener("click", () => show(at - 1));
on.addEventListener("click", () => show(at + 1));
toggle.addEventListener("click", () => look(!isNear()));
dialog.addEventListener("keydown", (event) => {
  const { key, target } = event, by = BY[key];
  if (by && isNear()) slides[at].scrollBy(STEP * by[0], STEP * by[1]);
  else if (by?.[0]) show(at + by[0]);
  else if (key === "Home") show(0);
  else if (key === "End") show(links.length - 1);
  else if (key === "+" || key === "-") look(key === "+");
  else if (key === "Enter" && target === track) look(!isNear());
  else return;
  event.preventDefault();
});
dialog.addEventListener("close", () => {
  links[at].focus({ preventScroll: true });
  links[at].scrollIntoView({ block: "nearest", inline: "center" });
});

links.forEach((link, index) => link.addEventListener("click", (event) => {
  if (event.ctrlKey || event.metaKey || event.shiftKey || event.altKey) return; // for another tab
  event.preventDefault();
  if (!slides.length) {
    slides = links.map((each) => slideOf(each.querySelector("img").cloneNode()));
    track.append(...slides);
  }
  dialog.showModal();
  track.focus();
  show(index);
}));
