// A trace as nested bars.
export default function (component) {
  const { data, parentElement, setTriggerValue } = component;
  const root = parentElement.querySelector(".ml");
  root.replaceChildren();
  const share = (milliseconds) => `${data.duration_ms > 0 ? (100 * milliseconds) / data.duration_ms : 0}%`;

  const key = element("div", "key");
  for (const [index, service] of data.services.entries()) {
    const entry = element("span");
    entry.append(element("i", `dot h${index % 10}`), service);
    key.append(entry);
  }
  const own = element("span", "muted");
  own.append(element("i", "dot half"), "full colour: no child ran (own time)");
  key.append(own);

  const frame = element("div", "frame");
  const axis = element("div", "axis");
  const ticks = element("div", "ticks");
  for (const tick of data.ticks) {
    const mark = element("span", "", tick.text);
    mark.style.left = share(tick.at_ms);
    ticks.append(mark);
  }
  axis.append(element("div", "", data.heading), ticks);
  frame.append(axis);

  for (const bar of data.bars) {
    const row = element("div", `row h${bar.hue % 10}${bar.id === data.selected ? " selected" : ""}`);
    row.dataset.span = bar.id;
    row.tabIndex = 0;
    row.setAttribute("role", "button");
    row.setAttribute("aria-label", bar.title);
    row.title = bar.title;
    const what = element("div", "what");
    what.style.paddingLeft = `${0.7 + Math.min(bar.depth, 16) * 0.9}rem`;
    what.append(element("span", "dot"), element("b", "", bar.service), element("span", "name", bar.name));
    if (bar.flag) what.append(element("span", "flag chip bad", bar.flag));
    if (bar.note) what.append(element("span", "flag chip warn", bar.note));
    const when = element("div", "when");
    const span = element("div", `span${bar.gaps.length ? " parent" : ""}${bar.failed ? " failed" : ""}`);
    span.style.left = share(bar.start_ms);
    span.style.width = share(bar.duration_ms);
    for (const [from, to] of bar.gaps) {
      const gap = element("i");
      gap.style.left = `${(100 * (from - bar.start_ms)) / bar.duration_ms}%`;
      gap.style.width = `${(100 * (to - from)) / bar.duration_ms}%`;
      span.append(gap);
    }
    const took = element("span", "took", bar.took);
    const end = (bar.start_ms + bar.duration_ms) / (data.duration_ms || 1);
    if (end < 0.85) took.style.left = share(bar.start_ms + bar.duration_ms);
    else if (bar.start_ms / data.duration_ms > 0.15) took.style.right = `calc(100% - ${share(bar.start_ms)})`;
    else { took.style.right = `calc(100% - ${share(bar.start_ms + bar.duration_ms)} + 0.3rem)`; took.classList.add("inside"); }
    when.append(span, took);
    row.append(what, when);
    const open = () => setTriggerValue("opened", bar.id);
    row.onclick = open;
    row.onkeydown = (event) => {
      if (event.key === "Enter" || event.key === " ") { event.preventDefault(); open(); }
      if (event.key === "ArrowDown") { event.preventDefault(); row.nextElementSibling?.focus(); }
      if (event.key === "ArrowUp") { event.preventDefault(); row.previousElementSibling?.focus(); }
    };
    frame.append(row);
  }
  root.append(key, frame);
}
