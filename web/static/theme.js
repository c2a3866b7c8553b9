// Loaded in the head, before anything is painted: the colours somebody chose stay chosen.
// A classic script on purpose (a module would run after the first paint).
(() => {
  const ORDER = ["auto", "light", "dark"];
  const kept = () => {
    try { return localStorage.getItem("theme") || "auto"; } catch { return "auto"; }
  };
  const apply = (theme) => {
    if (theme === "auto") delete document.documentElement.dataset.theme;
    else document.documentElement.dataset.theme = theme;
    const label = document.querySelector("[data-theme-name]");
    if (label) label.textContent = label.dataset[theme];
  };
  const next = () => {
    const theme = ORDER[(ORDER.indexOf(kept()) + 1) % ORDER.length];
    try { localStorage.setItem("theme", theme); } catch { /* a private window forgets, and still switches */ }
    apply(theme);
  };
  apply(kept());
  addEventListener("storage", (event) => { if (event.key === "theme") apply(kept()); });
  addEventListener("DOMContentLoaded", () => {
    apply(kept());
    document.getElementById("theme-switch")?.addEventListener("click", next);
  });
})();
