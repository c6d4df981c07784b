// Keyboard and menus of the frame: "/" goes to the search box, Escape closes, arrows walk through what was found.
"use strict";
(() => {
  const typing = (element) => element && (element.isContentEditable || /^(INPUT|TEXTAREA|SELECT)$/.test(element.tagName));
  const searchBox = () => document.querySelector("main [data-search]") || document.querySelector("[data-search]");

  document.addEventListener("keydown", (event) => {
    if (event.key === "/" && !typing(document.activeElement) && !event.ctrlKey && !event.metaKey) {
      const box = searchBox();
      if (box) {
        event.preventDefault();
        box.focus();
        box.select();
      }
    }
    if (event.key === "Escape") {
      document.querySelectorAll("details[data-menu][open]").forEach((menu) => menu.removeAttribute("open"));
      if (document.activeElement && document.activeElement.matches("[data-search]")) document.activeElement.blur();
    }
  });

  document.addEventListener("click", (event) => {
    document.querySelectorAll("details[data-menu][open]").forEach((menu) => {
      if (!menu.contains(event.target)) menu.removeAttribute("open");
    });
  });

  const form = document.querySelector("[data-find-form]");
  if (form) {
    form.addEventListener("keydown", (event) => {
      const links = [...form.querySelectorAll(".found a")];
      if (!links.length || !["ArrowDown", "ArrowUp", "Enter"].includes(event.key)) return;
      const at = links.findIndex((link) => link.classList.contains("is-picked"));
      if (event.key === "Enter") {
        if (at >= 0) {
          event.preventDefault();
          links[at].click();
        }
        return;
      }
      event.preventDefault();
      const next = (at + (event.key === "ArrowDown" ? 1 : -1) + links.length) % links.length;
      links.forEach((link, place) => link.classList.toggle("is-picked", place === next));
      links[next].scrollIntoView({ block: "nearest" });
    });
  }

  document.querySelectorAll(".tabs .is-current").forEach((tab) =>
    tab.scrollIntoView({ block: "nearest", inline: "center" }));

  document.addEventListener("click", (event) => {
    const row = event.target.closest("[data-print]");
    if (row) window.print();
  });
})();
