// The wall in the browser: filter by state, search as one types, what a tile shows, numbers of the newest sweep, a peek.
"use strict";
(() => {
  const wall = document.getElementById("wall");
  if (!wall) return;
  const site = window.prewatt;
  const none = document.querySelector("[data-none]");
  const only = new Set((new URLSearchParams(location.search).get("only") || "").split(",").filter(Boolean));
  const all = () => wall.querySelectorAll(".tile");
  let wanted = "";

  // --- filter by state and search: classes on tiles, put back after each refresh
  const mark = () => {
    let shown = 0;
    wall.classList.toggle("is-filtered", only.size > 0);
    wall.classList.toggle("is-searched", wanted !== "");
    all().forEach((tile) => {
      const match = only.size === 0 || only.has(tile.dataset.state) || (only.has("held-on") && tile.classList.contains("is-held"));
      const found = wanted === "" || tile.textContent.toLowerCase().includes(wanted);
      tile.classList.toggle("is-match", match && only.size > 0);
      tile.classList.toggle("is-found", found && wanted !== "");
      if (match && found) shown += 1;
    });
    document.querySelectorAll("[data-only]").forEach((button) =>
      button.setAttribute("aria-pressed", String(only.has(button.dataset.only))));
    document.querySelectorAll(".legend [data-all]").forEach((button) => { button.hidden = only.size === 0; });
    if (none) none.hidden = shown > 0 || (only.size === 0 && wanted === "");
  };
  const remember = () => {
    const url = new URL(location.href);
    if (only.size) url.searchParams.set("only", [...only].join(","));
    else url.searchParams.delete("only");
    history.replaceState(null, "", url);
  };
  document.addEventListener("click", (event) => {
    const button = event.target.closest("[data-only], [data-all], [data-show]");
    if (!button || button === wall) return;
    if (button.dataset.only) {
      if (only.has(button.dataset.only)) only.delete(button.dataset.only);
      else only.add(button.dataset.only);
    } else if (button.hasAttribute("data-all")) {
      only.clear();
      wanted = "";
      const box = document.querySelector("[data-search]");
      if (box) box.value = "";
    } else {
      show(button.dataset.show);
      return;
    }
    remember();
    mark();
  });
  document.addEventListener("input", (event) => {
    if (!event.target.matches("[data-search]")) return;
    wanted = event.target.value.trim().toLowerCase();
    mark();
  });

  // --- what the last line of a tile says
  const show = (what) => {
    wall.dataset.show = what;
    document.querySelectorAll(".segments [data-show]").forEach((button) =>
      button.setAttribute("aria-checked", String(button.dataset.show === what)));
    try { localStorage.setItem("prewatt-wall-show", what); } catch { /* private window */ }
    ages();
  };

  // --- ages of readings
  const ages = () => {
    const moment = site.now() / 1000;
    const written = wall.dataset.show === "age";
    all().forEach((tile) => {
      const at = Number(tile.dataset.at);
      const age = moment - at;
      const living = tile.dataset.state !== "not-opened" && tile.dataset.state !== "out-of-contact";
      tile.classList.toggle("is-stale", living && at > 0 && age > site.STALE);
      if (written) tile.querySelector(".tile__age").textContent = at ? site.short(age) : "—";
    });
  };

  // --- numbers of the newest sweep, one line a tile: id|epoch|credit|power
  const numbers = () => {
    const beat = document.getElementById("beat");
    if (!beat) return;
    if (beat.dataset.now) site.set(Number(beat.dataset.now));
    (beat.dataset.numbers || "").split("\n").forEach((line) => {
      const [id, at, credit, power] = line.split("|");
      const tile = id && document.getElementById(`m${id}`);
      if (!tile) return;
      tile.dataset.at = at;
      const put = (name, text) => {
        const place = tile.querySelector(name);
        if (place.textContent !== text) place.textContent = text;
      };
      put(".tile__credit", credit);
      tile.querySelector(".tile__credit").classList.toggle("is-long", credit.length > 9);
      put(".tile__power", power);
    });
  };

  // --- a closer look at the tile under the pointer
  const peek = document.createElement("div");
  peek.className = "peek";
  peek.hidden = true;
  document.body.append(peek);
  const row = (name, value) => {
    const line = document.createElement("p");
    const text = document.createElement("em");
    text.textContent = value;
    line.append(name, text);
    return line;
  };
  const look = (tile) => {
    const text = (name) => (tile.querySelector(name) || {}).textContent || "";
    const title = document.createElement("b");
    const who = text(".tile__who");
    title.textContent = who ? `${text("b")}  ${who}` : text("b");
    const labels = site.english ? ["state", "credit", "power", "read"] : ["状态", "余额", "功率", "抄表"];
    const at = Number(tile.dataset.at);
    const rows = [row(labels[0], text(".tile__word"))];
    if (text(".tile__credit")) rows.push(row(labels[1], text(".tile__credit")));
    if (text(".tile__power")) rows.push(row(labels[2], text(".tile__power")));
    rows.push(row(labels[3], at ? site.ago(site.now() / 1000 - at) : "—"));
    peek.replaceChildren(title, ...rows);
    peek.hidden = false;
    const box = tile.getBoundingClientRect();
    const size = peek.getBoundingClientRect();
    const left = Math.min(Math.max(8, box.left + box.width / 2 - size.width / 2), innerWidth - size.width - 8);
    const below = box.bottom + 8 + size.height < innerHeight;
    peek.style.left = `${left}px`;
    peek.style.top = `${below ? box.bottom + 8 : box.top - size.height - 8}px`;
  };
  if (matchMedia("(hover: hover)").matches) {
    wall.addEventListener("pointerover", (event) => {
      const tile = event.target.closest(".tile");
      if (tile) look(tile);
    });
    wall.addEventListener("pointerleave", () => { peek.hidden = true; });
    wall.addEventListener("pointerout", (event) => {
      if (!event.relatedTarget || !event.relatedTarget.closest || !event.relatedTarget.closest(".tile")) peek.hidden = true;
    });
  }
  wall.addEventListener("focusin", (event) => event.target.matches(".tile") && look(event.target));
  wall.addEventListener("focusout", () => { peek.hidden = true; });

  document.addEventListener("htmx:afterSettle", (event) => {
    if (event.target.id !== "beat" && event.detail.elt.id !== "beat") return;
    numbers();
    mark();
    ages();
  });
  let kept = "credit";
  try { kept = localStorage.getItem("prewatt-wall-show") || kept; } catch { /* private window */ }
  show(kept);
  mark();
  setInterval(() => { if (!document.hidden) ages(); }, 1000);
})();
