// Lists: the selection survives paging, sorting and filtering (kept per page and tab); forms cannot be sent twice.
"use strict";
(() => {
  const keyOf = (form) => `prewatt.chosen:${form.dataset.path}#${form.dataset.list}`;
  const read = (form) => new Set(JSON.parse(sessionStorage.getItem(keyOf(form)) || "[]"));
  const write = (form, chosen) => sessionStorage.setItem(keyOf(form), JSON.stringify([...chosen]));

  function show(form) {
    const card = document.getElementById(form.dataset.list);
    const chosen = read(form);
    const all = form.elements.all.value;
    const boxes = [...card.querySelectorAll("input[data-row]")];
    boxes.forEach((box) => { box.checked = Boolean(all) || chosen.has(box.dataset.row); });
    const head = card.querySelector("input[data-all-rows]");
    if (head) {
      const ticked = boxes.filter((box) => box.checked).length;
      head.checked = boxes.length > 0 && ticked === boxes.length;
      head.indeterminate = ticked > 0 && ticked < boxes.length;
    }
    const count = all ? Number(all) : chosen.size;
    form.querySelector("[data-chosen]").textContent = count.toLocaleString("en");
    form.elements.ids.value = [...chosen].join(",");
    form.hidden = count === 0;
  }

  function formOf(element) {
    const card = element.closest(".l-card");
    return card && card.querySelector("form.l-selection");
  }

  document.addEventListener("change", (event) => {
    const box = event.target;
    if (box.matches && box.matches("select.l-filter")) box.classList.toggle("l-on", box.value !== "");
    if (!box.matches || !box.matches("input[data-row], input[data-all-rows]")) return;
    event.stopPropagation();
    const form = formOf(box);
    const chosen = read(form);
    const card = document.getElementById(form.dataset.list);
    if (form.elements.all.value) { // one row taken out of "all": what stays is this page's rest
      form.elements.all.value = "";
      card.querySelectorAll("input[data-row]").forEach((each) => { if (each !== box) chosen.add(each.dataset.row); });
    }
    const boxes = box.dataset.row ? [box] : [...card.querySelectorAll("input[data-row]")];
    boxes.forEach((each) => { if (box.checked) chosen.add(each.dataset.row); else chosen.delete(each.dataset.row); });
    write(form, chosen);
    show(form);
  }, true);

  // A click anywhere on a row opens it, unless it meant something else: a link, a box, marking text to copy.
  document.addEventListener("click", (event) => {
    const row = event.target.closest(".l-opens > tbody > tr");
    if (!row || event.defaultPrevented || event.target.closest("a, button, input, label, select, summary")) return;
    if (event.target.closest(".l-tick")) { row.querySelector("input[data-row]").click(); return; }
    if (String(window.getSelection())) return;
    const link = row.querySelector(".l-open");
    if (event.ctrlKey || event.metaKey) window.open(link.href); else link.click();
  });

  document.addEventListener("click", (event) => {
    const button = event.target.closest("[data-choose-all], [data-choose-none], [data-copy]");
    if (!button) return;
    if (button.dataset.copy !== undefined) {
      const text = document.getElementById(button.dataset.copy).textContent.trim();
      navigator.clipboard?.writeText(text).then(() => { button.classList.add("btn-success"); });
      return;
    }
    const form = formOf(button);
    form.elements.all.value = button.dataset.chooseAll || "";
    if (button.dataset.chooseNone !== undefined) write(form, new Set());
    show(form);
  });

  // A second click, or Enter held down, sends nothing: the first is under way. (The server would see it is the same.)
  document.addEventListener("submit", (event) => {
    const form = event.target;
    if (form.method !== "post" || form.hasAttribute("hx-post")) return;
    if (form.dataset.sent) { event.preventDefault(); return; }
    if (form.matches(".l-selection")) {
      form.elements.key.value = crypto.randomUUID ? crypto.randomUUID() : `${Date.now()}-${performance.now()}`;
      write(form, new Set());
    }
    form.dataset.sent = "1";
    form.querySelectorAll("button:not([type=button])").forEach((button) => button.setAttribute("aria-disabled", "true"));
  });

  // Empty filters do not belong into an address that people keep and share.
  document.addEventListener("htmx:configRequest", (event) => {
    if (!event.target.matches(".l-bar")) return;
    const parameters = event.detail.parameters;
    for (const name of Object.keys(parameters)) if (parameters[name] === "") delete parameters[name];
  });

  const ready = () => document.querySelectorAll("form.l-selection").forEach(show);
  window.addEventListener("pageshow", () => { // back from the next page: forms work again
    document.querySelectorAll("form[data-sent]").forEach((form) => { delete form.dataset.sent; });
    ready();
  });
  document.addEventListener("htmx:afterSettle", ready);
})();
