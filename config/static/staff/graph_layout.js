// The layout of the graph: layers from left to right, models without edges in rows below.
import dagre, { Graph } from "./vendor/dagre-3.1.3.esm.min.js";

export const NODE = { width: 190, height: 46 };
export const LABEL = { width: 124, height: 30 };
const MARGIN = 24;
const GAP = 22;

function layered(nodes, edges) {
  const graph = new Graph({ directed: true, multigraph: true });
  graph.setGraph({ rankdir: "LR", nodesep: 16, edgesep: 8, ranksep: 90 });
  for (const node of nodes) {
    graph.setNode(node.id, { ...NODE });
  }
  edges.forEach((edge, number) => {
    graph.setEdge(edge.source, edge.target, { ...LABEL, labelpos: "c" }, String(number));
  });
  dagre.layout(graph);
  return graph;
}

// The points of an edge, from the side of one model to the side of the other along dagre's route.
function ends(edge, { x, y, points }, graph) {
  const [source, target] = [graph.node(edge.source), graph.node(edge.target)];
  if (edge.source === edge.target) {
    return points;
  }
  const side = source.x <= target.x ? 1 : -1;
  const from = { x: source.x + (side * NODE.width) / 2, y: source.y };
  const to = { x: target.x - (side * NODE.width) / 2, y: target.y };
  const through = points.slice(1, -1).flatMap((point) => {
    const isLabel = Math.abs(point.x - x) < 1 && Math.abs(point.y - y) < 1;
    const half = (side * LABEL.width) / 2;
    return isLabel ? [-half, half].map((by) => ({ x: x + by, y })) : [point];
  });
  return [from, ...through, to];
}

// Returns the bounding box, with a margin.
function bounds(nodes, edges) {
  const box = { left: 0, top: 0, right: 0, bottom: 0 };
  const grow = (x, y, width, height) => {
    box.left = Math.min(box.left, x - width / 2);
    box.right = Math.max(box.right, x + width / 2);
    box.top = Math.min(box.top, y - height / 2);
    box.bottom = Math.max(box.bottom, y + height / 2);
  };
  nodes.forEach((node) => grow(node.x, node.y, NODE.width, NODE.height));
  for (const edge of edges) {
    grow(edge.x, edge.y, LABEL.width, LABEL.height);
    edge.points.forEach((point) => grow(point.x, point.y, 0, 0));
  }
  return {
    x: box.left - MARGIN,
    y: box.top - MARGIN,
    width: box.right - box.left + 2 * MARGIN,
    height: box.bottom - box.top + 2 * MARGIN,
  };
}

// Models without subscriptions would form one long column, so they go into rows below.
function rows(alone, top, width) {
  const columns = Math.max(4, Math.floor((width + GAP) / (NODE.width + GAP)));
  return alone.map((node, number) => ({
    ...node,
    x: NODE.width / 2 + (number % columns) * (NODE.width + GAP),
    y: top + NODE.height / 2 + Math.floor(number / columns) * (NODE.height + GAP),
  }));
}

// Returns nodes with their centre (x, y), and edges with their points and the centre of the label.
export function layOut(nodes, edges) {
  const used = new Set(edges.flatMap((edge) => [edge.source, edge.target]));
  const joined = nodes.filter((node) => used.has(node.id));
  const graph = layered(joined, edges);
  const size = graph.graph();
  const wide = Number.isFinite(size.width) && joined.length > 0 ? size.width : 0;
  const high = Number.isFinite(size.height) && joined.length > 0 ? size.height + 2 * GAP : 0;
  const placed = joined.map((node) => {
    const { x, y } = graph.node(node.id);
    return { ...node, x, y };
  });
  placed.push(...rows(nodes.filter((node) => !used.has(node.id)), high, wide));
  const lines = edges.map((edge, number) => {
    const found = graph.edge(edge.source, edge.target, String(number));
    return { ...edge, x: found.x, y: found.y, points: ends(edge, found, graph) };
  });
  return { nodes: placed, edges: lines, box: bounds(placed, lines) };
}
