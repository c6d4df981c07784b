// Says so when the server does not answer, and when it does again. A page that polls notices by itself.
"use strict";
(() => {
  const banner = document.getElementById("lost");
  let lastGood = window.prewatt.now();
  let failures = 0;

  const show = (lost) => {
    if (!banner) return;
    document.body.classList.toggle("is-lost", lost);
    if (lost && banner.hidden) {
      const since = new Date(lastGood);
      banner.querySelector("[data-lost]").textContent = since.toLocaleTimeString(
        window.prewatt.english ? "en-GB" : "zh-CN", { timeZone: "Asia/Shanghai", hour12: false });
    }
    banner.hidden = !lost;
  };
  const good = () => {
    failures = 0;
    lastGood = window.prewatt.now();
    show(false);
  };
  const bad = () => {
    failures += 1;
    if (failures >= 2 || !navigator.onLine) show(true);
  };

  document.addEventListener("htmx:afterRequest", (event) => {
    const status = event.detail.xhr ? event.detail.xhr.status : 0;
    if (status === 0 || status >= 500) bad();
    else good();
  });
  // a page that nobody looks at asks for nothing
  document.addEventListener("htmx:beforeRequest", (event) => {
    if (document.hidden && event.target.matches("[hx-trigger^='every']")) event.preventDefault();
  });
  window.addEventListener("offline", () => show(true));
  window.addEventListener("online", () => { failures = 0; });
})();
