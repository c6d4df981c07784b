// Printing: the server marks the paper as original or copy and logs it; only then the printer's dialogue opens.
"use strict";
(() => {
  const form = () => document.querySelector("[data-paper]");

  // A roll is as long as what stands on it: the page's height follows the slip.
  function fitRoll() {
    const slip = document.getElementById("slip");
    const sheet = document.getElementById("sheet").sheet;
    if (!slip.classList.contains("slip--80") || !sheet) return;
    const millimetres = Math.ceil(slip.getBoundingClientRect().height / 96 * 25.4) + 4;
    [...sheet.cssRules].forEach((rule, place) => { if (rule instanceof CSSPageRule) sheet.deleteRule(place); });
    sheet.insertRule(`@page { size: 80mm ${millimetres}mm; margin: 0; }`, 0);
  }

  document.addEventListener("htmx:afterSettle", (event) => {
    const slip = document.querySelector("#slip.is-released:not([data-printed])");
    if (event.target.id !== "slip-area" || !slip) return; // htmx tells of it twice: print once, and only what is released
    slip.dataset.printed = "1";
    fitRoll();
    window.print();
  });

  window.addEventListener("afterprint", () => {
    const back = document.querySelector("[data-back]");
    if (form() && form().hasAttribute("data-at-once")) window.location.assign(back.href);
    else if (back) back.focus();
  });

  document.addEventListener("DOMContentLoaded", () => {
    fitRoll();
    if (form() && form().hasAttribute("data-at-once")) form().querySelector("button").click();
  });
})();
