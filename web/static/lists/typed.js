// What somebody typed and did not send yet.

const changed = (field) => {
  if (field.type === "hidden" || field.disabled) return false;
  if (field.type === "checkbox" || field.type === "radio") return field.checked !== field.defaultChecked;
  if (field.tagName === "SELECT") {
    const meant = [...field.options].findIndex((option) => option.defaultSelected);
    return field.selectedIndex !== Math.max(0, meant);
  }
  return field.value !== field.defaultValue;
};

/** True when something in a form of `root` is not as it came. */
export const typedIn = (root) => root.querySelector("[data-made]") !== null || [...root.querySelectorAll("form[method=post] :is(input, select, textarea)")].some(changed);
