// One image with its tips and the box of the hand: drawn, zoomed, and points that can be dragged.

import { drawTip } from "./marker.js";

const NEAR_PX = 16;
const MAX_ZOOM = 16;
const TIPS = ["thumb_tip", "index_tip"];
const CORNERS = ["box_start", "box_end"];
export const HIDDEN = 1;

export class LabelImage {
  // canvas: where it is drawn; moved: (point, [x, y]) when a point is dropped
  constructor(canvas, moved) {
    this.canvas = canvas;
    this.moved = moved;
    this.state = null; // the image as the server has it
    this.bitmap = null;
    this.chosen = "thumb_tip";
    this.drag = null; // a point that is not saved yet: {point, at}
    this.pan = null;
    this.zoom = 1;
    this.corner = [0, 0]; // of what is shown, in pixels from the image's corner
    canvas.addEventListener("pointerdown", (event) => this.grab(event));
    canvas.addEventListener("pointermove", (event) => this.pull(event));
    canvas.addEventListener("pointerup", () => this.drop());
    canvas.addEventListener("pointercancel", () => this.letGo());
    canvas.addEventListener("wheel", (event) => {
      if (!event.ctrlKey) return;
      event.preventDefault();
      this.zoomBy(event.deltaY > 0 ? 0.8 : 1.25, [event.offsetX, event.offsetY]);
    }, { passive: false });
  }

  open(state, bitmap, isOther) {
    this.state = state;
    this.bitmap = bitmap;
    if (isOther) [this.drag, this.zoom, this.corner] = [null, 1, [0, 0]];
    this.draw();
  }

  // Where a point is, pixels, centre of the top left pixel = 0; null without a label.
  at(point) {
    if (this.drag?.point === point) return this.drag.at;
    const { tips, box } = this.state;
    if (point === "box_start") return box.slice(0, 2);
    if (point === "box_end") return box.slice(2);
    return tips[point][2] ? tips[point].slice(0, 2) : null;
  }

  fit() {
    const [width, height] = this.state.size;
    const room = this.canvas.parentElement.clientWidth;
    return Math.min(room / width, Math.max(window.innerHeight - 260, 240) / height);
  }

  toCanvas([x, y]) {
    return [(x + 0.5 - this.corner[0]) * this.scale, (y + 0.5 - this.corner[1]) * this.scale];
  }

  toImage([x, y]) {
    return this.within([x / this.scale + this.corner[0] - 0.5, y / this.scale + this.corner[1] - 0.5]);
  }

  within(place) {
    return place.map((value, n) => Math.round(100 * Math.min(Math.max(value, 0), this.state.size[n] - 1)) / 100);
  }

  draw() {
    if (!this.state) return;
    const { canvas } = this;
    const [width, height] = this.state.size;
    const fit = this.fit();
    this.scale = fit * this.zoom;
    const shown = [width * fit, height * fit];
    this.corner = this.corner.map((value, n) => Math.min(Math.max(value, 0), this.state.size[n] * (1 - 1 / this.zoom)));
    canvas.setAttribute("aria-busy", String(!this.bitmap));
    const density = window.devicePixelRatio || 1;
    canvas.style.width = `${shown[0]}px`;
    canvas.style.height = `${shown[1]}px`;
    canvas.width = Math.round(shown[0] * density);
    canvas.height = Math.round(shown[1] * density);
    const pen = canvas.getContext("2d");
    pen.scale(density, density);
    if (!this.bitmap) {
      pen.fillStyle = "#808080";
      pen.font = "15px system-ui, sans-serif";
      pen.textAlign = "center";
      pen.fillText("The image is coming …", shown[0] / 2, shown[1] / 2);
      return;
    }
    pen.imageSmoothingEnabled = this.scale < 4; // single pixels can be told apart
    pen.drawImage(this.bitmap, ...this.corner, width / this.zoom, height / this.zoom, 0, 0, ...shown);
    this.drawBox(pen);
    for (const tip of TIPS) {
      const at = this.at(tip);
      if (!at) continue;
      const isDashed = this.state.tips[tip][2] === HIDDEN;
      drawTip(pen, tip, ...this.toCanvas(at), { isDashed, isSet: true, isChosen: this.chosen === tip });
    }
  }

  drawBox(pen) {
    const [start, end] = CORNERS.map((corner) => this.toCanvas(this.at(corner)));
    for (const [colour, thick] of [["#000", 3], ["#fff", 1]]) {
      pen.strokeStyle = colour;
      pen.lineWidth = thick;
      pen.strokeRect(start[0], start[1], end[0] - start[0], end[1] - start[1]);
    }
    CORNERS.forEach((corner, n) => {
      const [x, y] = [start, end][n];
      const half = this.chosen === corner ? 6 : 4;
      pen.fillStyle = "#fff";
      pen.strokeStyle = "#000";
      pen.fillRect(x - half, y - half, 2 * half, 2 * half);
      pen.strokeRect(x - half, y - half, 2 * half, 2 * half);
    });
  }

  zoomBy(factor, about) {
    if (!this.state) return;
    const place = this.at(this.chosen) || this.at("box_start").map((value, n) => (value + this.at("box_end")[n]) / 2);
    const onCanvas = about || this.toCanvas(place);
    const middle = about ? about : [this.canvas.clientWidth / 2, this.canvas.clientHeight / 2];
    const inImage = [0, 1].map((n) => onCanvas[n] / this.scale + this.corner[n]);
    this.zoom = Math.min(Math.max(this.zoom * factor, 1), MAX_ZOOM);
    this.scale = this.fit() * this.zoom;
    this.corner = [0, 1].map((n) => inImage[n] - middle[n] / this.scale);
    this.draw();
  }

  whole() {
    [this.zoom, this.corner] = [1, [0, 0]];
    this.draw();
  }

  choose(point) {
    this.chosen = point;
    this.draw();
  }

  grab(event) {
    if (!this.state || !this.bitmap || event.button !== 0) return;
    const from = [event.offsetX, event.offsetY];
    this.canvas.setPointerCapture(event.pointerId);
    let best = null;
    let nearest = NEAR_PX;
    for (const point of [...TIPS, ...CORNERS]) {
      const at = this.at(point);
      if (!at) continue;
      const place = this.toCanvas(at);
      const away = Math.hypot(place[0] - from[0], place[1] - from[1]) + (point.startsWith("box") ? 4 : 0);
      if (away < nearest) [best, nearest] = [point, away];
    }
    if (!best && !this.at(this.chosen)) best = this.chosen; // a tip without a label is put where one clicks
    if (best) {
      const isNew = !this.at(best);
      const place = this.at(best) || this.toImage(from);
      this.drag = { point: best, at: place, from, start: place, isMoved: isNew };
      this.chosen = best;
    } else this.pan = { from, corner: this.corner };
    this.draw();
  }

  pull(event) {
    if (!event.buttons || !(this.drag?.from || this.pan)) return;
    const to = [event.offsetX, event.offsetY];
    const { from } = this.drag?.from ? this.drag : this.pan;
    const by = [0, 1].map((n) => (to[n] - from[n]) / this.scale);
    if (this.pan) this.corner = [0, 1].map((n) => this.pan.corner[n] - by[n]);
    else {
      if (Math.hypot(to[0] - from[0], to[1] - from[1]) > 2) this.drag.isMoved = true;
      if (this.drag.isMoved) this.drag.at = this.within([0, 1].map((n) => this.drag.start[n] + by[n]));
    }
    this.draw();
  }

  drop() {
    this.pan = null;
    if (!this.drag?.from) return;
    const { point, at, isMoved } = this.drag;
    delete this.drag.from;
    if (isMoved) this.moved(point, at);
    else this.letGo(point);
  }

  letGo(chosen = null) {
    this.drag = this.pan = null;
    if (chosen) this.moved(chosen, null);
    this.draw();
  }

  // Move the chosen point with the keyboard and return where it is; saved by the page.
  nudge(x, y) {
    const middle = this.at("box_start").map((value, n) => (value + this.at("box_end")[n]) / 2);
    const from = this.at(this.chosen) || middle;
    this.drag = { point: this.chosen, at: this.within([from[0] + x, from[1] + y]) };
    this.follow(this.drag.at);
    return this.drag.at;
  }

  // Keep a point in what is shown.
  follow(at) {
    const [x, y] = this.toCanvas(at);
    const [width, height] = [this.canvas.clientWidth, this.canvas.clientHeight];
    if (x < 10 || y < 10 || x > width - 10 || y > height - 10) {
      this.corner = [at[0] + 0.5 - width / 2 / this.scale, at[1] + 0.5 - height / 2 / this.scale];
    }
    this.draw();
  }
}
