// The page: asks the server for a recording's state, shows it, and sends corrections.

import { ask, find, isForField, post, rater, say, warn, whoReviews } from "./page.js";
import { Picture } from "./picture.js";
import { Trace } from "./trace.js";

const NUDGE_S = 0.005;
const WORDS = {
  tap: (entry) => (entry.before === null ? `closure added at ${seconds(entry.after)}` : entry.after === null ? `closure deleted at ${seconds(entry.before)}` : `closure moved from ${seconds(entry.before)} to ${seconds(entry.after)}`),
  task: (entry) => `task set to ${entry.after.map(seconds).join(" – ")}`,
  tip: (entry) => `${entry.keypoint.replace("_tip", "")} tip placed in frame ${entry.frame}`,
  span: (entry) => (entry.after === null ? `${range(entry.before)} included again` : `${range(entry.after)} excluded: ${entry.after.reason}`),
  recording: (entry) => (entry.after === null ? "recording included again" : `recording excluded: ${entry.after}`),
  undo: (entry) => `entry ${entry.undone} taken back`,
  sign: () => "signed",
};

const seconds = (time) => `${time.toFixed(3)} s`;
const range = (span) => `${span.start_s.toFixed(2)} – ${span.end_s.toFixed(2)} s`;

let recordings = [];
let state = null;
let place = 0;
let isBusy = false;
let playing = null;

const picture = new Picture(
  find("picture"),
  (frame, view) => `api/recordings/${state.index}/frames/${frame}?view=${view}`,
  (tip, at) => correct({ kind: "tip", frame: state.frames[place], keypoint: tip, after: at }, "tip placed"),
  warn,
);
const trace = new Trace(find("trace"), find("overview"), {
  seek: (time) => { stop(); seek(time); },
  add: (time) => correct({ kind: "tap", before: null, after: time }, "closure added"),
  move: (from, to) => correct({ kind: "tap", before: from, after: to }, "closure moved"),
  bounds: (bounds) => correct({ kind: "task", after: bounds }, "task set"),
  span: (start, end) => { find("span-start").value = start.toFixed(3); find("span-end").value = end.toFixed(3); find("span-reason").focus(); },
  select,
});

// Send a correction; what is shown afterwards is what the server made of it.
async function correct(asked, words) {
  if (!state || isBusy) return false;
  isBusy = true;
  document.body.setAttribute("aria-busy", "true");
  let isSaved = false;
  try {
    const whole = { before: null, after: null, ...asked, entries: state.entries };
    accept(await post(`api/recordings/${state.index}/corrections`, whole), false);
    warn("");
    say(`Saved: ${words}`);
    isSaved = true;
  } catch (problem) {
    warn(`Not saved. ${problem.message}`);
    if (problem.status === 409) accept(await ask(`api/recordings/${state.index}`), false);
  }
  isBusy = false;
  document.body.removeAttribute("aria-busy");
  picture.letGo();
  trace.draw();
  return isSaved;
}

function accept(content, isOther) {
  state = content;
  recordings[state.index] = Object.fromEntries(Object.keys(recordings[state.index]).map((key) => [key, state[key]]));
  if (isOther) {
    place = state.task_s ? nearest(state.task_s[0]) : 0;
    trace.selected = null;
  }
  picture.open(state, find("view").value);
  trace.open(state, isOther);
  render();
  show(place);
}

async function open(index) {
  stop();
  const listed = recordings[index];
  if (!listed) return;
  location.hash = String(index);
  state = null;
  find("name").textContent = listed.name;
  setStatus(find("verdict"), listed.status, listed.reason);
  find("problem").hidden = !listed.problem;
  find("problem").textContent = listed.problem;
  find("work").hidden = find("side").hidden = true;
  if (!listed.problem) {
    try {
      const content = await ask(`api/recordings/${index}`);
      find("work").hidden = find("side").hidden = false;
      accept(content, true);
      warn("");
      say(`${listed.name} is shown`);
    } catch (problem) {
      warn(problem.message);
    }
  }
  renderList();
}

function setStatus(element, status, reason) {
  const name = document.createElement("span");
  name.className = status;
  name.textContent = status;
  element.replaceChildren(name, reason ? `: ${reason}` : "");
}

function renderList() {
  const wanted = find("search").value.toLowerCase();
  const items = recordings.filter((each) => each.name.toLowerCase().includes(wanted)).map((each) => {
    const button = document.createElement("button");
    button.type = "button";
    button.textContent = each.name;
    button.setAttribute("aria-current", String(Number(location.hash.slice(1)) === each.index));
    const note = document.createElement("small");
    setStatus(note, each.status, "");
    note.append(` · ${progressOf(each)}`);
    button.append(note);
    button.addEventListener("click", () => open(each.index));
    const item = document.createElement("li");
    item.append(button);
    return item;
  });
  find("recordings").replaceChildren(...items);
  const done = recordings.filter((each) => each.signed && !each.unsigned).length;
  find("progress").textContent = `${done} of ${recordings.length} signed`;
}

function progressOf(each) {
  if (each.problem) return "cannot be reviewed";
  if (each.unsigned) return "changes not signed";
  return each.signed ? "signed" : "not looked at";
}

function render() {
  renderList();
  setStatus(find("verdict"), state.verdict.status, state.verdict.reason);
  find("no-picture").hidden = !state.videoProblem;
  find("no-picture").textContent = state.videoProblem;
  find("picture").hidden = Boolean(state.videoProblem);
  find("features").replaceChildren(...state.features.map((feature) => {
    const row = document.createElement("tr");
    const head = document.createElement("th");
    head.scope = "row";
    head.textContent = feature.name;
    const cells = [feature.found, feature.now].map((value) => {
      const cell = document.createElement("td");
      cell.textContent = value === null ? "" : String(Number(value.toPrecision(3)));
      return cell;
    });
    if (feature.found !== feature.now) cells[1].className = "changed";
    row.append(head, ...cells);
    return row;
  }));
  find("signed").textContent = state.unsigned
    ? `${state.unsigned} change${state.unsigned === 1 ? "" : "s"} not signed: tapscope analyze does not use them yet.`
    : state.signed ? `Signed by ${rater} on ${state.signed.slice(0, 16).replace("T", " ")} UTC.` : "Nothing was changed. Sign if all is right as it is.";
  find("sign").disabled = Boolean(state.signed) && !state.unsigned;
  find("undo").disabled = !state.corrections;
  find("spans").replaceChildren(...state.spans.map((span) => {
    const item = document.createElement("li");
    const button = document.createElement("button");
    button.type = "button";
    button.textContent = "Include again";
    button.setAttribute("aria-label", `Include ${range(span)} again`);
    button.addEventListener("click", () => correct({ kind: "span", before: span }, "span included again"));
    item.append(`${range(span)}: ${span.reason} `, button);
    return item;
  }));
  find("exclusion").hidden = !state.exclusion;
  find("exclusion-text").textContent = `Excluded: ${state.exclusion}`;
  find("recording-form").hidden = Boolean(state.exclusion);
  find("history").replaceChildren(...state.history.toReversed().map((entry) => {
    const item = document.createElement("li");
    item.textContent = `${entry.number}. ${WORDS[entry.kind](entry)} · ${entry.utc.slice(11, 19)} UTC`;
    if (!entry.inForce && entry.kind !== "sign" && entry.kind !== "undo") item.className = "undone";
    return item;
  }), ...state.notes.map((note) => Object.assign(document.createElement("li"), { textContent: note })));
  find("closure-count").textContent = String(state.closures.length);
  find("closures").replaceChildren(...state.closures.map((closure) => {
    const button = document.createElement("button");
    button.type = "button";
    button.textContent = closure.time_s.toFixed(3);
    button.setAttribute("aria-label", `Closure at ${seconds(closure.time_s)}${closure.placed ? ", placed by you" : ""}${closure.counts ? "" : ", belongs to no tap"}`);
    button.setAttribute("aria-pressed", String(trace.selected === closure.time_s));
    button.addEventListener("click", () => { seek(closure.time_s); select(closure.time_s); });
    const item = document.createElement("li");
    item.append(button);
    return item;
  }));
  renderSelected();
}

function renderSelected() {
  const chosen = trace.selected;
  find("selected").textContent = chosen === null ? "No closure is selected." : `Closure at ${seconds(chosen)} is selected.`;
  find("delete").disabled = find("move").disabled = chosen === null;
}

function select(time) {
  trace.selected = time;
  for (const button of find("closures").querySelectorAll("button")) button.setAttribute("aria-pressed", String(time !== null && button.textContent === time.toFixed(3)));
  renderSelected();
  trace.draw();
}

function nearest(time) {
  const times = state.time_s;
  let low = 0;
  let high = times.length - 1;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (times[middle] < time) low = middle + 1;
    else high = middle;
  }
  return low > 0 && time - times[low - 1] < times[low] - time ? low - 1 : low;
}

function seek(time) {
  show(nearest(time));
}

function show(number) {
  if (!state) return;
  place = Math.min(Math.max(number, 0), state.time_s.length - 1);
  if (!state.videoProblem) picture.show(place);
  trace.show(state.time_s[place]);
  const reason = state.reasons[place];
  const aperture = state.aperture[place];
  const value = aperture === null ? `not known (${reason.replaceAll("_", " ")})` : aperture.toFixed(3);
  find("where").textContent = `${seconds(state.time_s[place])}, frame ${state.frames[place]}`;
  find("picture").setAttribute("aria-label", `Picture at ${seconds(state.time_s[place])}. Aperture ${value}.`);
  find("trace").setAttribute("aria-label", `Aperture over time. Cursor at ${seconds(state.time_s[place])}, aperture ${value}. ${state.closures.length} closures.`);
}

function stop() {
  if (playing !== null) cancelAnimationFrame(playing);
  playing = null;
  find("play").textContent = "Play";
}

function play() {
  if (playing !== null || !state) return stop();
  if (place >= state.time_s.length - 1) place = 0;
  let last = performance.now();
  let time = state.time_s[place];
  find("play").textContent = "Stop";
  const step = (now) => {
    const next = time + ((now - last) / 1000) * Number(find("speed").value);
    last = now;
    let number = place;
    while (number + 1 < state.time_s.length && state.time_s[number + 1] <= next) number += 1;
    // the clock waits for a picture that has not come yet, so that both stay in step
    if (number === place || state.videoProblem || picture.has(number)) time = next;
    else number = place;
    if (number !== place) show(number);
    if (place >= state.time_s.length - 1) return stop();
    playing = requestAnimationFrame(step);
    return undefined;
  };
  playing = requestAnimationFrame(step);
  return undefined;
}

function neighbour(direction) {
  const times = state.closures.map((each) => each.time_s);
  const from = trace.selected ?? state.time_s[place];
  const found = direction > 0 ? times.find((time) => time > from + 1e-6) : times.findLast((time) => time < from - 1e-6);
  if (found === undefined) return;
  seek(found);
  select(found);
  say(`Closure at ${seconds(found)}`);
}

const now = () => state.time_s[place];
const duration = () => state.time_s[state.time_s.length - 1];
const actions = {
  back: () => { stop(); show(place - 1); },
  forward: () => { stop(); show(place + 1); },
  play,
  previous: () => neighbour(-1),
  next: () => neighbour(1),
  add: () => correct({ kind: "tap", after: now() }, "closure added"),
  delete: () => trace.selected !== null && correct({ kind: "tap", before: trace.selected }, "closure deleted"),
  move: () => moveTo(now()),
  start: () => correct({ kind: "task", after: [now(), state.task_s ? state.task_s[1] : duration()] }, "task start set"),
  end: () => correct({ kind: "task", after: [state.task_s ? state.task_s[0] : state.time_s[0], now()] }, "task end set"),
  wider: () => trace.zoom(1.5),
  closer: () => trace.zoom(1 / 1.5),
  undo: () => state.corrections && correct({ kind: "undo" }, "last correction taken back"),
  sign: () => correct({ kind: "sign" }, "signed"),
  include: () => correct({ kind: "recording" }, "recording included again"),
  "span-here": () => {
    const [start, end] = [find("span-start"), find("span-end")];
    if (!start.value || end.value) [start.value, end.value] = [now().toFixed(3), ""];
    else { end.value = now().toFixed(3); find("span-reason").focus(); }
    say(`Span from ${start.value} to ${end.value || "the cursor"}`);
  },
};

async function moveTo(time) {
  const from = trace.selected;
  if (from === null || time === from) return;
  if (await correct({ kind: "tap", before: from, after: time }, "closure moved")) select(time);
}

const KEYS = {
  " ": "play", "[": "previous", "]": "next", a: "add", Delete: "delete", Backspace: "delete", m: "move",
  s: "start", e: "end", u: "undo", x: "span-here", "+": "closer", "=": "closer", "-": "wider",
};

document.addEventListener("keydown", (event) => {
  if (!state || isForField(event)) return;
  const at = event.target;
  const isArrow = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] }[event.key];
  if (isArrow && event.shiftKey && at.id === "picture") {
    const [x, y] = picture.nudge(...isArrow);
    say(`${picture.tip.replace("_tip", "")} tip at ${Math.round(x)}, ${Math.round(y)}; Enter saves`);
  } else if (isArrow && isArrow[0] && !at.matches("input")) {
    stop();
    show(place + isArrow[0] * (event.shiftKey ? 10 : 1));
  } else if (event.key === "Enter" && at.id === "picture") picture.save();
  else if (event.key === "Escape") picture.letGo();
  else if ((event.key === "," || event.key === ".") && trace.selected !== null) moveTo(trace.selected + (event.key === "," ? -NUDGE_S : NUDGE_S));
  else if (event.key === "t" || event.key === "i") {
    const chosen = document.querySelector(`input[name=tip][value=${event.key === "t" ? "thumb" : "index"}_tip]`);
    chosen.checked = true;
    picture.tip = chosen.value;
    say(`${event.key === "t" ? "thumb" : "index"} tip chosen`);
  } else if (KEYS[event.key]) actions[KEYS[event.key]]();
  else return;
  event.preventDefault();
});

for (const [id, action] of Object.entries(actions)) find(id).addEventListener("click", () => state && action());
for (const input of document.querySelectorAll("input[name=tip]")) input.addEventListener("change", () => { picture.tip = input.value; });
find("view").addEventListener("change", () => { picture.open(state, find("view").value); show(place); });
find("search").addEventListener("input", renderList);
window.addEventListener("resize", () => state && show(place));
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => trace.draw());

find("span-form").addEventListener("submit", async (event) => {
  event.preventDefault();
  const [start, end] = ["span-start", "span-end"].map((id) => Number(find(id).value.replace(",", ".")));
  const span = { start_s: start, end_s: end, reason: find("span-reason").value };
  if (await correct({ kind: "span", after: span }, "span excluded")) event.target.reset();
});
find("recording-form").addEventListener("submit", async (event) => {
  event.preventDefault();
  if (await correct({ kind: "recording", after: find("recording-reason").value }, "recording excluded")) event.target.reset();
});

async function begin() {
  try {
    const study = await ask("api/recordings");
    recordings = study.recordings;
    find("title").textContent = `Review of ${study.table}`;
    document.title = `Review of ${study.table}`;
    warn("");
  } catch (problem) {
    warn(problem.message);
    return;
  }
  const wanted = Number(location.hash.slice(1));
  const first = recordings.findIndex((each) => !each.problem);
  await open(location.hash && recordings[wanted] ? wanted : Math.max(first, 0));
}

whoReviews(begin);
