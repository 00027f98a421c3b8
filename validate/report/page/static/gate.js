"use strict";
// A gate: filter and search, kept in the address; folded results are built when they are opened.
pg.entries = [...document.querySelectorAll("details.entry")];

pg.build = (entry) => {
  const template = entry.querySelector(":scope > template");
  if (!template) return;
  template.replaceWith(template.content.cloneNode(true));
  pg.prepare(entry);
};
for (const entry of pg.entries) entry.addEventListener("toggle", () => { if (entry.open) pg.build(entry); });

pg.state = () => new URLSearchParams(location.hash.slice(1));
pg.setState = (changes) => {
  const state = pg.state();
  for (const [name, value] of Object.entries(changes)) value ? state.set(name, value) : state.delete(name);
  history.replaceState(null, "", `#${state}`);
  pg.apply();
};

pg.reveal = (entry) => {
  entry.hidden = false; entry.open = true; pg.build(entry);
  entry.scrollIntoView();
  entry.querySelector("summary").focus({ preventScroll: true });
};

pg.apply = () => {
  const status = pg.state().get("status") ?? "", words = (pg.state().get("q") ?? "").toLowerCase();
  const fits = new Map(pg.entries.map((entry) => [entry.id, (!status || entry.dataset.status === status) && entry.dataset.name.toLowerCase().includes(words)]));
  for (const entry of pg.entries) entry.hidden = !fits.get(entry.id);
  for (const row of document.querySelectorAll(".matrix tbody tr")) {
    row.hidden = ![...row.querySelectorAll("a.cell")].some((cell) => fits.get(`entry-${cell.dataset.entry}`));
  }
  for (const button of document.querySelectorAll("#filter button")) button.setAttribute("aria-pressed", String(button.dataset.status === status));
  const search = document.getElementById("search");
  if (search.value.toLowerCase() !== words) search.value = pg.state().get("q") ?? "";
  document.getElementById("shown").textContent = `${[...fits.values()].filter(Boolean).length} of ${pg.entries.length} shown`;
};

if (document.getElementById("filter")) {
  document.getElementById("filter").hidden = false;
  document.getElementById("filter").addEventListener("submit", (event) => event.preventDefault());
  document.querySelectorAll("#filter button").forEach((button) => button.addEventListener("click", () => pg.setState({ status: button.dataset.status })));
  document.getElementById("search").addEventListener("input", (event) => pg.setState({ q: event.target.value }));
  document.querySelectorAll("a.cell").forEach((cell) => cell.addEventListener("click", (event) => {
    event.preventDefault();
    pg.setState({ entry: cell.dataset.entry });
    pg.reveal(document.getElementById(`entry-${cell.dataset.entry}`));
  }));
  const follow = () => {
    const named = document.getElementById(`entry-${pg.state().get("entry")}`);
    pg.apply();
    if (named) pg.reveal(named);
  };
  addEventListener("hashchange", follow);
  follow();
}
