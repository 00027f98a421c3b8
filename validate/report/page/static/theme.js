"use strict";
// Light or dark: as the system says, or as the button says.
pg.theme = document.getElementById("theme");
pg.isDark = () => (document.documentElement.dataset.theme ?? (matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light")) === "dark";
pg.nameTheme = () => { pg.theme.textContent = pg.isDark() ? "Light" : "Dark"; pg.theme.setAttribute("aria-label", `Show in ${pg.isDark() ? "light" : "dark"} colours`); };
pg.theme.addEventListener("click", () => { document.documentElement.dataset.theme = pg.isDark() ? "light" : "dark"; pg.nameTheme(); pg.redraw(); });
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => { pg.nameTheme(); pg.redraw(); });
pg.theme.hidden = false;
pg.nameTheme();
