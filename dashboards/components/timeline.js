// A chart over time: stacked bars or lines, with the values under the pointer.
const NS = "http://www.w3.org/2000/svg";
const LEFT = 62, RIGHT = 10, TOP = 10, BOTTOM = 22;

function shape(name, attributes, text) {
  const node = document.createElementNS(NS, name);
  for (const [key, value] of Object.entries(attributes)) node.setAttribute(key, value);
  if (text !== undefined) node.textContent = text;
  return node;
}

function bars(data, svg, x, y) {
  const width = Math.max(1, x(data.begin + data.step) - x(data.begin) - 1.5);
  data.times.forEach((time, index) => {
    let under = 0;
    for (const series of data.series) {
      const value = series.values[index] ?? 0;
      if (value > 0) svg.append(shape("rect", { class: `layer ${series.colour}`, x: x(time) + 0.75, width, y: y(under + value), height: Math.max(1, y(under) - y(under + value)) }));
      under += value;
    }
  });
}

function lines(data, svg, x, y) {
  for (const series of data.series) {
    let path = "", previous = null;
    data.times.forEach((time, index) => {
      const value = series.values[index];
      if (value === null) { previous = null; return; }
      const [left, top] = [x(time + data.step / 2), y(value)];
      // A bucket without calls has no latency: the line has a gap there.
      path += previous !== null && time - previous <= data.step * 1.5 ? ` L${left},${top}` : ` M${left},${top}`;
      previous = time;
      if (data.times.length <= 60) svg.append(shape("circle", { class: `point ${series.colour}`, cx: left, cy: top, r: 2.5 }));
    });
    svg.append(shape("path", { class: `line ${series.colour}${series.dashed ? " dashed" : ""}`, d: path }));
  }
}

export default function (component) {
  const { data, parentElement } = component;
  const root = parentElement.querySelector(".ml");
  root.replaceChildren();
  const head = element("div", "head");
  const names = element("div", "names");
  for (const series of data.series) {
    const entry = element("span");
    entry.append(element("i", `${series.colour}${series.dashed ? " dashed" : ""}`), series.label);
    names.append(entry);
  }
  head.append(element("b", "", data.title), names);
  const plot = element("div", "plot");
  root.append(head, plot);

  const draw = () => {
    const width = Math.max(240, plot.clientWidth), height = data.height;
    const x = (time) => LEFT + ((time - data.begin) / (data.end - data.begin)) * (width - LEFT - RIGHT);
    const y = (value) => height - BOTTOM - (value / data.top) * (height - TOP - BOTTOM);
    const svg = shape("svg", { viewBox: `0 0 ${width} ${height}`, height, role: "img", "aria-label": data.title });
    for (const tick of data.value_ticks) {
      svg.append(shape("line", { class: tick.at === 0 ? "base" : "grid", x1: LEFT, x2: width - RIGHT, y1: y(tick.at), y2: y(tick.at) }));
      svg.append(shape("text", { x: LEFT - 6, y: y(tick.at) + 4, "text-anchor": "end" }, tick.text));
    }
    for (const tick of data.time_ticks) {
      const at = Math.min(Math.max(x(tick.at), LEFT + 16), width - RIGHT - 16);
      svg.append(shape("text", { x: at, y: height - 6, "text-anchor": "middle" }, tick.text));
    }
    if (data.band) {
      const [from, to] = [Math.max(x(data.band.begin), LEFT), Math.min(x(data.band.end), width - RIGHT)];
      svg.append(shape("rect", { class: "band", x: from, width: Math.max(2, to - from), y: TOP, height: height - TOP - BOTTOM }));
    }
    (data.kind === "bars" ? bars : lines)(data, svg, x, y);
    if (data.band) {
      const level = y(data.band.level);
      svg.append(shape("line", { class: "level", x1: LEFT, x2: width - RIGHT, y1: level, y2: level }));
      svg.append(shape("text", { class: "level", x: LEFT + 6, y: level - 5 }, data.band.label));
    }
    const cursor = shape("line", { class: "cursor", y1: TOP, y2: height - BOTTOM, visibility: "hidden" });
    svg.append(cursor);
    const tip = element("div", "tip");
    tip.hidden = true;
    plot.replaceChildren(svg, tip);
    svg.onpointerleave = () => { tip.hidden = true; cursor.setAttribute("visibility", "hidden"); };
    svg.onpointermove = (event) => {
      const box = svg.getBoundingClientRect();
      const time = data.begin + ((event.clientX - box.left - LEFT) / (width - LEFT - RIGHT)) * (data.end - data.begin);
      let nearest = 0;
      data.times.forEach((start, index) => {
        if (Math.abs(start + data.step / 2 - time) < Math.abs(data.times[nearest] + data.step / 2 - time)) nearest = index;
      });
      const at = x(data.times[nearest] + data.step / 2);
      for (const end of ["x1", "x2"]) cursor.setAttribute(end, at);
      cursor.setAttribute("visibility", "visible");
      tip.replaceChildren(element("div", "muted", `${data.time_texts[nearest]} UTC`), ...data.series.map((series) => {
        const line = element("div", series.colour);
        line.append(element("i"), `${series.label}: ${series.texts[nearest]}`);
        return line;
      }));
      tip.hidden = false;
      tip.style.left = at > width / 2 ? "" : `${at + 10}px`;
      tip.style.right = at > width / 2 ? `${width - at + 10}px` : "";
    };
  };
  const observer = new ResizeObserver(draw);
  observer.observe(plot);
  draw();
  return () => observer.disconnect();
}
