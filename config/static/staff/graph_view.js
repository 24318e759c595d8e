// Pans and zooms the graph by changing the viewBox of the SVG.
const STEP = 1.25;
const SMALLEST = 0.03;
// Below this scale, edge labels are hidden.
const FAR = 0.3;
const LARGEST = 2.5;
// Below this scale, text is unreadable: a large graph starts at this scale, partly visible.
const READABLE = 0.62;

export class View {
  constructor(svg, box) {
    this.svg = svg;
    this.box = box;
    this.scale = 1;
    this.x = box.x;
    this.y = box.y;
    // A small graph takes no more space than it needs.
    svg.style.maxHeight = `${Math.max(box.height * 1.15, 280)}px`;
    svg.addEventListener("wheel", (event) => this.wheel(event), { passive: false });
    svg.addEventListener("pointerdown", (event) => this.drag(event));
    new ResizeObserver(() => this.show()).observe(svg);
  }

  get size() {
    const { clientWidth, clientHeight } = this.svg;
    return { width: clientWidth || 1, height: clientHeight || 1 };
  }

  show() {
    const { width, height } = this.size;
    this.svg.setAttribute(
      "viewBox",
      `${this.x} ${this.y} ${width / this.scale} ${height / this.scale}`,
    );
    this.svg.classList.toggle("mp-far", this.scale < FAR);
  }

  all() {
    const { width, height } = this.size;
    this.scale = Math.min(width / this.box.width, height / this.box.height, 1.15);
    const spare = (side, whole) => Math.max(whole / this.scale - this.box[side], 0) / 2;
    this.x = this.box.x - spare("width", width);
    this.y = this.box.y - spare("height", height);
    this.show();
  }

  // Fits the graph if it stays readable, else centres on a place.
  start(place) {
    this.all();
    if (this.scale < READABLE) {
      this.centre(place.x, place.y);
      this.inside("x", "width");
      this.inside("y", "height");
      this.show();
    }
  }

  // Limits the empty space beside the graph.
  inside(way, side) {
    const spare = this.box[side] - this.size[side] / this.scale;
    const from = this.box[way];
    this[way] =
      spare < 0 ? from + spare / 2 : Math.min(Math.max(this[way], from), from + spare);
  }

  // Zooms around (x, y) of the viewport, by default its centre.
  zoom(factor, x = this.size.width / 2, y = this.size.height / 2) {
    const scale = Math.min(Math.max(this.scale * factor, SMALLEST), LARGEST);
    this.x += x / this.scale - x / scale;
    this.y += y / this.scale - y / scale;
    this.scale = scale;
    this.show();
  }

  in() {
    this.zoom(STEP);
  }

  out() {
    this.zoom(1 / STEP);
  }

  centre(x, y) {
    const { width, height } = this.size;
    this.scale = Math.max(this.scale, READABLE);
    this.x = x - width / this.scale / 2;
    this.y = y - height / this.scale / 2;
    this.show();
  }

  // Without Ctrl, the wheel scrolls the page.
  wheel(event) {
    if (event.ctrlKey || event.metaKey) {
      event.preventDefault();
      this.zoom(Math.exp(-event.deltaY / 400), event.offsetX, event.offsetY);
    }
  }

  drag(start) {
    if (start.button !== 0) {
      return;
    }
    const { x, y } = this;
    let moved = false;
    const move = (event) => {
      const [right, down] = [event.clientX - start.clientX, event.clientY - start.clientY];
      moved ||= Math.hypot(right, down) > 4;
      if (moved) {
        this.x = x - right / this.scale;
        this.y = y - down / this.scale;
        this.show();
      }
    };
    // The end of a drag is not a click.
    const stop = (event) => {
      if (moved) {
        event.preventDefault();
      }
    };
    const end = () => {
      removeEventListener("pointermove", move);
      setTimeout(() => this.svg.removeEventListener("click", stop, true));
    };
    addEventListener("pointermove", move);
    addEventListener("pointerup", end, { once: true });
    addEventListener("pointercancel", end, { once: true });
    this.svg.addEventListener("click", stop, true);
  }
}
