/* Gives the admin's searchable selects (select2) the names that their labels carry; select2 itself gives them none. */
"use strict";

(() => {
  const nameSelect = (select) => {
    const box = select.nextElementSibling;
    const label = select.labels?.[0];
    if (!label || !box?.classList.contains("select2-container")) return;
    const name = label.textContent.trim().replace(/[:：]$/, "");
    for (const part of box.querySelectorAll(".select2-selection, .select2-search__field, [role='textbox']")) {
      if (part.getAttribute("aria-label") !== name) part.setAttribute("aria-label", name);
    }
    for (const part of box.querySelectorAll("ul.select2-selection__rendered, ul.select2-selection__rendered > li")) {
      if (part.getAttribute("role") !== "none") part.setAttribute("role", "none");
    }
  };

  const nameAll = () => {
    document.querySelectorAll("select.select2-hidden-accessible").forEach(nameSelect);
    const open = document.querySelector(".select2-container--open .select2-selection");
    const parts = document.querySelectorAll(".select2-dropdown :is(.select2-search__field, .select2-results__options)");
    if (open) open.setAttribute("aria-controls", open.getAttribute("aria-owns") || "");
    if (open) parts.forEach((part) => part.setAttribute("aria-label", open.getAttribute("aria-label") || ""));
  };

  document.addEventListener("DOMContentLoaded", () => {
    nameAll();
    new MutationObserver(nameAll).observe(document.body, { childList: true, subtree: true });
  });
})();
