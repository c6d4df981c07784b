// Site time in the browser: it may run faster than the wall's. Keeps clocks and ages of readings up to date.
"use strict";
(() => {
  const body = document.body;
  const speed = Number(body.dataset.speed) || 1;
  let origin = Number(body.dataset.now) || Date.now();
  let began = performance.now();
  const english = body.dataset.lang === "en";
  const words = english
    ? { s: ["second", "seconds"], m: ["minute", "minutes"], h: ["hour", "hours"], d: ["day", "days"] }
    : { s: "秒前", m: "分钟前", h: "小时前", d: "天前" };

  const now = () => origin + (performance.now() - began) * speed;
  const set = (milliseconds) => {
    origin = milliseconds;
    began = performance.now();
  };
  const say = (count, unit) =>
    english ? `${count} ${words[unit][count === 1 ? 0 : 1]} ago` : `${count} ${words[unit]}`;
  const ago = (seconds) => {
    const whole = Math.max(0, Math.floor(seconds));
    if (whole < 60) return say(whole, "s");
    if (whole < 3600) return say(Math.floor(whole / 60), "m");
    if (whole < 86400) return say(Math.floor(whole / 3600), "h");
    return say(Math.floor(whole / 86400), "d");
  };
  const short = (seconds) => {
    const whole = Math.max(0, Math.floor(seconds));
    if (whole < 60) return english ? `${whole} s` : `${whole} 秒`;
    if (whole < 3600) return english ? `${Math.floor(whole / 60)} min` : `${Math.floor(whole / 60)} 分`;
    if (whole < 86400) return english ? `${Math.floor(whole / 3600)} h` : `${Math.floor(whole / 3600)} 时`;
    return english ? `${Math.floor(whole / 86400)} d` : `${Math.floor(whole / 86400)} 天`;
  };
  const STALE = 180; // seconds: the whole fleet is meant to be fresher than this

  const zone = new Intl.DateTimeFormat(english ? "en-GB" : "zh-CN", {
    timeZone: body.dataset.zone || "Asia/Shanghai", month: "2-digit", day: "2-digit", weekday: "short",
    hour: "2-digit", minute: "2-digit", second: "2-digit", hour12: false,
  });

  const write = (element, text) => {
    if (element.textContent !== text) element.textContent = text;
  };
  const tick = () => {
    if (document.hidden) return;
    const moment = now();
    document.querySelectorAll("[data-clock]").forEach((element) => write(element, zone.format(moment)));
    document.querySelectorAll("time.ago[data-at]").forEach((element) => {
      const age = moment / 1000 - Number(element.dataset.at);
      write(element, ago(age));
      if (element.hasAttribute("data-fresh")) element.classList.toggle("is-stale", age > STALE);
    });
  };

  window.prewatt = Object.assign(window.prewatt || {}, { now, set, ago, short, STALE, english });
  tick();
  setInterval(tick, 1000);
  document.addEventListener("htmx:afterSettle", tick);
})();
