// Tables sort by the column whose heading is pressed.
document.querySelectorAll("#points th").forEach((head, column) => {
  head.firstElementChild.addEventListener("click", () => {
    const down = head.getAttribute("aria-sort") === "ascending";
    head.parentNode.querySelectorAll("th").forEach((other) => other.removeAttribute("aria-sort"));
    head.setAttribute("aria-sort", down ? "descending" : "ascending");
    const body = document.querySelector("#points tbody");
    const key = (row) => row.cells[column].textContent;
    const order = (a, b) => {
      const x = parseFloat(key(a)), y = parseFloat(key(b));
      if (head.className === "n" && (isNaN(x) || isNaN(y))) return isNaN(x) - isNaN(y);
      const sign = head.className === "n" ? x - y : key(a).localeCompare(key(b));
      return down ? -sign : sign;
    };
    body.append(...[...body.rows].sort(order));
  });
});
