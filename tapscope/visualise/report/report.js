"use strict";
// Sorting and filtering of the table, and the figures. All texts are set as text, never as markup.

const study = JSON.parse(document.getElementById("data").textContent);
const body = document.querySelector("#overview tbody");
const lines = [...body.rows];

// Table ------------------------------------------------------------------------------------------

function filterTable() {
  const words = document.getElementById("search").value.toLowerCase();
  const wanted = [...document.querySelectorAll(".wanted:checked")].map((box) => box.value);
  let count = 0;
  for (const line of lines) {
    const shown = wanted.includes(line.dataset.status) && line.textContent.toLowerCase().includes(words);
    line.hidden = !shown;
    document.getElementById(`recording-${line.dataset.row}`).hidden = !shown;
    count += shown ? 1 : 0;
  }
  document.getElementById("shown").textContent = `${count} of ${lines.length} shown`;
}

function sortTable(heading) {
  const rising = heading.getAttribute("aria-sort") !== "ascending";
  for (const other of heading.parentElement.children) other.removeAttribute("aria-sort");
  heading.setAttribute("aria-sort", rising ? "ascending" : "descending");
  const isNumber = body.rows.length > 0 && body.rows[0].cells[heading.cellIndex].classList.contains("n");
  const key = (line) => line.cells[heading.cellIndex].dataset.value;
  const compare = (one, other) => {
    const [a, b] = [key(one), key(other)];
    if (a === "" || b === "") return (a === "") - (b === ""); // unknown comes last, either way
    const order = isNumber ? Number(a) - Number(b) : a.localeCompare(b);
    return rising ? order : -order;
  };
  body.append(...[...lines].sort(compare));
}

function addFurtherColumns() {
  // Tens of thousands of cells that few look at: they are made when they are asked for.
  const headings = document.querySelector("#overview thead tr");
  study.columns.forEach((column, n) => {
    if (column.main) return;
    const heading = document.createElement("th");
    heading.scope = "col";
    heading.title = column.formula;
    heading.className = "further";
    const button = heading.appendChild(document.createElement("button"));
    button.type = "button";
    button.textContent = column.name;
    button.addEventListener("click", () => sortTable(heading));
    const unit = heading.appendChild(document.createElement("span"));
    unit.className = "unit";
    unit.textContent = column.unit;
    headings.insertBefore(heading, headings.lastElementChild);
    for (const line of lines) {
      const cell = document.createElement("td");
      const value = study.rows[line.dataset.row].numbers[n];
      cell.className = "n further";
      cell.dataset.value = value ?? "";
      cell.textContent = text(value);
      line.insertBefore(cell, line.lastElementChild);
    }
  });
}

function showColumns(all) {
  const table = document.getElementById("overview");
  if (all && !table.querySelector(".further")) addFurtherColumns();
  table.classList.toggle("all", all);
}

// Figures ----------------------------------------------------------------------------------------

function colours() {
  const style = getComputedStyle(document.documentElement);
  const of = (name) => style.getPropertyValue(name).trim();
  return { ink: of("--ink"), pale: of("--pale"), line: of("--line"), ok: of("--ok"), doubtful: of("--doubtful"), failed: of("--failed"), blue: of("--link") };
}

const PRINTED_PX = { width: 690, height: 320 }; // on an A4 page within its margins
let printing = false;

function layout(extra) {
  const colour = colours();
  const axis = { gridcolor: colour.line, zerolinecolor: colour.line, linecolor: colour.pale };
  const result = { paper_bgcolor: "rgba(0,0,0,0)", plot_bgcolor: "rgba(0,0,0,0)", font: { color: colour.ink, size: 13 }, margin: { l: 60, r: 15, t: 10, b: 45 }, ...(printing ? PRINTED_PX : {}), ...extra };
  for (const name of Object.keys(extra).filter((key) => /^[xy]axis/.test(key))) result[name] = { ...axis, ...extra[name] };
  return result;
}

// Without a mouse the bar of buttons would always cover the legend; dragging zooms without it.
const OPTIONS = { responsive: true, displayModeBar: false };

function at(time, aperture, moment) {
  // Aperture at a moment, between the known samples beside it.
  let after = time.findIndex((value, n) => value >= moment && aperture[n] !== null);
  if (after < 0) return null;
  let before = after;
  while (before > 0 && (time[before] > moment || aperture[before] === null)) before -= 1;
  if (aperture[before] === null || time[after] === time[before]) return aperture[after];
  const share = (moment - time[before]) / (time[after] - time[before]);
  return aperture[before] + share * (aperture[after] - aperture[before]);
}

function drawTrace(article) {
  const place = article.querySelector(".trace");
  if (!place) return;
  const samples = JSON.parse(article.querySelector(".samples").textContent);
  const part = (values, scale) => values.map((value) => (value === null ? null : value / scale));
  const time = part(samples.t, 1000);
  const aperture = part(samples.a, 1000);
  const marks = (moments) => ({ x: moments, y: moments.map((moment) => at(time, aperture, moment)) });
  const colour = colours();
  const shapes = samples.task ? [{ type: "rect", xref: "x", yref: "paper", x0: samples.task[0] / 1000, x1: samples.task[1] / 1000, y0: 0, y1: 1, fillcolor: colour.blue, opacity: 0.1, line: { width: 0 }, layer: "below" }] : [];
  const line = { type: "scatter", hovertemplate: "%{x:.2f} s: %{y:.3f}<extra></extra>" };
  Plotly.react(place, [
    { ...line, name: "aperture", mode: "lines", x: time, y: aperture, line: { color: colour.ink, width: 1.2 } },
    { ...line, name: "closures", mode: "markers", ...marks(part(samples.closures, 1000)), marker: { symbol: "triangle-up", size: 9, color: colour.failed } },
    { ...line, name: "widest", mode: "markers", ...marks(part(samples.peaks, 1000)), marker: { symbol: "circle-open", size: 7, color: colour.ok } },
    { ...line, name: "confidence", mode: "lines", x: time, y: part(samples.c, 100), yaxis: "y2", line: { color: colour.blue, width: 1 } },
  ], layout({
    shapes, legend: { orientation: "h", y: 1.02, yanchor: "bottom" }, hovermode: "closest",
    xaxis: { title: { text: "time, s" }, anchor: "y2" },
    yaxis: { title: { text: `aperture, ${samples.unit.replaceAll("_", " ")}` }, domain: [0.3, 1], rangemode: "tozero" },
    yaxis2: { title: { text: "confidence" }, domain: [0, 0.22], range: [0, 1.05] },
  }), OPTIONS);
}

function showPictures(article) {
  // All pictures at once would make the page slow to open.
  for (const image of article.querySelectorAll("img:not([src])")) image.src = image.dataset.source;
}

function quantile(sorted, share) {
  const place = share * (sorted.length - 1);
  const low = Math.floor(place);
  return sorted[low] + (place - low) * ((sorted[low + 1] ?? sorted[low]) - sorted[low]);
}

function text(value) {
  return value === null || value === undefined ? "–" : String(Number(value.toPrecision(3)));
}

function listFeatures(article) {
  const place = article.querySelector(".features");
  if (place.firstChild) return;
  const numbers = study.rows[article.dataset.row].numbers;
  const table = place.appendChild(document.createElement("table"));
  const addRow = (tag, cells) => {
    const row = table.insertRow();
    for (const [n, content] of cells.entries()) {
      const cell = row.appendChild(document.createElement(tag));
      cell.textContent = content;
      if (tag === "td" && n > 0 && n < 4) cell.className = "n";
    }
    return row;
  };
  addRow("th", ["feature", "this recording", "median of the ok ones", "10 % to 90 % of them", "unit"]);
  study.columns.forEach((column, n) => {
    const others = study.rows.filter((row) => row.status === "ok" && row.numbers[n] !== null).map((row) => row.numbers[n]).sort((a, b) => a - b);
    const range = others.length ? `${text(quantile(others, 0.1))} to ${text(quantile(others, 0.9))}` : "–";
    addRow("td", [column.name, text(numbers[n]), text(others.length ? quantile(others, 0.5) : null), range, column.unit]).title = column.formula;
  });
}

function drawDistribution() {
  const feature = Number(document.getElementById("feature").value);
  const grouping = document.getElementById("grouping").value;
  const column = study.columns[feature];
  const rows = study.rows.filter((row) => row.status !== "failed" && row.numbers[feature] !== null);
  const groups = [...new Set(rows.map((row) => row.groups[grouping]))].sort();
  const place = document.getElementById("distribution");
  place.setAttribute("aria-label", `${column.name} by ${grouping}: ${rows.length} recordings`);
  const escaped = (name) => name.replaceAll("&", "&amp;").replaceAll("<", "&lt;");
  Plotly.react(place, groups.map((group) => {
    const members = rows.filter((row) => row.groups[grouping] === group);
    return { type: "box", name: escaped(group || "unknown"), y: members.map((row) => row.numbers[feature]), text: members.map((row) => escaped(row.name)), boxpoints: "all", jitter: 0.4, pointpos: 0, marker: { size: 5 }, hovertemplate: "%{text}: %{y}<extra></extra>" };
  }), layout({ showlegend: false, xaxis: { title: { text: escaped(grouping) } }, yaxis: { title: { text: column.unit ? `${column.name}, ${column.unit}` : column.name } } }), OPTIONS);
}

// Events -----------------------------------------------------------------------------------------

const drawn = new Set();
const watcher = new IntersectionObserver((entries) => {
  for (const entry of entries.filter((one) => one.isIntersecting && !drawn.has(one.target))) {
    drawn.add(entry.target);
    showPictures(entry.target);
    drawTrace(entry.target);
  }
}, { rootMargin: "400px" });

for (const article of document.querySelectorAll("article")) {
  watcher.observe(article);
  article.querySelector("details").addEventListener("toggle", () => listFeatures(article));
}
for (const heading of document.querySelectorAll("#overview thead th")) heading.querySelector("button").addEventListener("click", () => sortTable(heading));
for (const control of document.querySelectorAll("#search, .wanted")) control.addEventListener("input", filterTable);
document.getElementById("all-columns").addEventListener("input", (event) => showColumns(event.target.checked));
for (const name of ["feature", "grouping"]) document.getElementById(name).addEventListener("input", drawDistribution);
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => { drawDistribution(); drawn.forEach(drawTrace); });

let opened = []; // what printing has unfolded and will fold again

function setPrinting(on) {
  printing = on;
  document.documentElement.classList.toggle("printing", on);
  drawDistribution();
  const shown = [...document.querySelectorAll("article:not([hidden])")];
  for (const article of on ? shown : shown.filter((one) => drawn.has(one))) drawTrace(article);
  if (on) {
    shown.forEach(listFeatures);
    shown.forEach(showPictures);
    opened = shown.map((article) => article.querySelector("details")).filter((details) => !details.open);
  }
  for (const details of opened) details.open = on;
}

addEventListener("beforeprint", () => setPrinting(true));
addEventListener("afterprint", () => setPrinting(false));
filterTable();
// Drawn when it comes near the screen, as the traces are.
new IntersectionObserver((entries, own) => {
  if (!entries.some((one) => one.isIntersecting)) return;
  own.disconnect();
  drawDistribution();
}, { rootMargin: "400px" }).observe(document.getElementById("groups"));
