// Charts of a unit: today's power, energy by day. Drawn again when a tab is put into the page.
"use strict";
(() => {
  const css = getComputedStyle(document.documentElement);
  const colour = (name) => css.getPropertyValue(name).trim();
  const font = { fontFamily: css.getPropertyValue("--sans"), color: colour("--ink-3"), fontSize: 12 };
  const living = new Set();
  const base = () => ({
    animation: false,
    textStyle: font,
    grid: { left: 8, right: 14, top: 30, bottom: 4, containLabel: true },
    tooltip: {
      trigger: "axis", renderMode: "richText", backgroundColor: colour("--rail"), borderWidth: 0, padding: [7, 11],
      textStyle: { color: "#fff", fontSize: 13, fontFamily: font.fontFamily },
    },
  });
  const valueAxis = (name) => ({
    type: "value", name, nameTextStyle: { ...font, align: "right" }, axisLabel: font, axisLine: { show: false },
    splitLine: { lineStyle: { color: colour("--line") } },
  });
  const two = (number) => number.toLocaleString("en-US", { minimumFractionDigits: 2, maximumFractionDigits: 2 });
  const clock = (minutes) =>
    `${String(Math.floor(minutes / 60)).padStart(2, "0")}:${String(Math.floor(minutes % 60)).padStart(2, "0")}`;

  const makers = {
    power: (data, word) => ({
      ...base(),
      xAxis: {
        type: "value", min: 0, max: 1440, interval: 240, axisLabel: { ...font, formatter: clock },
        axisLine: { lineStyle: { color: colour("--line-2") } }, splitLine: { show: false }, axisTick: { show: false },
      },
      yAxis: valueAxis("kW"),
      tooltip: {
        ...base().tooltip,
        formatter: (points) => `${clock(points[0].value[0])}   ${word} ${two(points[0].value[1])} kW`,
      },
      series: [{
        type: "line", showSymbol: data.points.length < 3, symbolSize: 6, smooth: 0.25, smoothMonotone: "x", lineStyle: { width: 2.2 }, color: colour("--accent"),
        areaStyle: { color: colour("--accent"), opacity: 0.12 },
        data: data.points.map(([ts, kilowatts]) => [(ts - data.midnight) / 60, kilowatts]),
      }],
    }),
    daily: (data, word) => ({
      ...base(),
      xAxis: {
        type: "category", data: data.days, axisLabel: font, axisTick: { show: false },
        axisLine: { lineStyle: { color: colour("--line-2") } },
      },
      yAxis: valueAxis("kWh"),
      tooltip: {
        ...base().tooltip, axisPointer: { type: "shadow" },
        formatter: (points) => `${points[0].name}   ${word} ${two(points[0].value)} kWh`,
      },
      series: [{
        type: "bar", barMaxWidth: 22, barCategoryGap: "35%",
        data: data.kwh.map((value, place) => ({
          value, itemStyle: { color: colour("--accent"), opacity: place === data.kwh.length - 1 ? 0.45 : 1, borderRadius: [3, 3, 0, 0] },
        })),
      }],
    }),
  };

  const draw = (root) => {
    if (!window.echarts) return;
    for (const chart of living) {
      if (!chart.getDom().isConnected) {
        chart.dispose();
        living.delete(chart);
      }
    }
    root.querySelectorAll("[data-chart]").forEach((place) => {
      const source = document.getElementById(place.dataset.from);
      if (!source || window.echarts.getInstanceByDom(place)) return;
      const chart = window.echarts.init(place);
      chart.setOption(makers[place.dataset.chart](JSON.parse(source.textContent), place.dataset.word));
      living.add(chart);
    });
  };
  document.addEventListener("htmx:afterSettle", (event) => {
    if (event.target.id !== "panel") return;
    const chosen = new URLSearchParams(location.search).get("tab") || "power";
    document.querySelectorAll("[data-tab]").forEach((tab) => {
      const current = tab.dataset.tab === chosen;
      tab.classList.toggle("is-current", current);
      if (current) tab.setAttribute("aria-current", "page");
      else tab.removeAttribute("aria-current");
    });
    draw(event.target);
  });
  window.addEventListener("resize", () => living.forEach((chart) => chart.resize()));
  draw(document);
})();
