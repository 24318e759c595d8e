// Polls the progress of running revalidations and updates the page.
const list = document.getElementById("runs");
const none = document.getElementById("no-runs");
// The polling intervals with and without a run in progress.
const BUSY_MILLISECONDS = 1500;
const IDLE_MILLISECONDS = 10000;

function progressText(run) {
  return run.total === null
    ? "counting payloads"
    : `${run.checked} of ${run.total} checked, ${run.invalid} invalid`;
}

function addItem(run) {
  const item = document.createElement("li");
  item.dataset.run = run.id;
  const link = document.createElement("a");
  link.className = "mp-link";
  link.href = run.url;
  link.textContent = run.title;
  const bar = document.createElement("progress");
  bar.setAttribute("aria-label", run.title);
  const words = document.createElement("span");
  words.className = "mp-subtle";
  item.append(link, bar, words);
  list.prepend(item);
  return item;
}

function show(runs) {
  const present = new Map([...list.children].map((item) => [item.dataset.run, item]));
  for (const run of runs) {
    const item = present.get(run.id) ?? addItem(run);
    present.delete(run.id);
    const bar = item.querySelector("progress");
    if (run.total !== null) {
      bar.max = Math.max(run.total, 1);
      bar.value = run.total === 0 ? 1 : run.checked;
    }
    item.querySelector("span").textContent = progressText(run);
  }
  for (const ended of present.values()) {
    ended.remove();
  }
  none.hidden = runs.length > 0;
}

async function poll() {
  let wait = IDLE_MILLISECONDS;
  if (!document.hidden) {
    try {
      const answer = await fetch(list.dataset.url, { headers: { Accept: "application/json" } });
      if (answer.ok && !answer.redirected) {
        const { runs } = await answer.json();
        show(runs);
        wait = runs.length > 0 ? BUSY_MILLISECONDS : IDLE_MILLISECONDS;
      }
    } catch {
      // The server is unreachable for a moment: keep the page and poll again.
    }
  }
  setTimeout(poll, wait);
}

if (list) {
  setTimeout(poll, list.children.length > 0 ? BUSY_MILLISECONDS : IDLE_MILLISECONDS);
}

// On a narrow screen the chart is wider than its card: scroll to the newest hours.
const chart = document.querySelector(".mp-scroll:has(.mp-chart)");
if (chart) {
  chart.scrollLeft = chart.scrollWidth;
}
