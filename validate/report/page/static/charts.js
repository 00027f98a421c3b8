"use strict";
// Each function makes the options of one chart from its output's data.
pg.base = () => ({
  animation: false,
  textStyle: { color: pg.colour("text"), fontFamily: "system-ui, sans-serif" },
  grid: { left: 68, right: 28, top: 36, bottom: 48 },
  tooltip: { renderMode: "richText", confine: true, backgroundColor: pg.colour("panel"),
    borderColor: pg.colour("line"), textStyle: { color: pg.colour("text"), fontSize: 12 } },
  legend: { top: 0, textStyle: { color: pg.colour("text") }, itemWidth: 14, itemHeight: 10 },
});

pg.axis = (name, more) => ({
  name, nameLocation: "middle", nameGap: 28, nameTextStyle: { color: pg.colour("soft") },
  axisLine: { show: true, lineStyle: { color: pg.colour("line") } },
  axisLabel: { color: pg.colour("soft"), hideOverlap: true }, splitLine: { lineStyle: { color: pg.colour("line"), opacity: 0.5 } },
  ...more,
});

pg.charts = {};

// Error, allowance and floor of all outputs on one axis of powers of ten; the lines reach from 5 to 95 %.
pg.stripOutputs = (data) => data.outputs.filter((o) => o.allowance.length || o.error !== null || o.not_finite);
pg.stripHeight = (data) => 92 + 34 * pg.stripOutputs(data).length;

pg.charts.strip = (data) => {
  const outputs = pg.stripOutputs(data);
  const names = outputs.map((o) => pg.name(o.name));
  const logs = (o, key) => o[key].map(Math.log10);
  const series = (name, key, colour, symbol) => ({
    name, type: "scatter", symbol, symbolSize: 11, itemStyle: { color: colour },
    data: outputs.flatMap((o, n) => (o[key].length ? [[logs(o, key)[1], n]] : [])),
    markLine: { silent: true, symbol: "none", label: { show: false }, lineStyle: { color: colour, width: 4, type: "solid", opacity: 0.45 },
      data: outputs.flatMap((o, n) => (o[key].length ? [[{ coord: [logs(o, key)[0], n] }, { coord: [logs(o, key)[2], n] }]] : [])) },
  });
  const errors = outputs.flatMap((o, n) => (pg.finite(o.error) > 0 ? [[Math.log10(o.error), n]] : []));
  const all = [...errors.map((e) => e[0]), ...outputs.flatMap((o) => [...logs(o, "allowance"), ...logs(o, "floor")])];
  const low = Math.floor(Math.min(...(all.length ? all : [-1]))), high = Math.ceil(Math.max(...(all.length ? all : [0])));
  const equal = outputs.flatMap((o, n) => (o.error === 0 && !o.not_finite ? [[low - 1, n]] : []));
  const lost = outputs.flatMap((o, n) => (o.not_finite || (o.error !== null && pg.finite(o.error) === null) ? [[high + 1, n]] : []));
  const left = equal.length ? low - 2 : low, right = Math.max(lost.length ? high + 2 : high, left + 1);
  return { ...pg.base(),
    grid: { left: 12, right: 28, top: 36, bottom: 44, containLabel: true },
    tooltip: { ...pg.base().tooltip, formatter: (p) => ({ equal: "equal", "not finite": "not finite on one side" })[p.seriesName] ?? `${p.seriesName}: ${pg.short(10 ** p.value[0])}` },
    xAxis: pg.axis("absolute, in units of the output", { type: "value", min: left, max: right,
      interval: Math.max(1, Math.ceil((high - low) / 12)), axisLabel: { color: pg.colour("soft"), hideOverlap: true,
        formatter: (v) => (v < low - 1 || v > Math.max(high, low + 1) ? "" : v < low ? "0" : pg.power(v)) } }),
    yAxis: { type: "category", data: names, inverse: true, axisLabel: { color: pg.colour("text") },
      axisTick: { show: false }, axisLine: { show: false }, splitLine: { show: true, lineStyle: { color: pg.colour("line"), opacity: 0.5 } } },
    series: [series("noise floor", "floor", pg.colour("c3"), "rect"), series("allowance", "allowance", pg.colour("c1"), "roundRect"),
      { name: "greatest error", type: "scatter", symbol: "diamond", symbolSize: 15, itemStyle: { color: pg.colour("bad") }, data: errors },
      ...(equal.length ? [{ name: "equal", type: "scatter", symbol: "emptyCircle", symbolSize: 10, itemStyle: { color: pg.colour("pass") }, data: equal }] : []),
      ...(lost.length ? [{ name: "not finite", type: "scatter", symbol: "triangle", symbolSize: 14, itemStyle: { color: pg.colour("bad") }, data: lost }] : [])] };
};

// Counts of error / allowance, the share of elements at or beyond each ratio, the limit and the floor as lines.
pg.charts.histogram = (data, output) => {
  const h = output.histogram;
  const total = h.counts.reduce((a, b) => a + b, 0) + h.exact + h.unbounded;
  let left = total - h.exact;
  const bars = [], share = [];
  h.counts.forEach((count, n) => {
    const from = h.start + n * h.step;
    bars.push({ value: [from + h.step / 2, count], itemStyle: { color: from >= -1e-9 ? pg.colour("bad") : pg.colour("c1") } });
    share.push([from, (100 * left) / total]);
    left -= count;
  });
  const end = h.start + h.counts.length * h.step;
  share.push([end, (100 * left) / total]);
  const line = (at, text, colour) => ({ xAxis: at, lineStyle: { color: colour, type: "dashed", width: 1.5 },
    label: { formatter: text, color: colour, position: "end" } });
  const lines = [line(0, "limit", pg.colour("bad"))];
  const floor = pg.finite(h.floor) > 0 ? Math.log10(h.floor) : null;
  if (floor !== null) lines.push(line(floor, "floor", pg.colour("c3")));
  const low = Math.floor(Math.min(h.start, floor ?? 0) - 0.25), high = Math.ceil(Math.max(end, 0) + 0.25);
  return { ...pg.base(), grid: { left: 68, right: 58, top: 52, bottom: 48 },
    tooltip: { ...pg.base().tooltip, formatter: (p) => (p.seriesType === "bar"
      ? `${pg.short(10 ** (p.value[0] - h.step / 2))} to ${pg.short(10 ** (p.value[0] + h.step / 2))}: ${p.value[1].toLocaleString("en")}`
      : `${pg.short(10 ** p.value[0])} or more: ${p.value[1].toPrecision(3)} %`) },
    xAxis: pg.axis("error / allowance", { type: "value", min: low, max: high, minInterval: 1, interval: Math.max(1, Math.ceil((high - low) / 9)),
      axisLabel: { color: pg.colour("soft"), hideOverlap: true, formatter: pg.power } }),
    yAxis: [pg.axis("elements", { type: "log", logBase: 10, min: 0.5, startValue: 0.5, max: 10 ** Math.ceil(Math.log10(Math.max(10, ...h.counts))), nameGap: 48, axisLabel: { color: pg.colour("soft"), hideOverlap: true, formatter: (v) => (v < 1 ? "" : pg.power(Math.log10(v))) } }),
      pg.axis("share at or beyond", { type: "value", min: 0, max: 100, nameGap: 42, splitLine: { show: false }, axisLabel: { color: pg.colour("soft"), formatter: "{value} %" } })],
    series: [{ name: "elements", type: "bar", barWidth: "96%", barMaxWidth: 14, data: bars, itemStyle: { color: pg.colour("c1") },
      markLine: { symbol: "none", silent: true, data: lines } },
    { name: "share at or beyond", type: "line", yAxisIndex: 1, symbolSize: 3, step: false, data: share,
      lineStyle: { color: pg.colour("c2") }, itemStyle: { color: pg.colour("c2") } }] };
};

pg.charts.scatter = (data, output, chart) => {
  const s = output.scatter, want = pg.unpack(s.reference), off = pg.unpack(s.difference);
  const worst = s.worst.map((p) => ({ value: [pg.finite(p.reference), pg.finite(p.candidate)], index: p.index, sample: p.sample, error: p.error }));
  const points = want.map((x, n) => [x, x + off[n]]);
  const all = [...points.flat(), ...worst.flatMap((w) => w.value)].filter((v) => v !== null);
  let low = all.reduce((a, b) => Math.min(a, b)), high = all.reduce((a, b) => Math.max(a, b));
  if (s.density) { low = Math.min(low, s.density.low); high = Math.max(high, s.density.high); }
  const room = 0.05 * (high - low) || Math.abs(high) || 1;
  low -= room; high += room;
  pg.labelApart(worst, (value) => ((value - low) / (high - low)) * chart.getWidth(), (value) => ((value - low) / (high - low)) * chart.getHeight());
  const axis = (name, gap) => pg.axis(name, { type: "value", min: low, max: high, nameGap: gap, axisLabel: { color: pg.colour("soft"), hideOverlap: true, formatter: pg.short, showMinLabel: false, showMaxLabel: false } });
  const cells = s.density ? pg.densitySeries(s.density, chart, high - low) : [];
  return { ...pg.base(), grid: { left: 72, right: 34, top: 36, bottom: 48 },
    tooltip: { ...pg.base().tooltip, formatter: (p) => p.data.count ? `${p.data.count.toLocaleString("en")} elements`
      : `reference ${p.value[0]}\ncandidate ${p.value[1]}${p.data.index ? `\nsample ${p.data.sample}, [${p.data.index}], off by ${pg.short(p.data.error)}` : ""}` },
    xAxis: axis("reference", 28), yAxis: axis("candidate", 54),
    series: [...cells,
      { name: "equal", type: "line", symbol: "none", silent: true, data: [[low, low], [high, high]], lineStyle: { color: pg.colour("c3"), type: "dashed", width: 1 }, itemStyle: { color: pg.colour("c3") } },
      { name: "elements", type: "scatter", symbolSize: 4, data: points, itemStyle: { color: pg.colour("c1"), opacity: 0.6 } },
      ...(worst.length ? [{ name: "worst", type: "scatter", symbol: "diamond", symbolSize: 11, data: worst, itemStyle: { color: pg.colour("bad") },
        label: { show: true, color: pg.colour("text"), fontSize: 11, formatter: (p) => `sample ${p.data.sample} [${p.data.index}]` } }] : [])] };
};

// The worst first; one that would cover another's label goes without: the table has all of them.
pg.labelApart = (worst, x, y) => {
  const placed = [];
  for (const each of worst) {
    const [left, top] = [x(each.value[0]), y(each.value[1])];
    const apart = placed.every(([l, t]) => Math.abs(l - left) > 130 || Math.abs(t - top) > 18);
    if (apart) placed.push([left, top]);
    each.label = { show: apart, position: left > 250 ? "left" : "right" };
  }
};

// Rectangles as large as a cell on the screen: the common build has no heat map of its own.
pg.densitySeries = (density, chart, span) => {
  const size = (density.high - density.low) / density.bins;
  const most = Math.log(1 + Math.max(...density.cells.map((c) => c[2])));
  const width = (Math.max(chart.getWidth() - 106, 50) * size) / span, height = (Math.max(chart.getHeight() - 84, 50) * size) / span;
  return [{ name: "density", type: "scatter", symbol: "rect", symbolSize: [width, height],
    itemStyle: { color: pg.colour("c1") },
    data: density.cells.map(([x, y, count]) => ({ value: [density.low + (x + 0.5) * size, density.low + (y + 0.5) * size], count,
      itemStyle: { color: `rgba(${pg.colour("heat")}, ${0.12 + (0.6 * Math.log(1 + count)) / most})` } })) }];
};

pg.charts.heat = (data, output, chart) => {
  const h = output.heat, values = pg.unpack(h.values);
  const most = values.reduce((a, b) => (b > a ? b : a), 0) || 1;
  const across = Math.max(chart.getWidth() - 106, 50) / h.columns, down = Math.max(chart.getHeight() - 84, 50) / h.rows;
  const scale = (cells, length) => (v) => (Number.isInteger(v) ? String(Math.round((v * length) / cells)) : "");
  return { ...pg.base(), legend: { show: false }, grid: { left: 72, right: 34, top: 36, bottom: 48 },
    title: { text: `full colour: ${pg.short(most)}`, right: 30, top: 4, textStyle: { fontSize: 11, fontWeight: "normal", color: pg.colour("soft") } },
    tooltip: { ...pg.base().tooltip, formatter: (p) => `[${p.data.place}]: ${Number.isNaN(p.data.error) ? "not finite" : pg.short(p.data.error)}` },
    xAxis: pg.axis(`axis ${h.axes[1]}`, { type: "value", min: 0, max: h.columns, splitLine: { show: false }, axisLabel: { color: pg.colour("soft"), formatter: scale(h.columns, h.lengths[1]) } }),
    yAxis: pg.axis(`axis ${h.axes[0]}`, { type: "value", min: 0, max: h.rows, inverse: true, nameGap: 44, splitLine: { show: false }, axisLabel: { color: pg.colour("soft"), formatter: scale(h.rows, h.lengths[0]) } }),
    series: [{ type: "scatter", symbol: "rect", progressive: 0, symbolSize: [across + 0.6, down + 0.6], silent: false,
      data: values.map((error, n) => ({ value: [(n % h.columns) + 0.5, Math.floor(n / h.columns) + 0.5], error,
        place: [Math.floor((Math.floor(n / h.columns) * h.lengths[0]) / h.rows), Math.floor(((n % h.columns) * h.lengths[1]) / h.columns)],
        itemStyle: { color: Number.isNaN(error) ? pg.colour("bad") : `rgba(${pg.colour("heat")}, ${(error / most).toFixed(3)})` } })) }] };
};

pg.charts.layers = (data) => {
  const used = data.layers.map((l) => ({ ...l, error: pg.finite(l.error), allowed: pg.finite(l.allowed) }));
  const values = used.flatMap((l) => [l.error, l.allowed]).filter((v) => v > 1e-30);
  if (!values.length) values.push(1);
  const low = Math.floor(Math.log10(Math.min(...values))) - 1, high = Math.max(Math.ceil(Math.log10(Math.max(...values))), low + 1);
  const top = used.some((l) => l.error === null) ? high + 1 : high;
  const log = (v) => (v > 1e-30 ? Math.log10(v) : low);
  const told = (v) => (v === null ? "not finite" : pg.short(v));
  const first = used.findIndex((l) => l.tensor === data.first);
  return { ...pg.base(), grid: { left: 76, right: 28, top: 52, bottom: used.length > 8 ? 92 : 36 },
    tooltip: { ...pg.base().tooltip, trigger: "axis", formatter: (ps) => `${pg.name(used[ps[0].dataIndex].tensor, 60)}\nerror ${told(used[ps[0].dataIndex].error)}\nexplained ${told(used[ps[0].dataIndex].allowed)}` },
    xAxis: { type: "category", data: used.map((l) => pg.name(l.layer || l.tensor, 16)), axisLabel: { color: pg.colour("soft"), rotate: used.length > 8 ? 45 : 0, hideOverlap: true }, axisLine: { lineStyle: { color: pg.colour("line") } } },
    yAxis: pg.axis("error", { type: "value", min: low, max: top, nameGap: 56, minInterval: 1, axisLabel: { color: pg.colour("soft"), formatter: (v) => (v <= low ? "0" : v > high ? "not finite" : pg.power(v)) } }),
    series: [{ name: "error", type: "line", symbolSize: 8, data: used.map((l) => ({ value: l.error === null ? top : log(l.error), itemStyle: { color: l.agrees ? pg.colour("c1") : pg.colour("bad") } })), lineStyle: { color: pg.colour("c3") }, itemStyle: { color: pg.colour("bad") },
      markLine: first < 0 ? undefined : { symbol: "none", silent: true, label: { formatter: "first unexplained", color: pg.colour("bad") }, lineStyle: { color: pg.colour("bad"), type: "dashed" }, data: [{ xAxis: first }] } },
    { name: "explained by rounding", type: "line", symbol: "none", data: used.map((l) => (l.allowed === null ? null : log(l.allowed))), lineStyle: { color: pg.colour("c1"), type: "dashed" }, itemStyle: { color: pg.colour("c1") } }] };
};

pg.charts.margins = (data, output) => {
  const f = output.flips, margins = pg.unpack(f.margins), errors = pg.unpack(f.errors);
  const ties = new Set(f.ties), flipped = new Set(f.flipped);
  const kinds = { "same class": [], "flipped at a tie": [], flipped: [] };
  margins.forEach((m, n) => kinds[ties.has(n) ? "flipped at a tie" : flipped.has(n) ? "flipped" : "same class"].push([m, errors[n]]));
  const colours = { "same class": "c1", "flipped at a tie": "c2", flipped: "bad" };
  return { ...pg.base(),
    tooltip: { ...pg.base().tooltip, formatter: (p) => `margin ${pg.short(p.value[0])}\nerror ${pg.short(p.value[1])}` },
    xAxis: pg.axis("margin of the reference (best less second)", { type: "value", axisLabel: { color: pg.colour("soft"), formatter: pg.short } }),
    yAxis: pg.axis("greatest error of the row", { type: "value", nameGap: 52, axisLabel: { color: pg.colour("soft"), formatter: pg.short } }),
    series: Object.entries(kinds).map(([name, points]) => ({ name, type: "scatter", symbolSize: 7, data: points, itemStyle: { color: pg.colour(colours[name]), opacity: 0.75 } })) };
};
