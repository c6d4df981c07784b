// Holds the list of frames still while somebody reads it.
"use strict";
(() => {
  const button = document.querySelector("[data-pause]");
  if (!button) return;
  const word = button.querySelector("span");
  const pause = word.textContent;
  let paused = false;
  button.addEventListener("click", () => {
    paused = !paused;
    word.textContent = paused ? button.dataset.goOn : pause;
    button.querySelector(".ti").className = `ti ti-player-${paused ? "play" : "pause"}`;
  });
  document.addEventListener("htmx:beforeRequest", (event) => {
    if (paused && event.target.id === "frames") event.preventDefault();
  });
})();
