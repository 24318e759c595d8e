// Keeps a job's outcome and its chain up to date, until nothing of it runs any more.
const BUSY_MILLISECONDS = 1500;
// A page that was forgotten in a tab stops asking.
const ASKED_AT_MOST = 2400;

function current() {
  return document.getElementById("job-state");
}

async function fresh(url) {
  const answer = await fetch(url, { headers: { Accept: "text/html" } });
  if (!answer.ok || answer.redirected) {
    return null;
  }
  const page = new DOMParser().parseFromString(await answer.text(), "text/html");
  return page.getElementById("job-state");
}

async function ask(asked) {
  if (!document.hidden) {
    try {
      const next = await fresh(current().dataset.url);
      // What is the same stays, and with it what was selected or has the focus.
      if (next && next.outerHTML !== current().outerHTML) {
        current().replaceWith(next);
      }
    } catch {
      // The server is away for a moment: what is shown stays, and it is asked again.
    }
  }
  wait(asked + 1);
}

function wait(asked) {
  if ("running" in current().dataset && asked < ASKED_AT_MOST) {
    setTimeout(() => ask(asked), BUSY_MILLISECONDS);
  }
}

wait(0);
