// A table whose rows open things.
function cellOf(column, cell) {
  const node = element("td", [column.align, column.kind === "chip" ? "tight" : column.kind].filter(Boolean).join(" "));
  if (cell.share > 0) {
    const meter = element("span", "meter");
    meter.style.width = `${Math.max(2, Math.round(cell.share * 70))}px`;
    node.append(meter);
  }
  if (cell.tone && column.kind === "chip") node.append(element("span", `chip ${cell.tone}`, cell.text));
  else {
    const write = column.kind === "text" || column.kind === "code" ? breakable : (name, text) => element("span", name, text);
    node.append(write(cell.tone ? `${cell.tone}-text` : "", cell.text));
  }
  if (cell.text.length > 60) node.title = cell.text;
  return node;
}

function compare(left, right) {
  if (left === right) return 0;
  if (left === null) return 1;
  if (right === null) return -1;
  return left < right ? -1 : 1;
}

export default function (component) {
  const { data, parentElement, setTriggerValue } = component;
  const root = parentElement.querySelector(".ml");
  const view = (root.view ??= { filter: "", sort: null, descending: false, scroll: 0 });
  root.replaceChildren();

  const bar = element("div", "bar");
  const search = element("input");
  search.type = "search";
  search.placeholder = "Filter rows";
  search.setAttribute("aria-label", `Filter ${data.label}`);
  search.value = view.filter;
  const tally = element("span", "muted");
  tally.setAttribute("role", "status");
  bar.append(search, tally);

  const frame = element("div", "frame");
  frame.style.maxHeight = `${data.height}px`;
  const table = element("table");
  table.setAttribute("aria-label", data.label);
  const head = element("tr");
  const body = element("tbody");

  const draw = () => {
    const wanted = view.filter.trim().toLowerCase();
    const rows = data.rows.filter((row) => !wanted || row.cells.some((cell) => cell.text.toLowerCase().includes(wanted)));
    if (view.sort !== null && view.sort < data.columns.length) {
      const sign = view.descending ? -1 : 1;
      rows.sort((a, b) => {
        const [left, right] = [a.cells[view.sort].order, b.cells[view.sort].order];
        return left === null || right === null ? compare(left, right) : sign * compare(left, right);
      });
    }
    body.replaceChildren(...rows.map((row) => {
      const line = element("tr", [data.opens ? "open" : "", row.id === data.selected ? "selected" : ""].join(" ").trim());
      line.append(...row.cells.map((cell, index) => cellOf(data.columns[index], cell)));
      if (data.opens) {
        const open = () => setTriggerValue("opened", row.id);
        line.tabIndex = 0;
        if (row.id === data.selected) line.setAttribute("aria-current", "true");
        line.onclick = () => { if (!String(parentElement.getSelection?.() ?? "")) open(); };
        line.onkeydown = (event) => {
          if (event.key === "Enter" || event.key === " ") { event.preventDefault(); open(); }
          if (event.key === "ArrowDown") { event.preventDefault(); line.nextElementSibling?.focus(); }
          if (event.key === "ArrowUp") { event.preventDefault(); line.previousElementSibling?.focus(); }
        };
      }
      return line;
    }));
    const noun = data.rows.length === 1 ? "row" : "rows";
    const shown = rows.length === data.rows.length ? `${rows.length} ${noun}` : `${rows.length} of ${data.rows.length} ${noun}`;
    tally.textContent = data.note ? `${shown}; ${data.note}` : shown;
    for (const [index, cell] of [...head.children].entries()) {
      const mark = view.sort === index ? (view.descending ? " ↓" : " ↑") : "";
      cell.firstChild.textContent = data.columns[index].label + mark;
      cell.setAttribute("aria-sort", view.sort === index ? (view.descending ? "descending" : "ascending") : "none");
    }
  };

  data.columns.forEach((column, index) => {
    const cell = element("th", column.align);
    const button = element("button");
    if (column.help) button.title = column.help;
    button.onclick = () => {
      view.descending = view.sort === index ? !view.descending : column.align === "right";
      view.sort = index;
      draw();
    };
    cell.append(button);
    head.append(cell);
  });

  search.oninput = () => { view.filter = search.value; draw(); };
  frame.onscroll = () => { view.scroll = frame.scrollTop; };
  const header = element("thead");
  header.append(head);
  table.append(header, body);
  frame.append(table);
  root.append(...(data.rows.length > 8 ? [bar] : []), frame);
  draw();
  frame.scrollTop = view.scroll;
  const selected = body.querySelector("tr.selected");
  if (selected && view.selected !== data.selected) {
    // A link may open a row far down: show it, without moving the page.
    const [top, bottom] = [selected.offsetTop - head.offsetHeight, selected.offsetTop + selected.offsetHeight - frame.clientHeight];
    if (frame.scrollTop > top) frame.scrollTop = top;
    if (frame.scrollTop < bottom) frame.scrollTop = bottom;
  }
  view.selected = data.selected;
}
