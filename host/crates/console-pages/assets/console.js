// The console's own script: sign-in, changes with a proof, refreshing, the tail, and keys. Pages are readable without it.

const PROOF = "frontgate-proof";
const REFRESH_MS = 2000;
const RETRY_FIRST_MS = 300;
const RETRY_LONGEST_MS = 5000;
const TAIL_ROWS_MAX = 500;
const ENTERED = "frontgate-entered";
const ENTER_AGAIN_MS = 5000;
const PAUSED = "frontgate-paused";

const main = () => document.getElementById("main");
const notice = document.getElementById("notice");

function say(text) {
  if (!notice) return;
  notice.hidden = !text;
  notice.textContent = text || "";
}

// Sign-in: the code is behind # and therefore in no log.
const enter = document.getElementById("enter");
if (enter) {
  const send = async (code) => {
    const answer = await fetch("/enter", {
      method: "POST",
      headers: { "content-type": "application/x-www-form-urlencoded", accept: "application/json" },
      body: new URLSearchParams({ code }),
    });
    const body = await answer.json();
    if (!answer.ok) {
      const problem = document.querySelector(".problem") || enter.parentElement.insertBefore(document.createElement("p"), enter);
      problem.className = "problem";
      problem.setAttribute("role", "alert");
      problem.textContent = body.text;
      return;
    }
    localStorage.setItem(PROOF, body.proof);
    if (location.pathname === "/enter") location.replace("/");
    else location.reload();
  };
  // A proxy has signed the person in. A browser that refuses the cookie would load the page for ever.
  const isRepeated = Date.now() - Number(sessionStorage.getItem(ENTERED)) < ENTER_AGAIN_MS;
  if ("proxy" in enter.dataset && !isRepeated) {
    sessionStorage.setItem(ENTERED, String(Date.now()));
    send("");
  }
  enter.addEventListener("submit", (event) => {
    event.preventDefault();
    send(new FormData(enter).get("code"));
  });
  if (location.hash.length > 1) {
    const code = decodeURIComponent(location.hash.slice(1));
    history.replaceState(null, "", location.pathname);
    send(code);
  }
}

// Changes: a form with data-change is sent with the proof. The answer is a page, or the path of one.
async function change(form) {
  const data = new URLSearchParams(new FormData(form));
  const question = data.get("confirm");
  if (question && !confirm(question)) return;
  data.delete("confirm");
  const answer = await fetch(form.action, {
    method: "POST",
    headers: { "x-frontgate-proof": localStorage.getItem(PROOF) || "", "content-type": "application/x-www-form-urlencoded" },
    body: data,
  });
  if (answer.status === 401) {
    location.assign("/enter");
    return;
  }
  if (answer.redirected) {
    location.assign(answer.url);
    return;
  }
  const page = new DOMParser().parseFromString(await answer.text(), "text/html");
  const next = page.getElementById("main");
  if (!next) {
    say("The answer has no page. Load the page again.");
    return;
  }
  main().replaceWith(next);
  document.title = page.title;
  window.htmx?.process(next);
  prepare();
  main().focus();
}

document.addEventListener("submit", (event) => {
  const form = event.target.closest("form[data-change]");
  if (!form) return;
  event.preventDefault();
  const button = form.querySelector("button");
  if (button) button.disabled = true;
  change(form)
    .catch(() => say("The gateway cannot be reached."))
    .finally(() => { if (button) button.disabled = false; });
});

// Buttons are enabled if this browser has the proof.
function prepare() {
  const can = Boolean(localStorage.getItem(PROOF));
  for (const button of document.querySelectorAll("form[data-change] button")) {
    button.disabled = !can;
    if (!can) button.title = "Sign in with a link to change something";
  }
  const shown = document.querySelector("[data-hide-after]");
  if (shown) setTimeout(() => location.reload(), Number(shown.dataset.hideAfter));
  showPause();
}

// Refreshing. A page stays as it is while it is hidden, while text is selected, while a control has the focus, and while
// a person has paused it.
const isPaused = () => sessionStorage.getItem(PAUSED) === "yes";

function showPause() {
  for (const button of document.querySelectorAll("[data-pause]")) {
    button.setAttribute("aria-pressed", String(isPaused()));
    button.classList.toggle("paused", isPaused());
    const text = button.querySelector("[data-pause-text]");
    if (text) text.textContent = isPaused() ? "Paused" : "Live";
  }
}

function isBusy() {
  const focus = document.activeElement;
  const selection = getSelection();
  return document.hidden || isPaused() || (selection && !selection.isCollapsed)
    || (focus && main()?.contains(focus) && focus.matches("input, select, textarea, button, summary"));
}

let failing = 0;
function reached(ok) {
  if (ok) {
    if (failing) say("");
    failing = 0;
    document.body.classList.remove("lost");
    return;
  }
  failing = failing || Date.now();
  document.body.classList.add("lost");
  say(`The gateway has not answered for ${Math.round((Date.now() - failing) / 1000)} s. Trying again.`);
}

setInterval(() => {
  if (main()?.hasAttribute("data-live") && !isBusy()) window.htmx?.trigger(main(), "refresh");
}, REFRESH_MS);

document.addEventListener("htmx:error", () => reached(false));
document.addEventListener("htmx:after:request", (event) => {
  const status = event.detail?.ctx?.response?.status;
  if (status === 401) location.assign("/enter");
  else reached(Boolean(status) && status < 500);
});
document.addEventListener("htmx:after:swap", prepare);

// The tail: asks for rows after the last one. The server holds the request until there is one.
async function follow(tail) {
  let wait = RETRY_FIRST_MS;
  while (document.contains(tail)) {
    if (document.hidden || isPaused()) {
      await new Promise((resolve) => setTimeout(resolve, RETRY_FIRST_MS));
      continue;
    }
    try {
      const answer = await fetch(`${tail.dataset.tail}&after=${tail.dataset.after}`);
      if (answer.status === 401) {
        location.assign("/enter");
        return;
      }
      if (!answer.ok) throw new Error(String(answer.status));
      const next = answer.headers.get("x-frontgate-next");
      const html = await answer.text();
      if (html) add(tail, html);
      // The server holds a request without rows, but not if too many are held.
      else await new Promise((resolve) => setTimeout(resolve, RETRY_FIRST_MS));
      if (next) tail.dataset.after = next;
      wait = RETRY_FIRST_MS;
      reached(true);
    } catch {
      reached(false);
      await new Promise((resolve) => setTimeout(resolve, wait));
      wait = Math.min(wait * 2, RETRY_LONGEST_MS);
    }
  }
}

function add(tail, html) {
  const rows = new DOMParser().parseFromString(`<table><tbody>${html}</tbody></table>`, "text/html");
  tail.prepend(...rows.querySelectorAll("tr"));
  while (tail.rows.length > TAIL_ROWS_MAX) tail.lastElementChild.remove();
  tail.closest("section").querySelector("p.quiet")?.remove();
}

const tail = document.getElementById("tail");
if (tail?.dataset.tail) follow(tail);

// Keys, where no field has the focus.
const PLACES = { o: "/", l: "/live", c: "/conversations", d: "/deliveries", h: "/channels", p: "/plugins", a: "/audit" };
let isGoing = false;
document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || event.target.matches("input, select, textarea")) return;
  if (isGoing && PLACES[event.key]) location.assign(PLACES[event.key]);
  isGoing = event.key === "g";
  if (event.key === "/") {
    event.preventDefault();
    document.getElementById("find")?.focus();
  }
});

document.addEventListener("click", (event) => {
  if (!event.target.closest("[data-pause]")) return;
  sessionStorage.setItem(PAUSED, isPaused() ? "no" : "yes");
  showPause();
});

prepare();
