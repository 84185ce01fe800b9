// sphinx-copybutton drops the last newline, so that a command does not run when it is pasted.
// Without it, Git calls a diff corrupt, so everything else has one more, which is dropped.
for (const block of document.querySelectorAll(":not(.highlight-sh) > .highlight > pre")) {
  block.insertAdjacentHTML("beforeend", "<span hidden>\n</span>");
}

// On a narrow screen, the cells of a table are below each other, with the names of their columns.
for (const cell of document.querySelectorAll("td")) {
  cell.dataset.column = cell.closest("table").rows[0].cells[cell.cellIndex]?.textContent ?? "";
}
