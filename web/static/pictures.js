// Pictures of a product: every file that is chosen or dropped is sent by itself, and what is refused says why.
// Without script the form sends one file.

import { api, Refused } from "./api.js";
import { t } from "./say.js";

/** The pictures as they are now, while what was refused stays readable. */
const again = async (form) => {
  const { page } = await api.page(location.href);
  for (const part of [".main-picture", ".pictures"]) {
    const [old, now] = [form.parentNode.querySelector(part), page.querySelector(`#pictures ${part}`)];
    if (old && now) old.replaceWith(now);
    else if (now) form.before(now);
  }
};

const watch = (form) => {
  const input = form.elements.file;
  const said = form.querySelector("ul");
  form.querySelector("button").hidden = true;
  const tell = (file, why) => {
    said.append(Object.assign(document.createElement("li"), { textContent: t("{file}: {why}", { file, why }) }));
    said.hidden = false;
  };
  const send = async (file) => {
    try {
      await api.file(`/products/${form.dataset.pictures}/pictures`, file);
      return true;
    } catch (error) {
      if (!(error instanceof Refused)) throw error;
      tell(file.name, error.message);
      return false;
    }
  };
  input.addEventListener("change", async () => {
    const files = [...input.files];
    if (!files.length) return;
    said.replaceChildren();
    said.hidden = true;
    form.setAttribute("aria-busy", "true");
    const kept = [];
    for (const file of files) kept.push(await send(file));
    form.removeAttribute("aria-busy");
    form.reset();
    if (kept.every(Boolean)) location.reload();
    else if (kept.some(Boolean)) await again(form);
  });
};

document.querySelectorAll("form[data-pictures]").forEach(watch);
