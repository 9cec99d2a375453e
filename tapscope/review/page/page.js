// What both pages share: messages, requests, and the question who reviews.

export const find = (id) => document.getElementById(id);

export let rater = sessionStorage.getItem("rater") || "";

export function say(text) {
  find("said").textContent = text;
}

export function warn(text) {
  find("alert").textContent = text;
  find("alert").hidden = !text;
}

export async function ask(path, options) {
  let answer;
  try {
    answer = await fetch(`${path}${path.includes("?") ? "&" : "?"}rater=${encodeURIComponent(rater)}`, options);
  } catch {
    throw new Error("The program does not answer. Start 'tapscope review' again and open its new address: what was saved is kept.");
  }
  const content = await answer.json().catch(() => ({ error: "This address is no longer valid. Open the one that 'tapscope review' printed." }));
  if (!answer.ok) throw Object.assign(new Error(content.error), { status: answer.status });
  return content;
}

export function post(path, asked) {
  return ask(path, { method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify(asked) });
}

// Whether a key is meant for what has the focus, not for the page.
export function isForField(event) {
  return event.ctrlKey || event.altKey || event.metaKey || document.querySelector("dialog[open]") !== null
    || event.target.matches("input:not([type=radio]), select, textarea")
    || (event.key === " " && event.target.matches("button, summary, input"));
}

function askRater() {
  find("rater-id").value = rater;
  find("rater-dialog").showModal();
}

// Ask who reviews, unless that is known, and call `begin`.
export function whoReviews(begin) {
  const start = () => {
    find("rater").textContent = rater;
    begin();
  };
  find("show-help").addEventListener("click", () => find("help").showModal());
  find("change-rater").addEventListener("click", askRater);
  find("rater-dialog").addEventListener("cancel", (event) => { if (!rater) event.preventDefault(); });
  find("rater-form").addEventListener("submit", () => {
    rater = find("rater-id").value;
    sessionStorage.setItem("rater", rater);
    start();
  });
  if (rater) start();
  else askRater();
}
