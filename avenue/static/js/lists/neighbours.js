// The way from one product of a list to the next, in the order of the list one came from. A list says
// what it shows; the page of one of these leads to those beside it, and back to where one was.
const KEPT = "avenue.products";
const back = document.querySelector("[data-back]");

function kept() {
  try {
    return JSON.parse(sessionStorage.getItem(KEPT)) ?? {};
  } catch {
    return {}; // no storage here
  }
}

if (back) {
  const { ids = [], href = "" } = kept();
  const at = ids.indexOf(location.pathname.split("/").pop());
  if (at >= 0) {
    if (href.startsWith("/admin/products")) back.href = href;
    for (const [rel, id] of [["prev", ids[at - 1]], ["next", ids[at + 1]]]) {
      const link = document.querySelector(`.neighbours [rel=${rel}]`);
      if (link && id) Object.assign(link, { href: `/admin/products/${id}`, hidden: false });
    }
  }
} else {
  const ids = [...document.querySelectorAll("[data-product]")].map((each) => each.dataset.product);
  try {
    sessionStorage.setItem(KEPT, JSON.stringify({ ids, href: location.pathname + location.search }));
  } catch {
    // no storage here
  }
}
