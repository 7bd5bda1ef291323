// The service graph: pan by dragging, zoom by wheel or button, choose a node or a link by click or Enter.
const NS = "http://www.w3.org/2000/svg";
const WIDTH = 164, HEIGHT = 46;

function shape(name, attributes = {}, text) {
  const node = document.createElementNS(NS, name);
  for (const [key, value] of Object.entries(attributes)) node.setAttribute(key, value);
  if (text !== undefined) node.textContent = text;
  return node;
}

function fitted(text, limit) {
  return text.length <= limit ? text : `${text.slice(0, limit - 1)}…`;
}

// A smooth path that leaves and enters every point horizontally.
function curve(points) {
  let path = `M${points[0][0]},${points[0][1]}`;
  for (let index = 1; index < points.length; index += 1) {
    const [ax, ay] = points[index - 1], [bx, by] = points[index];
    const reach = (bx - ax) / 2;
    path += ` C${ax + reach},${ay} ${bx - reach},${by} ${bx},${by}`;
  }
  return path;
}

function route(link, nodes) {
  const from = nodes.get(link.source), to = nodes.get(link.target);
  if (from === to) {
    const [x, y] = [from.x, from.y - HEIGHT / 2];
    return { path: `M${x - 30},${y} C${x - 50},${y - 42} ${x + 50},${y - 42} ${x + 30},${y}`, label: [x, y - 38], tip: [x + 30, y, 100] };
  }
  const forward = to.x > from.x;
  const side = forward ? 1 : -1;
  const start = [from.x + side * WIDTH / 2, from.y + link.spread_out];
  const end = [to.x - side * (WIDTH / 2 + 8), to.y + link.spread_in];
  const points = [start, ...link.bends, end];
  // The label lies on the last stretch, nearer to the callee, where links of one caller are apart from each other.
  const [a, b] = points.slice(-2);
  const at = points.length > 2 ? 0.5 : 0.66, rise = at * at * (3 - 2 * at);
  return { path: curve(points), label: [a[0] + (b[0] - a[0]) * at, a[1] + (b[1] - a[1]) * rise], tip: [end[0] + side * 8, end[1], forward ? 0 : 180] };
}

export default function (component) {
  const { data, parentElement, setTriggerValue } = component;
  const root = parentElement.querySelector(".ml");
  const view = (root.view ??= { shown: "", box: null });
  root.replaceChildren();
  const stage = element("div", "stage");
  stage.style.height = `${data.height}px`;
  const svg = shape("svg", { role: "group", "aria-label": data.label });
  stage.append(svg);
  root.append(stage);

  const nodes = new Map(data.nodes.map((node) => [node.id, node]));
  const near = new Set();
  const chosen = data.selected;
  const chosenLink = data.links.find((link) => link.id === chosen);
  if (chosenLink) near.add(chosenLink.source).add(chosenLink.target);
  else if (nodes.has(chosen)) {
    near.add(chosen);
    for (const link of data.links) {
      if (link.source === chosen) near.add(link.target);
      if (link.target === chosen) near.add(link.source);
    }
  }
  const dims = (touches) => (near.size && !touches ? " dim" : "");

  const act = (group, kind, id) => {
    const choose = () => setTriggerValue("chosen", { kind, id });
    group.setAttribute("tabindex", "0");
    group.setAttribute("role", "button");
    group.addEventListener("click", () => { if (!view.dragged) choose(); });
    group.addEventListener("keydown", (event) => {
      if (event.key === "Enter" || event.key === " ") { event.preventDefault(); choose(); }
    });
  };

  for (const link of data.links) {
    const { path, label, tip } = route(link, nodes);
    const touches = chosenLink ? link === chosenLink : link.source === chosen || link.target === chosen;
    const group = shape("g", { class: `link ${link.tone}${link.id === chosen ? " selected" : ""}${dims(touches)}`, "data-link": link.id, "aria-label": link.title });
    const size = 5 + link.width;
    group.append(
      shape("title", {}, link.title),
      shape("path", { class: "line", d: path, "stroke-width": link.width }),
      shape("path", { class: "head", d: `M0,0 L${-size * 1.4},${-size / 1.6} L${-size * 1.4},${size / 1.6} Z`, transform: `translate(${tip[0]},${tip[1]}) rotate(${tip[2]})` }),
      shape("text", { x: label[0], y: label[1] - 4 - link.width / 2 }, link.label),
      shape("path", { class: "hit", d: path }),
    );
    act(group, "link", link.id);
    svg.append(group);
  }
  for (const node of data.nodes) {
    const group = shape("g", { class: `node ${node.kind} ${node.tone}${node.id === chosen ? " selected" : ""}${dims(near.has(node.id))}`, transform: `translate(${node.x},${node.y})`, "data-node": node.id, "aria-label": node.title });
    group.append(
      shape("title", {}, node.title),
      shape("rect", { x: -WIDTH / 2, y: -HEIGHT / 2, width: WIDTH, height: HEIGHT, rx: node.kind === "gateway" ? HEIGHT / 2 : 7 }),
      shape("text", { y: -2 }, fitted(node.label, 21)),
      shape("text", { class: "under", y: 14 }, fitted(node.under, 27)),
    );
    act(group, "node", node.id);
    svg.append(group);
  }

  // Everything in view, but never larger than 1.15 times its natural size.
  const bounds = () => {
    const xs = data.nodes.map((node) => node.x), ys = data.nodes.map((node) => node.y);
    let [left, top] = [Math.min(...xs) - WIDTH / 2 - 24, Math.min(...ys) - HEIGHT / 2 - 50];
    let width = Math.max(...xs) + WIDTH / 2 + 24 - left, height = Math.max(...ys) + HEIGHT / 2 + 60 - top;
    const [wide, high] = [(stage.clientWidth || 900) / 1.15, data.height / 1.15];
    if (width < wide) [left, width] = [left - (wide - width) / 2, wide];
    if (height < high) [top, height] = [top - (high - height) / 2, high];
    return [left, top, width, height];
  };
  const apply = () => svg.setAttribute("viewBox", view.box.join(" "));
  const shown = data.nodes.map((node) => node.id).join("\n");
  if (!view.box || view.shown !== shown) view.box = bounds();
  view.shown = shown;
  apply();

  const scale = () => Math.max(view.box[2] / svg.clientWidth, view.box[3] / svg.clientHeight);
  const zoom = (factor, atX, atY) => {
    const [x, y, width, height] = view.box;
    const next = Math.min(Math.max(width * factor, 200), 60_000) / width;
    view.box = [atX - (atX - x) * next, atY - (atY - y) * next, width * next, height * next];
    apply();
  };
  const place = (event) => {
    const point = new DOMPoint(event.clientX, event.clientY).matrixTransform(svg.getScreenCTM().inverse());
    return [point.x, point.y];
  };
  svg.addEventListener("wheel", (event) => {
    event.preventDefault();
    zoom(event.deltaY > 0 ? 1.15 : 1 / 1.15, ...place(event));
  }, { passive: false });
  let last = null;
  svg.addEventListener("pointerdown", (event) => { last = [event.clientX, event.clientY]; view.dragged = false; });
  svg.addEventListener("pointermove", (event) => {
    if (!last || !(event.buttons & 1)) return;
    const [dx, dy] = [event.clientX - last[0], event.clientY - last[1]];
    if (!view.dragged && Math.hypot(dx, dy) < 4) return;
    if (!view.dragged) svg.setPointerCapture(event.pointerId);
    view.dragged = true;
    svg.classList.add("moving");
    last = [event.clientX, event.clientY];
    const unit = scale();
    view.box = [view.box[0] - dx * unit, view.box[1] - dy * unit, view.box[2], view.box[3]];
    apply();
  });
  const rest = () => { last = null; svg.classList.remove("moving"); };
  svg.addEventListener("pointerup", rest);
  svg.addEventListener("pointercancel", rest);

  const tools = element("div", "tools");
  const centre = () => [view.box[0] + view.box[2] / 2, view.box[1] + view.box[3] / 2];
  const commands = [
    ["+", "Zoom in", () => zoom(1 / 1.3, ...centre()), ""],
    ["−", "Zoom out", () => zoom(1.3, ...centre()), ""],
    ["Fit", "Show the whole graph", () => { view.box = bounds(); apply(); }, "wide"],
  ];
  if (chosen) commands.push(["Clear", "Clear the selection", () => setTriggerValue("chosen", { kind: "none", id: "" }), "wide"]);
  for (const [text, title, run, className] of commands) {
    const button = element("button", className, text);
    Object.assign(button, { type: "button", title, onclick: run });
    button.setAttribute("aria-label", title);
    tools.append(button);
  }
  const legend = element("div", "legend");
  for (const [tone, text] of [["ok", "no errors"], ["warn", "errors below 5 %"], ["bad", "5 % errors and more"]]) {
    const entry = element("span");
    entry.append(element("i", tone), text);
    legend.append(entry);
  }
  legend.append("line width: calls; dashed: not a service of the mesh");
  stage.append(tools, legend);
}
