"use strict";
// Figures are drawn when they come into view, again when their size or the theme changes.
pg.drawn = new Map();

pg.dataOf = (figure) => {
  const body = figure.closest(".body");
  if (!body.chartData) {
    const block = body.querySelector("script.data");
    body.chartData = block ? JSON.parse(block.textContent) : null;
  }
  return body.chartData;
};

pg.draw = (figure) => {
  const data = typeof echarts === "undefined" ? null : pg.dataOf(figure);
  const { kind, output, item } = figure.dataset;
  if (!data || kind === "table") return;
  for (const chart of pg.drawn.get(figure) ?? []) chart.dispose();
  const host = figure.querySelector(".canvas");
  if (kind === "sample") {
    host.setAttribute("role", "group");
    pg.drawn.set(figure, pg.drawSample(host, data.outputs[output].samples[item]));
    return;
  }
  if (kind === "strip") host.style.height = `${pg.stripHeight(data)}px`;
  const chart = echarts.init(host);
  chart.setOption(pg.charts[kind](data, data.outputs[output], chart));
  pg.drawn.set(figure, [chart]);
};

pg.inView = new IntersectionObserver((seen) => {
  for (const { target, isIntersecting } of seen) {
    if (isIntersecting && !pg.drawn.has(target)) pg.draw(target);
  }
}, { rootMargin: "300px" });

pg.prepare = (root) => root.querySelectorAll("figure.chart").forEach((figure) => pg.inView.observe(figure));
// What is folded has no size to be drawn in: it is drawn anew when it is seen again.
pg.forget = (figure) => {
  for (const chart of pg.drawn.get(figure) ?? []) chart.dispose();
  pg.drawn.delete(figure);
  pg.inView.unobserve(figure);
  pg.inView.observe(figure);
};
pg.redraw = () => [...pg.drawn.keys()].forEach((figure) => (figure.checkVisibility() ? pg.draw(figure) : pg.forget(figure)));
pg.prepare(document);

let resizing = 0;
addEventListener("resize", () => { clearTimeout(resizing); resizing = setTimeout(pg.redraw, 150); });
// Paper is white, whatever the screen is.
addEventListener("beforeprint", () => {
  const root = document.documentElement;
  pg.onScreen = root.dataset.theme;
  root.dataset.theme = "light";
  pg.redraw();
  document.querySelectorAll(".entry .body figure.chart").forEach((figure) => pg.drawn.has(figure) || !figure.checkVisibility() || pg.draw(figure));
});
addEventListener("afterprint", () => {
  if (pg.onScreen) document.documentElement.dataset.theme = pg.onScreen; else delete document.documentElement.dataset.theme;
  pg.redraw();
});
