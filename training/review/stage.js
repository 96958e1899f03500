// The picture with its masks: zoom, move, choose and draw. Coordinates are pixels of the picture.

const SVG = "http://www.w3.org/2000/svg";
const COLOURS = ["#e69f00", "#56b4e9", "#00b37d", "#f0e442", "#cc79a7", "#0a84d0", "#d55e00", "#b4a7ff"];
const CLOSE = 9; // pixels of the screen within which a click on the first corner closes a polygon
const STILL = 4; // pixels of the screen that a click may move
const MAX_ZOOM = 40;
const MAX_STROKE = 2000; // points that the server takes

export const colour = (index) => COLOURS[index % COLOURS.length];

export function element(name, attributes = {}) {
  const made = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  return made;
}

export class Stage {
  // onShape(shape) is awaited and says whether the shape was taken; onChoose(index) is told clicks.
  constructor(onShape, onChoose) {
    this.onShape = onShape;
    this.onChoose = onChoose;
    for (const id of ["stage", "layer", "picture", "overlay", "masks", "draft"]) {
      this[id] = document.getElementById(id);
    }
    this.tool = "move";
    this.size = { brush: 10, flood: 20 };
    this.corners = [];
    this.width = this.height = 1;
    this.scale = 1;
    this.left = this.top = 0;
    this.stage.addEventListener("pointerdown", (event) => this.press(event));
    this.stage.addEventListener("pointermove", (event) => this.move(event));
    this.stage.addEventListener("pointerup", (event) => this.release(event));
    this.stage.addEventListener("pointercancel", () => this.drop());
    this.stage.addEventListener("pointerleave", () => this.hover(null));
    this.stage.addEventListener("dblclick", () => this.tool === "polygon" && this.finish());
    this.stage.addEventListener("contextmenu", (event) => event.preventDefault());
    this.stage.addEventListener("wheel", (event) => this.wheel(event), { passive: false });
    new ResizeObserver(() => this.fitted && this.fit()).observe(this.stage);
  }

  show(sample, chosen) {
    const other = this.id !== sample.id;
    this.shapes = sample.shapes;
    if (other) {
      this.id = sample.id;
      this.drop();
      this.picture.src = `picture/${sample.id}`;
      const same = this.width === sample.width && this.height === sample.height;
      this.width = sample.width;
      this.height = sample.height;
      this.overlay.setAttribute("viewBox", `0 0 ${sample.width} ${sample.height}`);
      if (!same || this.fitted !== false) this.fit();
    }
    this.paint(chosen);
  }

  paint(chosen) {
    const marks = this.shapes.map(({ path, box }, index) => {
      const shape = element("path", { d: path, class: index === chosen ? "mask chosen" : "mask" });
      shape.style.setProperty("--c", colour(index));
      shape.dataset.index = index;
      const number = element("text", {
        class: "number",
        x: box[0] + box[2] / 2,
        y: box[1] + box[3] / 2,
        "font-size": 15 / this.scale,
        "stroke-width": 3 / this.scale,
      });
      number.textContent = index + 1;
      return [shape, number];
    });
    this.masks.replaceChildren(...marks.flat());
  }

  use(tool) {
    if (tool !== this.tool) this.drop();
    this.tool = tool;
    this.stage.className = tool;
  }

  // Whether there is something drawn that nobody has kept yet.
  get drafting() {
    return this.corners.length > 0;
  }

  drop() {
    this.corners = [];
    this.drag = null;
    this.redraft();
  }

  back() {
    this.corners.pop();
    this.redraft();
  }

  async finish() {
    const corners = this.corners.filter((p, i, all) => !i || apart(p, all[i - 1]) > 0);
    if (corners.length < 3) return;
    const taken = await this.onShape({ kind: "polygon", points: corners.flat() });
    if (taken) this.drop();
  }

  fit() {
    const { clientWidth, clientHeight } = this.stage;
    this.scale = Math.min(clientWidth / this.width, clientHeight / this.height) * 0.97 || 1;
    this.left = (clientWidth - this.width * this.scale) / 2;
    this.top = (clientHeight - this.height * this.scale) / 2;
    this.fitted = true;
    this.place();
  }

  zoom(factor, x = this.stage.clientWidth / 2, y = this.stage.clientHeight / 2) {
    const scale = Math.min(Math.max(this.scale * factor, 0.05), MAX_ZOOM);
    this.left = x - ((x - this.left) * scale) / this.scale;
    this.top = y - ((y - this.top) * scale) / this.scale;
    this.scale = scale;
    this.fitted = false;
    this.place();
  }

  place() {
    Object.assign(this.layer.style, {
      left: `${this.left}px`,
      top: `${this.top}px`,
      width: `${this.width * this.scale}px`,
      height: `${this.height * this.scale}px`,
    });
    this.layer.classList.toggle("coarse", this.scale > 3);
    for (const number of this.masks.querySelectorAll("text")) {
      number.setAttribute("font-size", 15 / this.scale);
      number.setAttribute("stroke-width", 3 / this.scale);
    }
    this.redraft();
  }

  wheel(event) {
    event.preventDefault();
    const { left, top } = this.stage.getBoundingClientRect();
    this.zoom(Math.exp(-event.deltaY * 0.0015), event.clientX - left, event.clientY - top);
  }

  at(event) {
    const { left, top } = this.layer.getBoundingClientRect();
    const round = (value) => Math.round(value * 100) / 100;
    return [round((event.clientX - left) / this.scale), round((event.clientY - top) / this.scale)];
  }

  press(event) {
    const point = this.at(event);
    const moving = event.button === 1 || this.tool === "move";
    if (event.button > 1 || (event.button && !moving)) return;
    this.stage.setPointerCapture(event.pointerId);
    const from = [event.clientX, event.clientY];
    const kind = moving ? "move" : this.tool;
    this.drag = { kind, from, last: from, points: [point], target: event.target, still: true };
    this.redraft();
  }

  move(event) {
    const drag = this.drag;
    const point = this.at(event);
    this.hover(point);
    if (!drag) return;
    const here = [event.clientX, event.clientY];
    if (apart(here, drag.from) > STILL) drag.still = false;
    if (drag.kind === "move" && !drag.still) {
      this.left += here[0] - drag.last[0];
      this.top += here[1] - drag.last[1];
      drag.last = here;
      this.fitted = false;
      this.place();
    } else if (drag.kind === "brush" && apart(point, drag.points.at(-1)) * this.scale >= 2) {
      if (drag.points.length < MAX_STROKE) drag.points.push(point);
    } else if (drag.kind === "box") {
      drag.points[1] = point;
    }
    this.redraft();
  }

  async release(event) {
    const drag = this.drag;
    this.drag = null;
    if (!drag) return;
    const points = drag.points.flat();
    if (drag.kind === "move") {
      const index = drag.target.dataset?.index;
      if (drag.still && event.button === 0) this.onChoose(index === undefined ? null : Number(index));
    } else if (drag.kind === "polygon") {
      const first = this.corners[0];
      const closes = first && apart(first, drag.points[0]) * this.scale < CLOSE;
      if (closes && this.corners.length > 2) await this.finish();
      else this.corners.push(drag.points[0]);
    } else if (drag.kind === "brush") {
      await this.onShape({ kind: "stroke", points, radius: this.size.brush });
    } else if (drag.kind === "flood") {
      await this.onShape({ kind: "flood", points, tolerance: this.size.flood });
    } else if (drag.kind === "box" && !drag.still) {
      await this.onShape({ kind: "box", points });
    }
    this.redraft();
  }

  hover(point) {
    this.pointer = point;
    if (this.tool === "brush" || this.corners.length) this.redraft();
  }

  redraft() {
    const drawn = [];
    const { drag, corners, pointer } = this;
    if (corners.length) {
      const ahead = pointer ? [...corners, pointer] : corners;
      drawn.push(element("polygon", { points: ahead.join(" "), class: "area" }));
      drawn.push(element("polyline", { points: ahead.join(" "), class: "line" }));
      for (const [cx, cy] of corners) {
        drawn.push(element("circle", { cx, cy, r: 4 / this.scale, class: "corner" }));
      }
    }
    if (drag?.kind === "brush") {
      const points = drag.points.length > 1 ? drag.points : [drag.points[0], drag.points[0]];
      const width = 2 * this.size.brush;
      drawn.push(element("polyline", { points: points.join(" "), class: "stroke", "stroke-width": width }));
    }
    if (drag?.kind === "box" && drag.points.length > 1) {
      const [[ax, ay], [bx, by]] = drag.points;
      drawn.push(element("polygon", { points: `${ax},${ay} ${bx},${ay} ${bx},${by} ${ax},${by}`, class: "area" }));
      drawn.push(element("polygon", { points: `${ax},${ay} ${bx},${ay} ${bx},${by} ${ax},${by}`, class: "line" }));
    }
    if (this.tool === "brush" && pointer) {
      drawn.push(element("circle", { cx: pointer[0], cy: pointer[1], r: this.size.brush, class: "line" }));
    }
    this.draft.replaceChildren(...drawn);
  }
}

function apart(a, b) {
  return Math.hypot(a[0] - b[0], a[1] - b[1]);
}
