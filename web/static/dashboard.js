// A dashboard: each tile fills itself and asks again; its owner drags tiles or moves them with the arrow keys.

import { api } from "./api.js";
import { t } from "./say.js";
import { toast } from "./toast.js";

const grid = document.getElementById("tiles");
const { id } = grid.dataset;
const tiles = () => [...grid.querySelectorAll(".tile")];
const due = new WeakMap();

/** Ask for a tile again; what did not change stays as it is, so nothing is lost that is pressed or read out. */
const fill = async (tile) => {
  const { place } = tile.dataset;
  const { version } = grid.dataset;
  due.set(tile, Infinity);
  const body = tile.querySelector(".tile-body");
  try {
    const answer = await fetch(`/dashboard/${id}/tile/${place}?version=${version}`);
    if (answer.status === 409 && !saving && version === grid.dataset.version) return location.reload();
    if (answer.url.includes("/login")) return location.reload();
    const told = answer.ok ? await answer.text() : "";
    if (told && tile.told !== told) {
      tile.told = told;
      body.replaceChildren(...new DOMParser().parseFromString(told, "text/html").body.childNodes);
    }
    if (!answer.ok && !tile.told) body.textContent = t("This could not be read; it is tried again.");
  } catch {
    if (!tile.told) body.textContent = t("The server could not be reached.");
  } finally {
    body.removeAttribute("aria-busy");
    due.set(tile, Date.now() + 1000 * tile.dataset.every);
  }
};

const look = () => {
  if (document.hidden) return;
  for (const tile of tiles()) if ((due.get(tile) ?? 0) <= Date.now()) fill(tile);
};

/** The places by which the server knows the tiles; after each change that was kept. */
const number = () => tiles().forEach((tile, place) => (tile.dataset.place = place + 1));

let saving = false;
let again = false;

/** Keep what is shown; changes that come meanwhile are kept together after it. */
const save = async (more = []) => {
  if (saving) return void (again = true);
  saving = true;
  const { version, name, shared } = grid.dataset;
  const specs = [...tiles().map((tile) => JSON.parse(tile.dataset.tile)), ...more];
  try {
    const kept = await api.put(`/dashboards/${id}`, { version: Number(version), name, shared, tiles: specs });
    grid.dataset.version = kept.version;
    number();
    return true;
  } catch (error) {
    toast(error.message, { tone: "bad" });
    if (error.status === 409) setTimeout(() => location.reload(), 1500);
    return false;
  } finally {
    saving = false;
    if (again) {
      again = false;
      save();
    }
  }
};

/** Put a tile before another, or at the end. */
const put = (tile, before) => {
  if (tile === before || tile.nextElementSibling === before) return;
  grid.insertBefore(tile, before);
  save();
};

const step = (tile, ways) => {
  const all = tiles();
  const to = all.indexOf(tile) + ways;
  if (to < 0 || to >= all.length) return;
  put(tile, ways < 0 ? all[to] : (all[to + 1] ?? null));
  tile.querySelector("[data-does=move]").focus();
};

const STEPS = { ArrowLeft: -1, ArrowUp: -1, ArrowRight: 1, ArrowDown: 1 };

const arrange = document.getElementById("arrange");
arrange?.addEventListener("click", () => {
  const on = arrange.getAttribute("aria-pressed") !== "true";
  arrange.setAttribute("aria-pressed", on);
  document.getElementById("arranging").hidden = !on;
  grid.classList.toggle("moving", on);
  for (const tile of tiles()) {
    tile.querySelector(".tile-tools").hidden = !on;
    tile.draggable = on;
  }
});

grid.addEventListener("keydown", (event) => {
  const handle = event.target.closest("[data-does=move]");
  if (!handle || !(event.key in STEPS)) return;
  event.preventDefault();
  step(handle.closest(".tile"), STEPS[event.key]);
});

grid.addEventListener("click", (event) => {
  const does = event.target.closest("[data-does]")?.dataset.does;
  const tile = event.target.closest(".tile");
  if (does === "size") {
    const spec = JSON.parse(tile.dataset.tile);
    const { wide, ...rest } = spec;
    tile.dataset.tile = JSON.stringify(wide ? rest : { ...spec, wide: true });
    tile.classList.toggle("two", !wide);
    save();
  }
  if (does === "remove") {
    tile.remove();
    save();
  }
});

let dragged = null;
grid.addEventListener("dragstart", (event) => {
  dragged = event.target.closest(".tile");
  dragged?.classList.add("dragged");
  event.dataTransfer.effectAllowed = "move";
});
grid.addEventListener("dragover", (event) => dragged && event.preventDefault());
grid.addEventListener("drop", (event) => {
  event.preventDefault();
  const over = event.target.closest(".tile");
  if (!dragged || !over || over === dragged) return;
  const all = tiles();
  put(dragged, all.indexOf(dragged) < all.indexOf(over) ? over.nextElementSibling : over);
});
grid.addEventListener("dragend", () => {
  dragged?.classList.remove("dragged");
  dragged = null;
});

const add = document.getElementById("add");
if (add) {
  const choose = () => {
    for (const part of add.querySelectorAll("[data-of]")) part.hidden = part.dataset.of !== add.elements.kind.value;
  };
  add.elements.kind.addEventListener("change", choose);
  choose();
  add.addEventListener("submit", async (event) => {
    event.preventDefault();
    const { kind, figure, time, report_id: report, view_id: view } = add.elements;
    const of = {
      figure: () => ({ figure: figure.value, time: time.value }),
      report: () => ({ report_id: Number(report.value) }),
      list: () => ({ view_id: Number(view.value) }),
    };
    if (await save([{ kind: kind.value, ...of[kind.value]?.() }])) location.reload();
  });
  const about = document.getElementById("about");
  about.addEventListener("submit", async (event) => {
    event.preventDefault();
    grid.dataset.name = about.elements.name.value;
    grid.dataset.shared = about.elements.shared.value;
    if (await save()) location.reload();
  });
}

number();
look();
setInterval(look, 1000);
document.addEventListener("visibilitychange", look);
