// Route: draws each graph of the network, and lights up the branches that run.

const SVG = "http://www.w3.org/2000/svg";
const STEP = 92; // From one node to the next.
const APART = 15; // From one branch of an edge to the next, where there are many.
const BULGE = 44; // For each node that an edge passes.
const ROW = 6; // Longest part of a chain that is one drawing.
const DELAY = 35; // Milliseconds from one node to the next.

export function svgElement(name, attributes = {}, text = "") {
  const element = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
  if (text) element.textContent = text;
  return element;
}

/** Returns a name as people read it. */
export const readable = (name) => name.replace(/_(modules|sub_blocks)$/, "").replaceAll("_", " ");

/** The drawings of a network. */
export class RouteDrawing {
  /**
   * @param graphs The graphs in `network.json`.
   * @param place Element for the drawings.
   * @param legend List for the colours.
   */
  constructor(graphs, place, legend) {
    const names = graphs.flatMap(({ edges }) => edges.flatMap(({ branches }) => branches.map((b) => b.name)));
    this.colors = new Map([...new Set(names)].map((name, index) => [name, `var(--b${index % 8})`]));
    this.drawings = graphs.flatMap(inRows).map((graph) => this.draw(graph));
    place.replaceChildren(...this.drawings.map(({ figure }) => figure));
    legend.replaceChildren(
      ...[...this.colors].map(([name, color]) => {
        const item = document.createElement("li");
        const mark = document.createElement("i");
        mark.style.setProperty("--color", color);
        item.append(mark, readable(name));
        return item;
      }),
    );
  }

  draw({ name, edges }) {
    const nodes = [...new Set(edges.flatMap(({ source, target }) => [source, target]))].sort((a, b) => a - b);
    const x = (node) => 24 + STEP * (node - nodes[0]);
    const most = Math.max(...edges.map(({ branches }) => branches.length));
    const apart = Math.max(APART, 64 / most);
    const paths = [];
    let [top, bottom] = [22, 22];
    for (const edge of edges) {
      edge.branches.forEach((branch, index) => {
        const span = edge.target - edge.source;
        const side = edge.source % 2 ? 1 : -1;
        const away = side * BULGE * (span - 1) + apart * (index - (edge.branches.length - 1) / 2);
        top = Math.max(top, -away + 8);
        bottom = Math.max(bottom, away + 8);
        const [from, to] = [x(edge.source), x(edge.target)];
        const reach = 0.3 * (to - from);
        const curve = `M${from} 0C${from + reach} ${1.33 * away} ${to - reach} ${1.33 * away} ${to} 0`;
        const path = svgElement("path", { class: "branch", d: curve });
        path.style.setProperty("--color", this.colors.get(branch.name));
        path.style.setProperty("--after", `${DELAY * edge.source}ms`);
        const title = svgElement("title");
        path.append(title);
        paths.push({ path, title, edge, branch, place: edge.first + index });
      });
    }
    const width = x(nodes.at(-1)) + 24;
    const svg = svgElement("svg", { viewBox: `0 ${-top} ${width} ${top + bottom}`, role: "img" });
    svg.style.maxWidth = `${Math.max(1.4 * width, 260)}px`;
    svg.append(...paths.map(({ path }) => path));
    for (const node of nodes) {
      svg.append(svgElement("circle", { class: "node", cx: x(node), cy: 0, r: 9.5 }));
      svg.append(svgElement("text", { x: x(node), y: 4 }, String(node)));
    }
    const figure = document.createElement("figure");
    const caption = document.createElement("figcaption");
    figure.append(caption, svg);
    return { name, figure, caption, svg, paths };
  }

  /** Shows a route: the weights of all branches, in the network's order. */
  show(route) {
    const texts = [];
    for (const { name, caption, svg, paths } of this.drawings) {
      const used = paths.filter(({ place }) => route[place] !== 0);
      for (const { path, title, edge, branch, place } of paths) {
        const weight = route[place];
        path.classList.toggle("on", weight !== 0);
        path.style.strokeWidth = weight ? String(2.2 + 4 * Math.min(1, Math.abs(weight))) : "";
        const does = weight ? `runs, weight ${weight.toFixed(2)}` : "does not run";
        title.textContent = `${readable(edge.name)}: ${readable(branch.name)} ${does} (${count(branch.macs)} MACs)`;
      }
      const text = `${used.length} of ${paths.length} branches run`;
      caption.textContent = `${readable(name)}: ${text}`;
      svg.setAttribute("aria-label", `Drawing of ${readable(name)}: ${text}`);
      for (const { edge, branch, place } of used) {
        texts.push(`${readable(edge.name)}: ${readable(branch.name)}, weight ${route[place].toFixed(2)}`);
      }
    }
    return texts;
  }
}

/** Returns a long chain as several drawings. */
function inRows(graph) {
  const isChain = graph.edges.every(({ source, target }) => target === source + 1);
  if (!isChain || graph.edges.length <= ROW) return [graph];
  const rows = [];
  const length = Math.ceil(graph.edges.length / Math.ceil(graph.edges.length / ROW));
  for (let start = 0; start < graph.edges.length; start += length) {
    const edges = graph.edges.slice(start, start + length);
    rows.push({ name: `parts ${start + 1} to ${start + edges.length}`, edges });
  }
  return rows;
}

/** Returns a number with a unit, such as 23.5 M. */
export function count(number) {
  if (number >= 1e9) return `${(number / 1e9).toFixed(2)} G`;
  if (number >= 1e6) return `${(number / 1e6).toFixed(1)} M`;
  return number >= 1e3 ? `${(number / 1e3).toFixed(1)} k` : String(Math.round(number));
}
