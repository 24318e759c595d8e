// Draws the graph: models as boxes, subscriptions as arrows, all of them links; with a search.
import { LABEL, NODE, layOut } from "./graph_layout.js";
import { View } from "./graph_view.js";

const SVG = "http://www.w3.org/2000/svg";
const NAME_CHARACTERS = 22;
const ID_CHARACTERS = 16;

function make(name, attributes = {}, ...inside) {
  const element = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(attributes)) {
    element.setAttribute(key, value);
  }
  element.append(...inside);
  return element;
}

function short(text, limit) {
  return text.length <= limit ? text : `${text.slice(0, limit - 1)}…`;
}

function svgText(className, x, y, text, anchor = "start") {
  return make("text", { class: className, x, y, "text-anchor": anchor }, text);
}

// A link in the graph. Only one link has a tab stop; the arrow keys move on from there.
function link(each, className, label, ...inside) {
  const attributes = { class: `${className} mp-${each.tone}`, href: each.url, tabindex: -1 };
  return make("a", { ...attributes, "aria-label": label }, make("title", {}, label), ...inside);
}

function drawNode(node) {
  const [left, top] = [node.x - NODE.width / 2, node.y - NODE.height / 2];
  const version = node.version ? `version ${node.version}` : "no version yet";
  const chosen = node.is_chosen ? " mp-node-chosen" : "";
  return link(
    node,
    `mp-node${chosen}`,
    `${node.name} (${node.id}), ${node.status}, ${version}`,
    make("rect", { class: "mp-node-box", x: left, y: top, ...NODE, rx: 8 }),
    make("circle", { class: "mp-node-dot", cx: left + 16, cy: top + 17, r: 4.5 }),
    svgText("mp-node-name", left + 28, top + 21, short(node.name, NAME_CHARACTERS)),
    svgText("mp-node-id", left + 28, top + 37, short(node.id, ID_CHARACTERS)),
    svgText("mp-node-id", left + NODE.width - 10, top + 37, short(node.version, 6), "end"),
  );
}

// The curve is horizontal at each point, so that it looks like one line.
function curve(points) {
  const [first, ...rest] = points;
  let [from, path] = [first, `M${first.x} ${first.y}`];
  for (const to of rest) {
    const middle = (from.x + to.x) / 2;
    path += `C${middle} ${from.y} ${middle} ${to.y} ${to.x} ${to.y}`;
    from = to;
  }
  return path;
}

function drawLine(edge) {
  return make("path", {
    class: `mp-edge-line mp-edge-${edge.status} mp-${edge.tone}`,
    d: curve(edge.points),
    "marker-end": `url(#arrow-${edge.status})`,
  });
}

function drawLabel(edge) {
  const times = edge.count > 1 ? ` × ${edge.count}` : "";
  const label =
    `${edge.source} ${edge.event} → ${edge.target} ${edge.action},` +
    ` input ${edge.input}, ${edge.status}, subscriptions: ${edge.count}`;
  const [left, top] = [edge.x - LABEL.width / 2, edge.y - LABEL.height / 2];
  return link(
    edge,
    "mp-edge",
    label,
    make("rect", { class: "mp-edge-label", x: left, y: top, ...LABEL, rx: 6 }),
    svgText("mp-edge-words", edge.x, edge.y - 3, edge.event, "middle"),
    svgText("mp-edge-words mp-edge-then", edge.x, edge.y + 10, `→ ${edge.action}${times}`, "middle"),
  );
}

function arrows(edges) {
  const tones = new Map(edges.map((edge) => [edge.status, edge.tone]));
  const heads = [...tones].map(([status, tone]) =>
    make(
      "marker",
      {
        id: `arrow-${status}`,
        viewBox: "0 0 10 10",
        refX: 9,
        refY: 5,
        markerWidth: 7,
        markerHeight: 7,
        orient: "auto",
      },
      make("path", { class: `mp-arrow mp-${tone}`, d: "M0 0L10 5L0 10z" }),
    ),
  );
  return make("defs", {}, ...heads);
}

function draw(holder, nodes, edges) {
  const placed = layOut(nodes, edges);
  const svg = make("svg", { role: "group", "aria-label": "Models and their subscriptions" });
  const lines = placed.edges.map((edge) => ({
    ...edge,
    line: drawLine(edge),
    element: drawLabel(edge),
  }));
  const boxes = placed.nodes.map((node) => ({ ...node, element: drawNode(node) }));
  // Labels and models are drawn above all lines.
  const above = [...lines, ...boxes].map((each) => each.element);
  svg.append(arrows(edges), ...lines.map((each) => each.line), ...above);
  holder.prepend(svg);
  return { lines, boxes, view: new View(svg, placed.box), svg };
}

// The order of the arrow keys: models from left to right, each followed by its outgoing edges.
function inOrder({ lines, boxes }) {
  const sorted = [...boxes].sort((a, b) => a.x - b.x || a.y - b.y);
  return sorted.flatMap((box) => [box, ...lines.filter((line) => line.source === box.id)]);
}

function byKeyboard(graph) {
  const order = inOrder(graph);
  const places = new Map(order.map((each, place) => [each.element, place]));
  order[0]?.element.setAttribute("tabindex", 0);
  graph.svg.addEventListener("focusin", (event) => {
    const place = places.get(event.target);
    if (place !== undefined) {
      order.forEach((each) => each.element.setAttribute("tabindex", -1));
      event.target.setAttribute("tabindex", 0);
      if (event.target.matches(":focus-visible")) {
        graph.view.centre(order[place].x, order[place].y);
      }
    }
  });
  const steps = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 };
  const zooms = { "+": "in", "-": "out", 0: "all" };
  graph.svg.addEventListener("keydown", (event) => {
    if (event.key in steps) {
      const place = places.get(document.activeElement) + steps[event.key];
      order[Math.min(Math.max(place, 0), order.length - 1)].element.focus();
      event.preventDefault();
    } else if (event.key in zooms && !event.ctrlKey && !event.metaKey) {
      graph.view[zooms[event.key]]();
    }
  });
}

// Fades everything that is not connected to a matching model, and hides its table rows.
function search(text, graph, rows) {
  const sought = text.trim().toLowerCase();
  const matches = (box) => `${box.id} ${box.name}`.toLowerCase().includes(sought);
  const found = graph.boxes.filter(matches);
  const ids = new Set(found.map((box) => box.id));
  const touches = (line) => ids.has(line.source) || ids.has(line.target);
  // Neighbours of a matching model stay readable too.
  const near = new Set(graph.lines.filter(touches).flatMap((line) => [line.source, line.target]));
  graph.boxes.forEach((box) =>
    box.element.classList.toggle("mp-faded", !ids.has(box.id) && !near.has(box.id)),
  );
  for (const each of graph.lines) {
    each.element.classList.toggle("mp-faded", !touches(each));
    each.line.classList.toggle("mp-faded", !touches(each));
  }
  rows.forEach((row) => {
    row.hidden = !touches(row.dataset);
  });
  if (sought && found.length > 0) {
    graph.view.centre(found[0].x, found[0].y);
  }
  return found;
}

// The requested model, else the one with the most edges.
function centre({ boxes, lines }) {
  const edges = (box) =>
    lines.filter((line) => line.source === box.id || line.target === box.id).length;
  const ranked = boxes.map((box) => [box.is_chosen ? Infinity : edges(box), box]);
  return ranked.reduce((best, each) => (each[0] > best[0] ? each : best))[1];
}

function start(holder) {
  const [nodes, edges] = ["nodes", "edges"].map((id) =>
    JSON.parse(document.getElementById(id).textContent),
  );
  const graph = draw(holder, nodes, edges);
  graph.view.start(centre(graph));
  byKeyboard(graph);
  for (const button of holder.querySelectorAll("[data-zoom]")) {
    button.addEventListener("click", () => graph.view[button.dataset.zoom]());
  }
  const rows = [...document.querySelectorAll("#edges-table tbody tr")];
  const [field, label] = [document.getElementById("seek"), document.getElementById("found")];
  const around = document.getElementById("around");
  let found = [];
  const narrow = () => {
    found = search(field.value, graph, rows);
    const all = `${nodes.length} model${nodes.length === 1 ? "" : "s"}`;
    label.textContent = field.value.trim() ? `${found.length} of ${all}` : all;
    around.hidden = !field.value.trim() || found.length === 0;
    if (!around.hidden) {
      around.href = found[0].around;
      around.textContent = `Centre on ${found[0].id}`;
    }
  };
  field.addEventListener("input", narrow);
  field.addEventListener("keydown", (event) => {
    if (event.key === "Enter") {
      found[0]?.element.focus();
    }
  });
  narrow();
}

const holder = document.getElementById("graph");
if (holder) {
  start(holder);
}
