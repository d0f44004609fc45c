// Numbers that update by themselves: the page is read anew now and then, and each part of it that
// is marked data-live and has changed takes the place of the old one. Without this all works, too.
(() => {
  "use strict";
  const every = 15000;
  const busy = (part) =>
    part.contains(document.activeElement) && document.activeElement !== document.body;

  async function update() {
    if (document.hidden) return;
    let page;
    try {
      const answer = await fetch(location.href, { credentials: "same-origin", cache: "no-store" });
      if (!answer.ok) return;
      page = new DOMParser().parseFromString(await answer.text(), "text/html");
    } catch {
      return; // the bridge starts again: the next time will do
    }
    for (const part of document.querySelectorAll("[data-live][id]")) {
      const fresh = page.getElementById(part.id);
      if (!fresh || fresh.innerHTML === part.innerHTML || busy(part)) continue;
      const open = [...part.querySelectorAll("details")].map((each) => each.open);
      part.replaceWith(document.importNode(fresh, true));
      const details = document.getElementById(part.id).querySelectorAll("details");
      details.forEach((each, at) => { each.open = open[at] ?? each.open; });
    }
  }

  if (document.querySelector("[data-live]")) {
    setInterval(update, every);
    document.addEventListener("visibilitychange", update);
  }
})();
