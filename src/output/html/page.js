"use strict";
// Filters what is shown. Without it everything is shown.
(() => {
  const form = document.getElementById("filter");
  const entries = [...document.querySelectorAll("[data-address]")];
  if (entries.length < 2) return;
  const given = (entry, name) => (entry.dataset[name] ?? "").split(" ").filter(Boolean);
  const selects = [...form.querySelectorAll("select")];
  for (const select of selects) {
    const values = [...new Set(entries.flatMap((entry) => given(entry, select.name)))].sort();
    select.parentElement.hidden = values.length < 2;
    for (const value of values) select.add(new Option(value, value));
  }
  const show = () => {
    const wanted = form.elements.address.value.trim().toLowerCase();
    let shown = 0;
    for (const entry of entries) {
      // What has no risk, such as a form to fill in, is not about risks and stays.
      const fits = (select) => select.value === "" || entry.dataset[select.name] === undefined || given(entry, select.name).includes(select.value);
      entry.hidden = !(entry.dataset.address.toLowerCase().includes(wanted) && selects.every(fits));
      shown += entry.hidden ? 0 : 1;
    }
    for (const section of document.querySelectorAll("section")) {
      const inside = [...section.querySelectorAll("[data-address]")];
      section.hidden = inside.length > 0 && inside.every((entry) => entry.hidden);
    }
    form.querySelector("output").textContent = `${shown} of ${entries.length}`;
  };
  form.addEventListener("submit", (event) => event.preventDefault());
  form.addEventListener("input", show);
  form.hidden = false;
  show();
})();
