"use strict";
// The worst samples: images on canvases with a slider, longer rows as waveforms, short ones as bars.
pg.panel = (host, title, wide) => {
  const panel = document.createElement("div");
  panel.className = wide ? "panel wide" : "panel";
  const head = document.createElement("p");
  head.textContent = pg.name(title, 60);
  panel.append(head);
  host.append(panel);
  return panel;
};

pg.paint = (canvas, shape, colourOf) => {
  const [height, width, channels] = shape;
  canvas.width = width; canvas.height = height;
  const context = canvas.getContext("2d"), image = context.createImageData(width, height);
  for (let n = 0; n < width * height; n++) {
    const [r, g, b] = colourOf(n, channels);
    image.data.set([r, g, b, 255], 4 * n);
  }
  context.putImageData(image, 0, 0);
};

pg.image = (host, title, shape) => {
  const canvas = document.createElement("canvas");
  const scale = Math.max(1, Math.floor(200 / Math.max(shape[0], shape[1])));
  canvas.style.width = `${shape[1] * scale}px`; canvas.style.height = `${shape[0] * scale}px`;
  canvas.setAttribute("role", "img"); canvas.setAttribute("aria-label", title);
  pg.panel(host, title, false).append(canvas);
  return canvas;
};

// Both sides on one scale, so that equal values have equal colours.
// What isn't finite is red.
pg.scaled = (values, low, high) => (n, channels) => {
  const used = values.slice(n * channels, n * channels + (channels < 3 ? 1 : 3));
  if (!used.every(Number.isFinite)) return [255, 0, 64];
  const at = (c) => Math.max(0, Math.min(255, (255 * (values[n * channels + Math.min(c, channels - 1)] - low)) / (high - low || 1)));
  return channels < 3 ? [at(0), at(0), at(0)] : [at(0), at(1), at(2)];
};

pg.bounds = (...arrays) => {
  const finite = arrays.flat().filter(Number.isFinite);
  return [finite.reduce((a, b) => Math.min(a, b), Infinity), finite.reduce((a, b) => Math.max(a, b), -Infinity)];
};

pg.plot = (host, title, lines, charts, start = 0) => {
  const panel = pg.panel(host, title, true), box = document.createElement("div");
  box.className = "plot"; panel.append(box);
  const chart = echarts.init(box), short = lines[0].values.length <= 32;
  chart.setOption({ ...pg.base(), legend: { ...pg.base().legend, show: lines.length > 1 }, grid: { left: 68, right: 20, top: 28, bottom: 28 },
    xAxis: { type: "category", data: lines[0].values.map((_, n) => n + start), axisLabel: { color: pg.colour("soft") } },
    yAxis: pg.axis("", { type: "value", scale: true, axisLabel: { color: pg.colour("soft"), hideOverlap: true, formatter: pg.short } }),
    series: lines.map((line) => ({ name: line.name, type: short ? "bar" : "line", symbol: "none", data: line.values.map((v) => (Number.isFinite(v) ? v : null)),
      lineStyle: { width: 1.2, color: pg.colour(line.colour), type: line.colour === "c2" ? "dashed" : "solid" }, itemStyle: { color: pg.colour(line.colour) } })) });
  charts.push(chart);
};

pg.drawSample = (host, sample) => {
  const charts = [], panels = document.createElement("div");
  panels.className = "panels"; host.replaceChildren(panels);
  for (const input of sample.inputs) {
    const values = pg.unpack(input.values);
    if (input.look === "image") pg.paint(pg.image(panels, `input ${input.name}`, input.kept), input.kept, pg.scaled(values, ...pg.bounds(values)));
    else pg.plot(panels, `input ${input.name}`, [{ name: input.name, values, colour: "c3" }], charts);
  }
  const want = pg.unpack(sample.reference.values), got = pg.unpack(sample.candidate.values), off = want.map((v, n) => got[n] - v);
  if (sample.reference.look === "image") pg.drawImages(panels, sample.reference.kept, want, got, off);
  else {
    pg.plot(panels, "outputs", [{ name: "reference", values: want, colour: "c1" }, { name: "candidate", values: got, colour: "c2" }], charts, sample.reference.start);
    pg.plot(panels, `candidate less reference${pg.lost(off)}`, [{ name: "difference", values: off, colour: "bad" }], charts, sample.reference.start);
  }
  return charts;
};

pg.lost = (off) => {
  const count = off.filter((v) => !Number.isFinite(v)).length;
  return count ? ` (${count.toLocaleString("en")} not finite)` : "";
};

pg.drawImages = (host, shape, want, got, off) => {
  const [low, high] = pg.bounds(want, got), most = Math.max(pg.bounds(off.map(Math.abs))[1], 0) || 1;
  pg.paint(pg.image(host, "reference", shape), shape, pg.scaled(want, low, high));
  pg.paint(pg.image(host, "candidate", shape), shape, pg.scaled(got, low, high));
  pg.paint(pg.image(host, `difference, bright is ${pg.short(most)}${pg.lost(off)}`, shape), shape, pg.scaled(off.map(Math.abs), 0, most));
  const wipe = pg.image(host, "slider: reference left, candidate right", shape);
  const label = document.createElement("label"), range = document.createElement("input");
  label.className = "slider"; label.textContent = "reference to candidate";
  Object.assign(range, { type: "range", min: 0, max: shape[1], value: Math.floor(shape[1] / 2) });
  const draw = () => {
    const left = pg.scaled(want, low, high), right = pg.scaled(got, low, high);
    pg.paint(wipe, shape, (n, channels) => (n % shape[1] < range.value ? left : right)(n, channels));
  };
  range.addEventListener("input", draw); label.append(range); host.append(label); draw();
};
