// The page: asks the server for the images of a folder, shows one, and sends changes of its labels.

import { HIDDEN, LabelImage } from "./label_image.js";
import { ask, find, isForField, post, rater, say, warn, whoReviews } from "./page.js";

const SAVE_AFTER_MS = 500; // after the last arrow key
const TIPS = ["thumb_tip", "index_tip"];
const POINTS = [...TIPS, "box_start", "box_end"];
const NAMES = { thumb_tip: "thumb tip", index_tip: "index tip", box_start: "box, top left", box_end: "box, bottom right" };
const SEEN = 2;
const VISIBILITIES = [[SEEN, "In sight"], [HIDDEN, "Hidden"], [0, "No label"]];
const FILTERS = ["to do", "all", "accepted", "skipped"];

let images = [];
let state = null;
let canUndo = false;
let visited = [];
let queue = Promise.resolve(); // one change after the other
let pending = null; // what the arrow keys have moved and nobody has saved: {point, at, timer}
const bitmaps = new Map();

const picture = new LabelImage(find("picture"), (point, at) => {
  choose(point);
  if (at) run(() => savePoint(point, at));
});

// Do something after everything that was asked for before.
function run(action) {
  queue = queue.then(action).catch((problem) => warn(problem.message));
  return queue;
}

function note(text) {
  find("saved").textContent = text;
}

// Send a change; what is shown afterwards is what the server has on its disk.
async function send(path, asked, words) {
  const sent = picture.drag;
  note("saving …");
  try {
    const content = await post(path, asked);
    if (picture.drag === sent && !sent?.from) picture.drag = null; // else a point moves again already
    take(content);
    if (content.index !== state.index) await show(content.index, true);
    else display(content, false);
    warn("");
    note(`saved: ${words}`);
    say(`Saved: ${words}`);
    return true;
  } catch (problem) {
    warn(`Not saved. ${problem.message}`);
    note("not saved");
    picture.letGo();
    if (problem.status === 409) {
      const content = await ask(`api/images/${state.index}`);
      take(content);
      display(content, false);
    }
    return false;
  }
}

const change = (kind, after, words) => send(`api/images/${state.index}/labels`, { kind, after, entries: state.entries }, words);

function savePoint(point, at) {
  if (TIPS.includes(point)) return change(point, [...at, state.tips[point][2] || SEEN], `${NAMES[point]} placed`);
  const box = point === "box_start" ? [...at, ...state.box.slice(2)] : [...state.box.slice(0, 2), ...at];
  return change("box", box, "box changed");
}

// Save what the arrow keys have moved; whether nothing is left to save.
async function flush() {
  if (!pending) return true;
  clearTimeout(pending.timer);
  const { point, at } = pending;
  pending = null;
  return savePoint(point, at);
}

function nudge(x, y) {
  const at = picture.nudge(x, y);
  note("not saved yet");
  find("where").textContent = place(picture.chosen, at);
  clearTimeout(pending?.timer);
  pending = { point: picture.chosen, at, timer: setTimeout(() => run(flush), SAVE_AFTER_MS) };
}

function take(content) {
  canUndo = content.canUndo;
  images[content.index] = content;
}

function display(content, isOther) {
  state = content;
  picture.open(state, bitmaps.get(state.index) || null, isOther);
  render();
}

async function show(index, isBack = false) {
  if (state && !isBack && state.index !== index) visited.push(state.index);
  location.hash = String(index);
  display(images[index], true);
  find("work").hidden = find("side").hidden = false;
  picture.draw(); // now it has room
  note("");
  await load(index);
  if (state.index !== index) return;
  picture.open(state, bitmaps.get(index) || null, true);
  const following = after(index);
  if (following !== null) load(following);
}

async function load(index) {
  const known = bitmaps.get(index);
  if (known) { // it is the last to be dropped now
    bitmaps.delete(index);
    bitmaps.set(index, known);
    return;
  }
  const answer = await fetch(`api/images/${index}/picture`).catch(() => null);
  if (!answer) { warn("The program does not answer. Start 'tapscope review' again and open its new address: what was saved is kept."); return; }
  if (!answer.ok) { warn((await answer.json().catch(() => ({ error: "The image cannot be shown." }))).error); return; }
  bitmaps.set(index, await createImageBitmap(await answer.blob()));
  while (bitmaps.size > 8) bitmaps.delete(bitmaps.keys().next().value);
}

const isShown = (image) => find("filter").value === "all" || image.status === find("filter").value;

// The next image of those that are shown, from the beginning again after the last; null for none.
function after(index) {
  const others = [...images.slice(index + 1), ...images.slice(0, index)];
  return others.find(isShown)?.index ?? null;
}

async function next() {
  const index = after(state.index);
  if (index !== null) await show(index);
  else {
    const text = find("filter").value === "to do" ? "Nothing is left to do." : "There is no other image of this kind.";
    note(text);
    say(text);
  }
}

function place(point, at) {
  return at ? `${NAMES[point]} at ${at.map((value) => value.toFixed(1)).join(", ")} px` : `${NAMES[point]}: no label; click where it is`;
}

const described = (tip) => `${NAMES[tip]} ${state.tips[tip][2] ? `at ${state.tips[tip].slice(0, 2).map(Math.round).join(", ")}, ${VISIBILITIES.find(([value]) => value === state.tips[tip][2])[1].toLowerCase()}` : "without label"}`;

function render() {
  find("name").textContent = state.recording ? `${state.recording}, frame ${state.frame}` : state.name;
  find("status").textContent = { "to do": "Still to do", accepted: "Accepted: training learns from it", skipped: "Skipped: training does not learn from it" }[state.status];
  find("status").className = { "to do": "doubtful", accepted: "ok", skipped: "pale" }[state.status];
  if (!TIPS.some((tip) => state.tips[tip][2])) find("status").textContent += ". No tip has a label, so there is nothing to learn";
  find("undo").disabled = !canUndo;
  find("picture").setAttribute("aria-label", `Image ${state.index + 1} of ${images.length}. ${TIPS.map(described).join("; ")}.`);
  for (const tip of TIPS) {
    for (const button of find(`${tip}-visibility`).children) button.setAttribute("aria-pressed", String(Number(button.value) === state.tips[tip][2]));
  }
  const undone = new Set(state.history.map((entry) => entry.undone));
  find("history").replaceChildren(...state.history.toReversed().map((entry) => {
    const item = document.createElement("li");
    item.textContent = `${words(entry)} · ${entry.rater} · ${entry.utc.slice(0, 16).replace("T", " ")} UTC`;
    if (undone.has(entry.number)) item.className = "undone";
    return item;
  }));
  renderPoint();
  renderList();
}

function words(entry) {
  if (entry.kind === "undo") return "change taken back";
  if (entry.kind === "box") return "box changed";
  if (!TIPS.includes(entry.kind)) return { accept: "accepted", skip: "skipped" }[entry.kind];
  return `${NAMES[entry.kind]} ${{ 0: "without label", 1: "placed, hidden", 2: "placed, in sight" }[entry.visibility]}`;
}

function renderPoint() {
  for (const point of POINTS) find(point).setAttribute("aria-pressed", String(point === picture.chosen));
  find("where").textContent = place(picture.chosen, picture.at(picture.chosen));
}

function renderList() {
  const done = images.filter((image) => image.status !== "to do");
  const accepted = done.filter((image) => image.status === "accepted").length;
  find("progress").textContent = `${done.length} of ${images.length} done (${accepted} accepted, ${done.length - accepted} skipped)`;
  find("images").replaceChildren(...images.filter(isShown).map((image) => {
    const button = document.createElement("button");
    button.type = "button";
    button.textContent = image.recording ? `${image.recording}, frame ${image.frame}` : image.name;
    button.setAttribute("aria-current", String(state?.index === image.index));
    button.append(Object.assign(document.createElement("small"), { textContent: image.status }));
    button.addEventListener("click", () => {
      find("picture").focus();
      act(() => show(image.index));
    });
    const item = document.createElement("li");
    item.append(button);
    return item;
  }));
}

function choose(point) {
  picture.choose(point);
  renderPoint();
}

function chooseAloud(point) {
  run(async () => {
    if (!(await flush())) return;
    choose(point);
    say(find("where").textContent);
  });
}

function setVisibility(tip, visibility) {
  if (visibility === state.tips[tip][2]) return true;
  const [x, y] = picture.at(tip) || state.box.slice(0, 2).map((value, n) => (value + state.box[2 + n]) / 2);
  choose(tip);
  const after = visibility ? [...picture.within([x, y]), visibility] : [0, 0, 0];
  return change(tip, after, `${NAMES[tip]} ${VISIBILITIES.find(([value]) => value === visibility)[1].toLowerCase()}`);
}

const tipChosen = () => (TIPS.includes(picture.chosen) ? picture.chosen : TIPS[0]);
const decide = (kind, status) => async () => {
  if (state.status === status || (await change(kind, null, status))) await next();
};
const actions = {
  accept: decide("accept", "accepted"),
  skip: decide("skip", "skipped"),
  next,
  back: () => {
    const index = visited.pop() ?? images.findLast((image) => image.index < state.index)?.index;
    return index === undefined ? say("This is the first image.") : show(index, true);
  },
  undo: () => canUndo && send("api/undo", {}, "last change taken back"),
  closer: () => picture.zoomBy(1.5),
  wider: () => picture.zoomBy(1 / 1.5),
  whole: () => picture.whole(),
};
const keyed = {
  hide: () => setVisibility(tipChosen(), state.tips[tipChosen()][2] === HIDDEN ? SEEN : HIDDEN),
  remove: () => setVisibility(tipChosen(), 0),
  filter: () => {
    find("filter").value = FILTERS[(FILTERS.indexOf(find("filter").value) + 1) % FILTERS.length];
    renderList();
    say(`Shown: ${find("filter").selectedOptions[0].textContent}`);
  },
};
const KEYS = {
  a: "accept", Enter: "accept", s: "skip", n: "next", p: "back", u: "undo", "+": "closer", "=": "closer", "-": "wider",
  0: "whole", h: "hide", x: "remove", Delete: "remove", f: "filter",
};
const CHOICES = {
  t: () => "thumb_tip", i: () => "index_tip", b: () => (picture.chosen === "box_start" ? "box_end" : "box_start"),
  " ": () => (picture.chosen === "thumb_tip" ? "index_tip" : "thumb_tip"),
};

const act = (action) => run(async () => state && (await flush()) && action());

document.addEventListener("keydown", (event) => {
  if (!state || isForField(event)) return;
  if (event.key === "Enter" && event.target.matches("button, summary")) return;
  const by = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] }[event.key];
  if (by) nudge(...by.map((value) => value * (event.shiftKey ? 10 : 1)));
  else if (CHOICES[event.key]) chooseAloud(CHOICES[event.key]());
  else if (KEYS[event.key]) act(actions[KEYS[event.key]] || keyed[KEYS[event.key]]);
  else return;
  event.preventDefault();
});

// After a click the keys are for the page again; who tabs from button to button stays there.
document.addEventListener("click", (event) => {
  if (event.detail && event.target.closest("main button, aside button")) find("picture").focus({ preventScroll: true });
});
for (const [id, action] of Object.entries(actions)) find(id).addEventListener("click", () => act(action));
for (const point of POINTS) find(point).addEventListener("click", () => chooseAloud(point));
for (const tip of TIPS) {
  find(`${tip}-visibility`).append(...VISIBILITIES.map(([value, text]) => {
    const button = Object.assign(document.createElement("button"), { type: "button", textContent: text, value });
    button.addEventListener("click", () => act(() => setVisibility(tip, value)));
    return button;
  }));
}
find("filter").addEventListener("change", renderList);
window.addEventListener("resize", () => picture.draw());
window.addEventListener("beforeunload", (event) => { if (pending) event.preventDefault(); });

whoReviews(async () => {
  try {
    const folder = await ask("api/images");
    images = folder.images;
    canUndo = folder.canUndo;
    find("title").textContent = document.title = `Labels of ${folder.folder}`;
    warn(folder.notes.join(" "));
  } catch (problem) {
    warn(problem.message);
    return;
  }
  const wanted = Number(location.hash.slice(1));
  const first = images.find(isShown) || images[0];
  await run(() => show(location.hash && images[wanted] ? wanted : first.index, true));
});
