"use strict";
// Numbers of the charts' data, and the colours of the theme.
const pg = {};

pg.unpack = (packed) => {
  const bytes = Uint8Array.from(atob(packed), (c) => c.charCodeAt(0));
  const view = new DataView(bytes.buffer);
  return Array.from({ length: bytes.length / 4 }, (_, n) => view.getFloat32(4 * n, true));
};

// What isn't finite is a text in the data ("inf", "nan").
pg.finite = (value) => (typeof value === "number" && Number.isFinite(value) ? value : null);

pg.short = (value) => {
  if (value === 0) return "0";
  const size = Math.abs(value);
  return size >= 1e-3 && size < 1e5 ? String(Number(value.toPrecision(3))) : value.toExponential(2).replace(/\.?0+e/, "e").replace("e+", "e");
};

pg.power = (exponent) => {
  const rounded = Math.round(exponent);
  return rounded >= -2 && rounded <= 3 ? String(Number((10 ** rounded).toPrecision(2))) : `1e${rounded}`;
};

pg.colour = (name) => getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim();

// Names come from files: long ones are cut, and nothing that controls text gets into a canvas.
pg.name = (text, most = 28) => {
  const clean = text.replace(/[\p{Cc}\p{Cf}]/gu, "\u25a1");
  return clean.length > most ? `${clean.slice(0, most - 1)}\u2026` : clean;
};
