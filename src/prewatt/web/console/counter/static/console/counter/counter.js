// The counter by keyboard: arrows and Enter choose a customer, Enter sells once, letters with a <kbd> press their button.
"use strict";
(() => {
  const search = () => document.querySelector("[data-customer-search]");
  const hits = () => [...document.querySelectorAll("#ct-found .ct-hit")];
  const typing = (element) => element && /^(INPUT|TEXTAREA|SELECT)$/.test(element.tagName) && element.type !== "radio" && element.type !== "checkbox";

  function pick(next) {
    hits().forEach((hit) => {
      const here = hit === next;
      hit.classList.toggle("is-picked", here);
      hit.setAttribute("aria-selected", String(here));
    });
    search().querySelector("input").setAttribute("aria-activedescendant", next ? next.id : "");
    if (next) next.scrollIntoView({ block: "nearest" });
  }

  function walk(event) {
    const found = hits();
    if (!found.length) return;
    event.preventDefault();
    const at = found.findIndex((hit) => hit.classList.contains("is-picked"));
    pick(found[(at + (event.key === "ArrowDown" ? 1 : -1) + found.length) % found.length]);
  }

  // Enter with the hits of exactly these words chooses; else the form goes to the server, which knows them all: a
  // scanner is faster than the list.
  function choose(event, input) {
    const shown = document.querySelector("#ct-found [data-words]");
    const picked = hits().find((hit) => hit.classList.contains("is-picked"));
    if (picked && shown && shown.dataset.words === input.value.trim()) {
      event.preventDefault();
      picked.click();
    } else if (!input.value.trim()) {
      event.preventDefault();
    }
  }

  document.addEventListener("keydown", (event) => {
    const input = event.target.closest && event.target.closest("[data-customer-search] input");
    if (input) {
      if (event.key === "ArrowDown" || event.key === "ArrowUp") walk(event);
      else if (event.key === "Enter") choose(event, input);
      else if (event.key === "/" && !input.value) event.preventDefault(); // pressed by habit: the cursor is here already
      else if (event.key === "Escape") { input.value = ""; clearHits(); }
      return;
    }
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.key === "Escape") {
      const anew = document.querySelector("[data-anew]");
      if (anew) { event.preventDefault(); anew.click(); }
      return;
    }
    if (typing(event.target)) return;
    const button = document.querySelector(`[data-hotkey="${CSS.escape(event.key.toLowerCase())}"]`);
    if (button) { event.preventDefault(); button.click(); }
  });

  function clearHits() {
    const found = document.getElementById("ct-found");
    if (found) found.replaceChildren();
    search()?.querySelector("input").setAttribute("aria-expanded", "false");
  }

  function firstFocus(root) {
    const amount = root.querySelector("[data-amount]");
    const wanted = root.querySelector("[aria-invalid]") || amount || root.querySelector("[data-first-focus]");
    if (wanted) {
      wanted.focus({ preventScroll: true });
      if (wanted.select) wanted.select();
    }
  }

  document.addEventListener("htmx:afterSettle", (event) => {
    if (event.target.id === "desk") {
      clearHits();
      const box = search();
      if (box) box.querySelector("input").value = "";
      firstFocus(event.target);
      event.target.scrollIntoView({ block: "nearest" });
    } else if (event.target.id === "ct-found") {
      const input = search().querySelector("input");
      input.setAttribute("aria-expanded", String(hits().length > 0));
      pick(hits()[0] || null);
    }
  });

  document.addEventListener("click", (event) => {
    const quick = event.target.closest("[data-quick]");
    if (quick) {
      const amount = document.getElementById("amount");
      amount.value = quick.dataset.quick;
      window.htmx.trigger(amount, "quote");
      amount.focus();
      amount.select();
      return;
    }
    if (!event.target.closest("[data-customer-search]")) clearHits();
  });

  document.addEventListener("input", (event) => { // what was wrong is being changed: the mark goes, the live line judges
    if (!event.target.matches("[data-amount]") || !event.target.hasAttribute("aria-invalid")) return;
    event.target.removeAttribute("aria-invalid");
    event.target.closest(".is-invalid")?.classList.remove("is-invalid");
    document.querySelector("[data-sale] > .ct-error")?.remove();
  });

  document.addEventListener("change", (event) => {
    if (event.target.matches("[data-submits]")) event.target.form.requestSubmit();
  });

  // Held Enter or a second click sends nothing more: the first is under way. The server would see it is the same sale.
  document.addEventListener("submit", (event) => {
    const form = event.target;
    if (!form.matches("[data-sale]")) return;
    if (form.dataset.sent) { event.preventDefault(); return; }
    const amount = form.querySelector("[data-amount]");
    if (amount && !amount.value.trim()) { event.preventDefault(); amount.focus(); return; }
    form.dataset.sent = "1";
    form.querySelector("[data-go]")?.setAttribute("aria-disabled", "true");
  });
  window.addEventListener("pageshow", () => {
    document.querySelectorAll("form[data-sent]").forEach((form) => {
      delete form.dataset.sent;
      form.querySelector("[data-go]")?.removeAttribute("aria-disabled");
    });
  });

  document.addEventListener("DOMContentLoaded", () => {
    const words = search()?.querySelector("input");
    if (words && words.value) { words.focus(); pick(hits()[0] || null); } else firstFocus(document);
  });
})();
