// Polls a job's result and chain, until no job of the chain is running.
const BUSY_MILLISECONDS = 1500;
// A page forgotten in a tab stops polling.
const POLLS_LIMIT = 2400;

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

async function poll(polls) {
  if (!document.hidden) {
    try {
      const next = await fresh(current().dataset.url);
      // An unchanged part stays, which keeps selection and focus.
      if (next && next.outerHTML !== current().outerHTML) {
        current().replaceWith(next);
      }
    } catch {
      // The server is unreachable for a moment: keep the page and poll again.
    }
  }
  wait(polls + 1);
}

function wait(polls) {
  if ("running" in current().dataset && polls < POLLS_LIMIT) {
    setTimeout(() => poll(polls), BUSY_MILLISECONDS);
  }
}

wait(0);
