// Keeps the progress of running revalidations up to date, without reloading the page.
const list = document.getElementById("runs");
const none = document.getElementById("no-runs");
// Often while something runs, seldom while nothing does.
const BUSY_MILLISECONDS = 1500;
const IDLE_MILLISECONDS = 10000;

function said(run) {
  return run.total === null
    ? "being counted"
    : `${run.checked} of ${run.total} checked, ${run.invalid} do not fit`;
}

function added(run) {
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
    const item = present.get(run.id) ?? added(run);
    present.delete(run.id);
    const bar = item.querySelector("progress");
    if (run.total !== null) {
      bar.max = Math.max(run.total, 1);
      bar.value = run.total === 0 ? 1 : run.checked;
    }
    item.querySelector("span").textContent = said(run);
  }
  for (const ended of present.values()) {
    ended.remove();
  }
  none.hidden = runs.length > 0;
}

async function ask() {
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
      // The server is away for a moment: what is shown stays, and it is asked again.
    }
  }
  setTimeout(ask, wait);
}

if (list) {
  setTimeout(ask, list.children.length > 0 ? BUSY_MILLISECONDS : IDLE_MILLISECONDS);
}

// On a narrow screen the chart is wider than its card: the newest hours are shown first.
const chart = document.querySelector(".mp-scroll:has(.mp-chart)");
if (chart) {
  chart.scrollLeft = chart.scrollWidth;
}
