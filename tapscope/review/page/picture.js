// The picture: frames fetched ahead, drawn with both tips, and tips that can be dragged.

import { drawTip } from "./marker.js";

const AHEAD = 40;
const BEHIND = 10;
const KEPT = 240;
const NEAR_PX = 16;
const MAX_HEIGHT = 340;

export class Picture {
  // canvas: where it is drawn; address: (frame, view) -> URL; moved: (tip, place) when one is dropped;
  // failed: (text) when a picture cannot be shown
  constructor(canvas, address, moved, failed) {
    this.canvas = canvas;
    this.address = address;
    this.moved = moved;
    this.failed = failed;
    this.images = new Map();
    this.state = null;
    this.place = 0;
    this.view = "hand";
    this.tip = "index_tip";
    this.drag = null;
    canvas.addEventListener("pointerdown", (event) => this.grab(event));
    canvas.addEventListener("pointermove", (event) => this.pull(event));
    canvas.addEventListener("pointerup", (event) => this.drop(event));
    canvas.addEventListener("pointercancel", () => this.letGo());
  }

  // Show a recording: all pictures of the one before are dropped.
  open(state, view) {
    if (!this.state || this.state.index !== state.index || this.view !== view) {
      this.images.clear();
    }
    this.state = state;
    this.view = view;
    this.drag = null;
  }

  get box() {
    return this.state.boxes[this.view];
  }

  has(place) {
    return this.images.get(this.state.frames[place])?.image !== undefined;
  }

  show(place) {
    this.place = place;
    this.drag = null;
    const last = this.state.frames.length - 1;
    for (let n = place; n <= Math.min(place + AHEAD, last); n += 1) this.load(n);
    for (let n = place - 1; n >= Math.max(place - BEHIND, 0); n -= 1) this.load(n);
    this.draw();
  }

  load(place) {
    const frame = this.state.frames[place];
    if (this.images.has(frame)) return;
    const entry = {};
    const images = this.images;
    const state = this.state;
    images.set(frame, entry);
    while (images.size > KEPT) images.delete(images.keys().next().value);
    fetch(this.address(frame, this.view))
      .then((answer) => (answer.ok ? answer.blob() : Promise.reject(answer)))
      .then((blob) => createImageBitmap(blob))
      .then((image) => {
        entry.image = image;
        if (this.state && this.state.index === state.index && this.state.frames[this.place] === frame) this.draw();
      })
      .catch((answer) => {
        images.delete(frame); // asked for again when it is shown
        if (answer instanceof Response) answer.json().then((content) => this.failed(content.error)).catch(() => {});
      });
  }

  // Return where a tip is in the image, with a drag that is not saved yet.
  tipAt(tip) {
    if (this.drag && this.drag.tip === tip) return this.drag.at;
    return this.state.tips[tip][this.place];
  }

  draw() {
    const { canvas, box } = this;
    const room = canvas.parentElement.clientWidth;
    const scale = Math.min(room / box.width, MAX_HEIGHT / box.height);
    const density = window.devicePixelRatio || 1;
    const [width, height] = [Math.round(box.width * scale), Math.round(box.height * scale)];
    canvas.style.width = `${width}px`;
    canvas.style.height = `${height}px`;
    canvas.width = width * density;
    canvas.height = height * density;
    const pen = canvas.getContext("2d");
    pen.scale(density, density);
    this.scale = scale;
    const image = this.images.get(this.state.frames[this.place])?.image;
    if (image) pen.drawImage(image, 0, 0, width, height);
    else {
      pen.fillStyle = "#808080";
      pen.font = "15px system-ui, sans-serif";
      pen.textAlign = "center";
      pen.fillText("The picture is coming …", width / 2, height / 2);
    }
    for (const tip of ["thumb_tip", "index_tip"]) {
      const at = this.tipAt(tip);
      if (!at) continue;
      const [x, y] = [(at[0] - box.x) * scale, (at[1] - box.y) * scale];
      const isSet = this.state.setTips.some(([frame, name]) => frame === this.state.frames[this.place] && name === tip);
      drawTip(pen, tip, x, y, { isDashed: this.drag?.tip === tip, isSet });
    }
  }

  grab(event) {
    if (!this.state) return;
    const at = [event.offsetX, event.offsetY];
    let best = null;
    let nearest = NEAR_PX;
    for (const tip of ["thumb_tip", "index_tip"]) {
      const place = this.tipAt(tip);
      if (!place) continue;
      const away = Math.hypot((place[0] - this.box.x) * this.scale - at[0], (place[1] - this.box.y) * this.scale - at[1]);
      if (away < nearest) [best, nearest] = [tip, away];
    }
    if (!best && !this.tipAt(this.tip)) best = this.tip; // a tip that was not seen is put where one clicks
    if (!best) return;
    this.canvas.setPointerCapture(event.pointerId);
    this.drag = { tip: best, at: this.toImage(at), from: at, isMoved: !this.tipAt(best) };
    this.draw();
  }

  pull(event) {
    if (!this.drag || !event.buttons) return;
    const at = [event.offsetX, event.offsetY];
    if (Math.hypot(at[0] - this.drag.from[0], at[1] - this.drag.from[1]) > 2) this.drag.isMoved = true;
    if (this.drag.isMoved) this.drag.at = this.toImage(at);
    this.draw();
  }

  drop() {
    if (!this.drag) return;
    const { tip, at, isMoved } = this.drag;
    if (isMoved) this.moved(tip, at);
    else this.letGo();
  }

  letGo() {
    this.drag = null;
    if (this.state) this.draw();
  }

  // Move the chosen tip with the keyboard; saved by `save`.
  nudge(x, y) {
    const from = this.tipAt(this.tip) || [this.box.x + this.box.width / 2, this.box.y + this.box.height / 2];
    const [width, height] = this.state.size;
    const at = [Math.min(Math.max(from[0] + x, 0), width), Math.min(Math.max(from[1] + y, 0), height)];
    this.drag = { tip: this.tip, at, from: [0, 0], isMoved: true };
    this.draw();
    return at;
  }

  save() {
    if (this.drag) this.drop();
  }

  toImage([x, y]) {
    const [width, height] = this.state.size;
    return [
      Math.min(Math.max(this.box.x + x / this.scale, 0), width),
      Math.min(Math.max(this.box.y + y / this.scale, 0), height),
    ];
  }
}
