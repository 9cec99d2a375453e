"use strict";
// The image is asked for frame after frame, the rest five times a second. Text from the program is
// only ever put in as text.

const at = (id) => document.getElementById(id);
const STATE_EVERY_MS = 200, TRACE_S = 6;
let gone = false, resultName = "", isNameFilled = false;

function end(message) {
  gone = true;
  alertOf(message);
}

function alertOf(message) {
  at("alert").textContent = message;
  at("alert").hidden = !message;
}

async function showFrames() {
  let number = null;
  while (!gone) {
    try {
      const answer = await fetch(number === null ? "frames/first" : `frames/after/${number}`);
      if (answer.status !== 200) { await pause(200); continue; }
      number = Number(answer.headers.get("X-Frame-Number"));
      await show(await answer.blob());
    } catch {
      await pause(500);
    }
  }
}

const pause = (ms) => new Promise((done) => setTimeout(done, ms));

// A data address, because the policy of the page allows no other source of images.
function show(blob) {
  return new Promise((done) => {
    const reader = new FileReader();
    reader.onload = () => { at("frame").src = reader.result; done(); };
    reader.onerror = done;
    reader.readAsDataURL(blob);
  });
}

async function showState() {
  while (!gone) {
    try {
      const answer = await fetch("api/state");
      render(await answer.json());
    } catch {
      end("tapscope live has ended. The terminal says what was kept.");
    }
    await pause(STATE_EVERY_MS);
  }
}

const figure = (value, digits, unit) => value === null ? "–" : `${value.toFixed(digits)} ${unit}`;

function render(state) {
  at("view").dataset.phase = state.phase;
  at("source").textContent = state.source;
  at("text").textContent = state.text;
  const rest = state.advice.filter((text) => text !== state.text);
  at("advice").replaceChildren(...rest.map((text) => element("li", text)));
  const isCounting = state.phase === "countdown" && state.left_s !== null;
  at("count").hidden = !isCounting;
  if (isCounting) at("count").textContent = Math.max(1, Math.ceil(state.left_s));
  if (state.phase === "recording" && state.left_s !== null)
    at("text").textContent += ` ${Math.ceil(state.left_s)} s`;
  at("rate").textContent = figure(state.rate_hz, 2, "taps/s");
  at("captured").textContent = figure(state.captured_hz, 1, "frames/s");
  at("shown").textContent = figure(state.shown_hz, 1, "frames/s");
  at("dropped").textContent = `${state.dropped} frames`;
  at("unit").textContent = state.unit;
  const isIdle = state.phase === "watching";
  at("start").disabled = !isIdle || Boolean(state.problem);
  at("name").disabled = !isIdle;
  at("insist").hidden = !(state.phase === "preparing" && state.advice.length);
  at("start").hidden = !at("insist").hidden;
  at("cancel").disabled = !["preparing", "countdown"].includes(state.phase);
  if (!isNameFilled) { at("name").value = state.given_name; isNameFilled = true; }
  if (state.problem) alertOf(state.problem);
  drawTrace(state);
  if (state.result) renderResult(state.result);
}

function element(tag, text) {
  const made = document.createElement(tag);
  made.textContent = text;
  return made;
}

function renderResult(result) {
  if (result.name === resultName) return;
  resultName = result.name;
  at("name").value = "";
  at("result").hidden = false;
  at("result-name").textContent = result.name;
  const { status, reason, ...numbers } = result.cells;
  at("status").className = status ?? "";
  at("status").textContent = reason ? `${status}: ${reason}` : status ?? "not measured";
  at("cells").replaceChildren(...Object.entries(numbers).map(([name, value]) => {
    const row = document.createElement("tr");
    row.append(element("th", name), element("td", value === null ? "–" : String(value)));
    return row;
  }));
  at("table").textContent = result.table;
  // what is read as fast as possible has no latency to speak of
  if (result.is_live) at("speed").textContent = `Live: ${figure(result.marked_hz, 1, "frames/s")}, ` +
    `${result.dropped} of ${result.frames} dropped, latency ` +
    `${figure(result.latency_median_ms, 0, "ms")} (median), ` +
    `${figure(result.latency_p95_ms, 0, "ms")} (95th percentile)`;
}

function drawTrace(state) {
  const canvas = at("trace"), style = getComputedStyle(document.documentElement);
  const scale = window.devicePixelRatio || 1;
  const width = canvas.clientWidth, height = canvas.clientHeight;
  canvas.width = width * scale;
  canvas.height = height * scale;
  const pen = canvas.getContext("2d");
  pen.scale(scale, scale);
  if (!state.time_s.length) return;
  const now = state.time_s[state.time_s.length - 1];
  const most = Math.max(1e-6, ...state.aperture.filter((value) => value !== null));
  const x = (time) => width * (1 - (now - time) / TRACE_S);
  const y = (value) => height - 14 - (height - 24) * (value / most);
  pen.strokeStyle = style.getPropertyValue("--trace");
  pen.lineWidth = 1.5;
  pen.beginPath();
  let isDown = false;
  state.aperture.forEach((value, n) => {
    if (value === null) { isDown = false; return; }
    if (isDown) pen.lineTo(x(state.time_s[n]), y(value));
    else pen.moveTo(x(state.time_s[n]), y(value));
    isDown = true;
  });
  pen.stroke();
  pen.fillStyle = style.getPropertyValue("--closure");
  for (const time of state.closure_s) {
    const middle = x(time);
    pen.beginPath();
    pen.moveTo(middle, height - 11);
    pen.lineTo(middle - 5, height - 2);
    pen.lineTo(middle + 5, height - 2);
    pen.fill();
  }
}

async function post(path, content) {
  const answer = await fetch(path, {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify(content),
  });
  const said = await answer.json();
  alertOf(answer.ok ? "" : said.error);
}

at("test").addEventListener("submit", (event) => {
  event.preventDefault();
  post("api/start", { name: at("name").value });
});
at("insist").addEventListener("click", () => post("api/insist", {}));
at("cancel").addEventListener("click", () => post("api/cancel", {}));
showFrames();
showState();
