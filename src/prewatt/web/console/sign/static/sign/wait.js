// Counts down the wait after wrong passwords, then lets the person try again.
"use strict";
(() => {
  const form = document.querySelector("form[data-wait]");
  const button = form && form.querySelector("[data-go]");
  let left = form ? Number(form.dataset.wait) : 0;
  if (!left || !button) return;
  const ready = button.textContent;
  const step = () => {
    button.disabled = left > 0;
    button.textContent = left > 0 ? button.dataset.waitText.replace("{s}", left) : ready;
    if (left <= 0) {
      const problem = form.querySelector(".note--error");
      if (problem) problem.hidden = true;
      return;
    }
    left -= 1;
    setTimeout(step, 1000);
  };
  step();
})();
