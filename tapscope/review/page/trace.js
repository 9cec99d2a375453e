// The trace: aperture over time with task, closures and excluded spans, which can be dragged.

const NEAR_PX = 7;
const TOP = 20;
const BOTTOM = 22;
const LEFT = 44;

export class Trace {
  // on: {seek(time), add(time), move(from, to), bounds([start, end]), span(start, end), select(closure)}
  constructor(canvas, overview, on) {
    this.canvas = canvas;
    this.overview = overview;
    this.on = on;
    this.state = null;
    this.window = [0, 1];
    this.cursor = 0;
    this.selected = null;
    this.drag = null;
    canvas.addEventListener("pointerdown", (event) => this.grab(event));
    canvas.addEventListener("pointermove", (event) => this.pull(event));
    canvas.addEventListener("pointerup", () => this.drop());
    canvas.addEventListener("pointercancel", () => { this.drag = null; this.draw(); });
    canvas.addEventListener("dblclick", (event) => this.state && this.on.add(this.timeAt(event.offsetX)));
    canvas.addEventListener("wheel", (event) => { if (event.ctrlKey) { event.preventDefault(); this.zoom(event.deltaY > 0 ? 1.25 : 0.8); } }, { passive: false });
    overview.addEventListener("pointerdown", (event) => this.jump(event));
    overview.addEventListener("pointermove", (event) => event.buttons && this.jump(event));
  }

  open(state, isOther) {
    this.state = state;
    this.drag = null;
    const [first, last] = this.ends;
    if (isOther) this.window = [first, Math.min(last, first + 12)];
    const known = state.aperture.filter((value) => value !== null).sort((a, b) => a - b);
    this.top = known.length ? Math.max(known[Math.floor(0.995 * (known.length - 1))] * 1.12, 1e-6) : 1;
    if (this.selected !== null && !state.closures.some((each) => each.time_s === this.selected)) this.selected = null;
    this.draw();
  }

  get ends() {
    const times = this.state.time_s;
    return [times[0], Math.max(times[times.length - 1], times[0] + 0.1)];
  }

  get colours() {
    const style = getComputedStyle(document.documentElement);
    return (name) => style.getPropertyValue(`--${name}`).trim();
  }

  show(time) {
    this.cursor = time;
    const [start, end] = this.window;
    const margin = 0.08 * (end - start);
    if (time < start + margin || time > end - margin) this.shift(time - (start + end) / 2);
    this.draw();
  }

  shift(by) {
    const [first, last] = this.ends;
    const length = this.window[1] - this.window[0];
    const start = Math.min(Math.max(this.window[0] + by, first), Math.max(last - length, first));
    this.window = [start, start + length];
  }

  zoom(factor) {
    const [first, last] = this.ends;
    const length = Math.min(Math.max((this.window[1] - this.window[0]) * factor, 0.8), last - first);
    this.window = [this.cursor - length / 2, this.cursor + length / 2];
    this.shift(0);
    this.draw();
  }

  xAt(time) {
    const [start, end] = this.window;
    return LEFT + ((time - start) / (end - start)) * (this.width - LEFT - 6);
  }

  timeAt(x) {
    const [first, last] = this.ends;
    const [start, end] = this.window;
    const time = start + ((x - LEFT) / (this.width - LEFT - 6)) * (end - start);
    return Math.min(Math.max(time, first), last);
  }

  yAt(value) {
    return this.height - BOTTOM - (value / this.top) * (this.height - BOTTOM - TOP);
  }

  pen(canvas) {
    const density = window.devicePixelRatio || 1;
    const [width, height] = [canvas.clientWidth, canvas.clientHeight];
    canvas.width = width * density;
    canvas.height = height * density;
    const pen = canvas.getContext("2d");
    pen.scale(density, density);
    pen.font = "12px system-ui, sans-serif";
    return [pen, width, height];
  }

  // Return the bounds of the task as they are dragged.
  get task() {
    return this.drag?.kind === "bound" ? this.drag.bounds : this.state.task_s;
  }

  draw() {
    if (!this.state) return;
    const [pen, width, height] = this.pen(this.canvas);
    [this.width, this.height] = [width, height];
    const colour = this.colours;
    const floor = height - BOTTOM;
    pen.save();
    pen.beginPath();
    pen.rect(LEFT, 0, width - LEFT - 5, height);
    pen.clip();
    if (this.task) this.fill(pen, colour("task"), ...this.task, TOP - 6, floor);
    for (const span of this.state.spans) this.fill(pen, colour("out"), span.start_s, span.end_s, 0, floor);
    if (this.drag?.kind === "span") this.fill(pen, colour("out"), this.drag.start, this.drag.end, 0, floor);
    this.line(pen, colour("trace"), (n) => this.xAt(this.state.time_s[n]), (value) => this.yAt(value), 1.5);
    this.samples(pen, colour);
    for (const closure of this.state.closures) this.closure(pen, colour, closure, floor);
    if (this.task) this.task.forEach((time, n) => this.bound(pen, colour, time, n === 0));
    const x = this.xAt(this.cursor);
    pen.strokeStyle = colour("cursor");
    pen.lineWidth = 1.5;
    pen.beginPath();
    pen.moveTo(x, 0);
    pen.lineTo(x, floor);
    pen.stroke();
    pen.restore();
    this.scale(pen, colour, floor);
    this.axis(pen, colour, floor);
    this.drawOverview(colour);
  }

  fill(pen, colour, start, end, top, bottom) {
    pen.fillStyle = colour;
    const x = this.xAt(Math.min(start, end));
    pen.fillRect(x, top, Math.max(this.xAt(Math.max(start, end)) - x, 1), bottom - top);
  }

  axis(pen, colour, floor) {
    const [start, end] = this.window;
    const step = [0.1, 0.2, 0.5, 1, 2, 5, 10, 30].find((each) => (end - start) / each <= 12) || 60;
    pen.fillStyle = colour("pale");
    pen.strokeStyle = colour("line");
    pen.lineWidth = 1;
    for (let n = Math.ceil(start / step); n * step <= end; n += 1) {
      const x = this.xAt(n * step);
      pen.beginPath();
      pen.moveTo(x, floor);
      pen.lineTo(x, floor + 4);
      pen.stroke();
      pen.textAlign = "center";
      pen.fillText(`${Number((n * step).toFixed(1))}${n * step + step > end ? " s" : ""}`, x, floor + 17);
    }
  }

  scale(pen, colour, floor) {
    pen.fillStyle = colour("pale");
    pen.textAlign = "right";
    const step = [0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 50, 100, 200].find((each) => this.top / each <= 5) || 500;
    for (let value = 0; value <= this.top; value += step) pen.fillText(String(Number(value.toFixed(2))), LEFT - 6, this.yAt(value) + 4);
    pen.save();
    pen.translate(11, (TOP + floor) / 2);
    pen.rotate(-Math.PI / 2);
    pen.textAlign = "center";
    pen.fillText(`aperture, ${this.state.unit.replace("_", " ")}`, 0, 0);
    pen.restore();
    pen.strokeStyle = colour("line");
    pen.strokeRect(LEFT + 0.5, 0.5, this.width - LEFT - 6, floor);
  }

  line(pen, colour, x, y, thick) {
    pen.strokeStyle = colour;
    pen.lineWidth = thick;
    pen.beginPath();
    let isDown = false;
    this.state.aperture.forEach((value, n) => {
      if (value === null) isDown = false;
      else if (isDown) pen.lineTo(x(n), y(value));
      else { pen.moveTo(x(n), y(value)); isDown = true; }
    });
    pen.stroke();
  }

  samples(pen, colour) {
    const [start, end] = this.window;
    if (this.state.time_s.filter((time) => time >= start && time <= end).length > this.width / 5) return;
    this.state.time_s.forEach((time, n) => {
      const value = this.state.aperture[n];
      if (value === null || time < start || time > end) return;
      pen.fillStyle = this.state.confidence[n] < 0.5 ? colour("doubtful") : colour("trace");
      pen.beginPath();
      pen.arc(this.xAt(time), this.yAt(value), 2, 0, 2 * Math.PI);
      pen.fill();
    });
  }

  closure(pen, colour, closure, floor) {
    const isDragged = this.drag?.kind === "closure" && this.drag.from === closure.time_s;
    const x = this.xAt(isDragged ? this.drag.to : closure.time_s);
    const isSelected = this.selected === closure.time_s;
    pen.strokeStyle = pen.fillStyle = closure.placed || isDragged ? colour("link") : colour("ok");
    pen.lineWidth = isSelected ? 2.5 : 1;
    pen.setLineDash(isSelected ? [] : [2, 3]);
    pen.beginPath();
    pen.moveTo(x, TOP - 6);
    pen.lineTo(x, floor - 10);
    pen.stroke();
    pen.setLineDash([]);
    pen.lineWidth = 1.5;
    const size = isSelected ? 7 : 5;
    pen.beginPath();
    pen.moveTo(x, floor - 2 - 1.8 * size);
    pen.lineTo(x + size, floor - 2);
    pen.lineTo(x - size, floor - 2);
    pen.closePath();
    if (closure.counts || isDragged) pen.fill();
    pen.stroke();
  }

  bound(pen, colour, time, isStart) {
    const x = this.xAt(time);
    pen.strokeStyle = pen.fillStyle = colour("link");
    pen.lineWidth = 2;
    pen.beginPath();
    pen.moveTo(x, 2);
    pen.lineTo(x, this.height - BOTTOM);
    pen.stroke();
    pen.beginPath();
    pen.moveTo(x, 2);
    pen.lineTo(x + (isStart ? 11 : -11), 7);
    pen.lineTo(x, 12);
    pen.fill();
    pen.textAlign = isStart ? "left" : "right";
    pen.fillText(isStart ? "start" : "end", x + (isStart ? 14 : -14), 12);
  }

  drawOverview(colour) {
    const [pen, width, height] = this.pen(this.overview);
    const [first, last] = this.ends;
    const x = (time) => ((time - first) / (last - first)) * width;
    if (this.task) { pen.fillStyle = colour("task"); pen.fillRect(x(this.task[0]), 0, x(this.task[1]) - x(this.task[0]), height); }
    pen.fillStyle = colour("out");
    for (const span of this.state.spans) pen.fillRect(x(span.start_s), 0, Math.max(x(span.end_s) - x(span.start_s), 1), height);
    this.line(pen, colour("pale"), (n) => x(this.state.time_s[n]), (value) => height - 3 - (value / this.top) * (height - 6), 1);
    pen.strokeStyle = colour("link");
    pen.lineWidth = 2;
    pen.strokeRect(x(this.window[0]) + 1, 1, x(this.window[1]) - x(this.window[0]) - 2, height - 2);
    pen.strokeStyle = colour("cursor");
    pen.beginPath();
    pen.moveTo(x(this.cursor), 0);
    pen.lineTo(x(this.cursor), height);
    pen.stroke();
  }

  jump(event) {
    if (!this.state) return;
    const [first, last] = this.ends;
    this.on.seek(first + (event.offsetX / this.overview.clientWidth) * (last - first));
  }

  grab(event) {
    if (!this.state || event.button !== 0) return;
    const { offsetX: x, offsetY: y } = event;
    const time = this.timeAt(x);
    this.canvas.setPointerCapture(event.pointerId);
    if (event.shiftKey) {
      this.drag = { kind: "span", start: time, end: time };
      return;
    }
    const bound = this.task ? this.task.findIndex((each) => Math.abs(this.xAt(each) - x) < NEAR_PX + 3) : -1;
    if (bound >= 0 && y < TOP) {
      this.drag = { kind: "bound", n: bound, bounds: [...this.task], x, isMoved: false };
      return;
    }
    const near = this.state.closures
      .map((each) => [Math.abs(this.xAt(each.time_s) - x), each.time_s])
      .sort((one, other) => one[0] - other[0])[0];
    if (near && near[0] < NEAR_PX) {
      this.drag = { kind: "closure", from: near[1], to: near[1], x, isMoved: false };
      this.on.select(near[1]);
      return;
    }
    this.drag = { kind: "seek" };
    this.on.seek(time);
  }

  pull(event) {
    if (!this.drag || !event.buttons) {
      this.canvas.style.cursor = this.isOverHandle(event) ? "ew-resize" : "crosshair";
      return;
    }
    const time = this.timeAt(event.offsetX);
    if (Math.abs(event.offsetX - this.drag.x) > 2) this.drag.isMoved = true;
    if (this.drag.kind === "seek") this.on.seek(time);
    else if (this.drag.kind === "span") this.drag.end = time;
    else if (this.drag.isMoved && this.drag.kind === "bound") this.drag.bounds[this.drag.n] = time;
    else if (this.drag.isMoved) this.drag.to = time;
    this.draw();
  }

  drop() {
    const drag = this.drag;
    this.drag = null;
    if (!drag) return;
    if (drag.kind === "span" && Math.abs(drag.end - drag.start) > 0.01) this.on.span(Math.min(drag.start, drag.end), Math.max(drag.start, drag.end));
    else if (drag.kind === "bound" && drag.isMoved) this.on.bounds(drag.bounds);
    else if (drag.kind === "closure" && drag.isMoved) this.on.move(drag.from, drag.to);
    this.draw();
  }

  isOverHandle(event) {
    if (!this.state) return false;
    if (event.offsetY < TOP && this.task?.some((each) => Math.abs(this.xAt(each) - event.offsetX) < NEAR_PX + 3)) return true;
    return this.state.closures.some((each) => Math.abs(this.xAt(each.time_s) - event.offsetX) < NEAR_PX);
  }
}
