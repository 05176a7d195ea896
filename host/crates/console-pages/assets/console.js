// The console's own script: sign-in, changes with a proof, refreshing, the tail, rows, and keys. Pages are readable without it.

const PROOF = "frontgate-proof";
const REFRESH_MS = 2000;
const RETRY_FIRST_MS = 300;
const RETRY_LONGEST_MS = 5000;
const TAIL_ROWS_MAX = 500;
const ANSWER_MS = 10000;
const TICK_MS = 1000;
const SLEPT_MS = 5000;
const ENTERED = "frontgate-entered";
const ENTER_AGAIN_MS = 5000;
const PAUSED = "frontgate-paused";
const COPIED_MS = 2000;

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
  // Without the script, these buttons would do nothing.
  for (const button of document.querySelectorAll("[data-copy], [data-open]")) button.hidden = false;
  showPause();
  showRows();
}

// Refreshing. A page stays as it is while it is hidden, while text is selected, while a control has the focus, and while
// a person has paused it.
const isPaused = () => sessionStorage.getItem(PAUSED) === "yes";

function showPause() {
  for (const button of document.querySelectorAll("[data-pause]")) {
    button.setAttribute("aria-pressed", String(isPaused()));
    button.classList.toggle("paused", isPaused());
    button.classList.toggle("lost", !isCurrent());
    const text = button.querySelector("[data-pause-text]");
    const name = isPaused() ? "Paused" : isCurrent() ? "Live" : "Not current";
    if (text && text.textContent !== name) text.textContent = name;
  }
}

function isBusy() {
  const focus = document.activeElement;
  const selection = getSelection();
  return document.hidden || isPaused() || (selection && !selection.isCollapsed)
    || (focus && main()?.contains(focus) && focus.matches("input, select, textarea, button, summary"));
}

// A page is current if the gateway has answered lately: not after a sleep of this machine, and not beside a stopped gateway.
let failing = 0;
let answered = Date.now();
let ticked = Date.now();
let asking = null;
const answerMs = () => Number(document.getElementById("tail")?.dataset.hold || 0) + ANSWER_MS;
const isCurrent = () => !failing && Date.now() - answered < answerMs();

setInterval(() => {
  // A request from before a sleep is never answered.
  if (Date.now() - ticked > SLEPT_MS) asking?.abort();
  ticked = Date.now();
  showPause();
}, TICK_MS);

function reached(ok) {
  if (ok) {
    if (failing) say("");
    failing = 0;
    answered = Date.now();
    showPause();
    document.body.classList.remove("lost");
    return;
  }
  failing = failing || Date.now();
  document.body.classList.add("lost");
  showPause();
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
      asking = new AbortController();
      const signal = AbortSignal.any([asking.signal, AbortSignal.timeout(answerMs())]);
      const answer = await fetch(`${tail.dataset.tail}&after=${tail.dataset.after}`, { signal });
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
      if (asking.signal.aborted) continue;
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

// Rows of lists: one is current, several may be chosen. A row is known by its first link, so that it stays current when
// the page is refreshed.
let current = null;
const chosen = new Set();
const linkOf = (row) => row?.querySelector("a[href]")?.href;
const rows = () => [...document.querySelectorAll("main tbody tr")].filter(linkOf);
const currentRow = () => rows().find((row) => linkOf(row) === current);

function showRows() {
  for (const row of rows()) {
    row.classList.toggle("current", linkOf(row) === current);
    row.classList.toggle("chosen", chosen.has(linkOf(row)));
  }
  const bar = document.getElementById("row-bar");
  if (!bar) return;
  bar.hidden = !currentRow() && !chosen.size;
  bar.querySelector("[data-row-text]").textContent = chosen.size ? `${chosen.size} chosen` : "1 row";
  bar.querySelector("[data-row=choose]").setAttribute("aria-pressed", String(chosen.has(current)));
  for (const name of ["open", "choose"]) bar.querySelector(`[data-row=${name}]`).disabled = !currentRow();
}

function move(step) {
  const all = rows();
  const at = all.findIndex((row) => linkOf(row) === current);
  const next = all[at < 0 ? (step > 0 ? 0 : all.length - 1) : Math.min(Math.max(at + step, 0), all.length - 1)];
  if (!next) return;
  current = linkOf(next);
  showRows();
  next.scrollIntoView({ block: "nearest" });
  // Screen readers read the link; its own Enter opens the row.
  next.querySelector("a[href]").focus({ preventScroll: true });
}

async function copy(text) {
  try {
    await navigator.clipboard.writeText(text);
    say("Copied.");
    setTimeout(() => say(""), COPIED_MS);
  } catch {
    // Without TLS, a page under another name than this machine may not write to the clipboard.
    prompt("Copy this text:", text);
  }
}

const ROW_ACTIONS = {
  open: () => { if (currentRow()) location.assign(current); },
  choose: () => {
    if (!currentRow()) return;
    if (!chosen.delete(current)) chosen.add(current);
    showRows();
  },
  copy: () => copy([...(chosen.size ? chosen : [currentRow() ? current : location.href])].join("\n")),
  leave: () => {
    current = null;
    chosen.clear();
    showRows();
  },
};

// The palette: names of pages are filtered, and everything else is searched for.
const palette = document.getElementById("palette");
const pages = () => [...(palette?.querySelectorAll("li") || [])];
const shownPage = () => pages().find((page) => !page.hidden)?.querySelector("a");

function open(dialog) {
  if (!dialog || document.querySelector("dialog[open]")) return;
  dialog.showModal();
  if (dialog !== palette) return;
  palette.querySelector("input").value = "";
  for (const page of pages()) page.hidden = false;
}

palette?.addEventListener("input", (event) => {
  const text = event.target.value.trim().toLowerCase();
  for (const page of pages()) page.hidden = !page.textContent.toLowerCase().startsWith(text);
});
palette?.addEventListener("submit", (event) => {
  const isEmpty = !palette.querySelector("input").value.trim();
  if (!isEmpty && !shownPage()) return;
  event.preventDefault();
  if (!isEmpty) location.assign(shownPage().href);
});

// Keys, where no field has the focus.
const PLACES = {
  o: "/", l: "/live", c: "/conversations", d: "/deliveries", h: "/channels", p: "/plugins", m: "/simulator",
  s: "/setup", r: "/replicas", a: "/audit",
};
const KEYS = {
  j: () => move(1),
  k: () => move(-1),
  x: ROW_ACTIONS.choose,
  y: ROW_ACTIONS.copy,
  Escape: ROW_ACTIONS.leave,
  "/": () => document.getElementById("find")?.focus(),
  "?": () => open(document.getElementById("keys")),
};
let isGoing = false;
document.addEventListener("keydown", (event) => {
  if (event.target.matches("input, select, textarea") || document.querySelector("dialog[open]")) return;
  if (event.ctrlKey && event.key === "k" && palette) {
    event.preventDefault();
    open(palette);
    return;
  }
  if (event.ctrlKey || event.metaKey || event.altKey) return;
  if (isGoing && PLACES[event.key]) {
    isGoing = false;
    location.assign(PLACES[event.key]);
    return;
  }
  isGoing = event.key === "g";
  // A link or a button with the focus has its own Enter.
  if (event.key === "Enter" && !event.target.matches("a, button, summary")) ROW_ACTIONS.open();
  if (!Object.hasOwn(KEYS, event.key)) return;
  event.preventDefault();
  KEYS[event.key]();
});

document.addEventListener("click", (event) => {
  const button = event.target.closest("button");
  if (button?.dataset.copy) copy(button.dataset.copy);
  else if (button?.dataset.row) ROW_ACTIONS[button.dataset.row]();
  else if (button?.dataset.open) open(document.getElementById(button.dataset.open));
  else if (button?.hasAttribute("data-pause")) {
    sessionStorage.setItem(PAUSED, isPaused() ? "no" : "yes");
    showPause();
  }
  const row = event.target.closest("main tbody tr");
  if (!row || event.target.closest("a, button, input, summary") || !linkOf(row)) return;
  current = linkOf(row);
  showRows();
});

prepare();
