// The page: logging in, asking how things stand while somebody looks, and what is shown of it.

import { $, h, setAttribute, setText } from './dom.js';
import { get, follow, logIn, logOut, Refused } from './server.js';
import { address, readAddress, remember, shown, store } from './store.js';
import { count, file } from './words.js';
import { showOverview } from './overview.js';
import { leaveDetail, showDetail } from './detail.js';
import { addEvents, showEvents, showPlan } from './happened.js';
import { say } from './actions.js';

// How often values that no event tells of are asked for, while somebody looks.
const EVERY = 2000;
// The least time between two looks, however much happens.
const APART = 250;

let timer = null;
let stopEvents = null;
let last = 0;
let busy = false;
let again = false;

async function look() {
  // One at a time: what is asked for meanwhile is asked for once after it.
  if (busy) return void (again = true);
  busy = true;
  clearTimeout(timer);
  try {
    do {
      again = false;
      const wait = last + APART - Date.now();
      if (0 < wait) await new Promise((resolve) => setTimeout(resolve, wait));
      last = Date.now();
      store.projects = (await get('status')).projects;
      remember();
      live('live', 'good');
      show();
    } while (again);
  } catch (error) {
    if (error instanceof Refused && error.status === 401) return logInAgain(error);
    live('no answer, trying again', 'bad');
  } finally {
    busy = false;
    clearTimeout(timer);
    if (!document.hidden && store.session) timer = setTimeout(look, EVERY);
  }
}

function live(text, tone) {
  setText($('link-text'), text);
  setAttribute($('link'), 'data-tone', tone);
}

function show() {
  showProjects();
  showNotices();
  showOverview();
  showEvents();
  showDetail();
}

function showProjects() {
  const names = store.projects.map((it) => it.project);
  const select = $('project');
  $('project-choice').hidden = names.length < 2;
  const wanted = ['', ...names];
  if (wanted.join('\n') !== [...select.options].map((it) => it.value).join('\n')) {
    select.replaceChildren(...wanted.map((name) => h('option', { value: name }, name || 'all projects')));
  }
  select.value = names.includes(store.chosen.project) ? store.chosen.project : '';
  const bad = shown().flatMap((it) => it.apps).filter((app) => ['failed', 'crash_looping', 'degraded'].includes(app.state));
  document.title = `${bad.length ? `(${bad.length}) ` : ''}${names.length === 1 ? names[0] : 'eco'} · eco`;
}

// What is to be known of the projects themselves: their files, alerts, addresses.
let notices = '';
function showNotices() {
  const found = shown().flatMap((project) => {
    const { text, tone } = file(project.file?.state);
    const name = 1 < store.projects.length ? `${project.project}: ` : '';
    const followed = project.file?.followed ? ', and followed' : '';
    const lines = [{
      tone, project: project.project, text: `${name}${text}${followed}`, more: project.file?.error ?? null,
      plan: ['ahead', 'held', 'rolled_back'].includes(project.file?.state), path: project.file?.path,
    }];
    for (const alert of project.alerts ?? []) {
      const tone = alert.state === 'firing' ? 'bad' : 'warn';
      lines.push({ tone, text: `${name}${alert.app}: ${alert.message}`, more: `alert ${alert.alert}, ${alert.state}` });
    }
    for (const place of [project.metrics, project.dashboard]) {
      if (place?.error) lines.push({ tone: 'warn', text: `${name}${place.error}`, more: null });
    }
    return lines;
  });
  const key = JSON.stringify(found);
  if (key === notices) return;
  notices = key;
  $('notices').replaceChildren(...found.map((it) => h('div', { class: 'notice', 'data-tone': it.tone },
    h('span', { class: 'sign', 'aria-hidden': 'true' }, it.tone === 'good' ? '●' : '▲'),
    h('p', {}, it.text, it.path ? h('span', { class: 'path' }, it.path) : null, it.more ? h('span', { class: 'more' }, it.more) : null),
    it.plan ? h('button', { type: 'button', onclick: () => showPlan(it.project) }, 'Show the plan') : null)));
}

function begin() {
  $('login').hidden = true;
  $('app').hidden = false;
  $('logout').hidden = false;
  $('read-only').hidden = !store.session.read_only;
  wake();
}

// Somebody looks: events come as they happen, and each is a reason to look again.
function wake() {
  if (!store.session || document.hidden) return;
  look();
  stopEvents ??= follow('events/stream', () => ({ last: 100, after: store.events.at(-1)?.seq }), (events) => {
    addEvents(events);
    look();
  }, (error) => {
    if (error instanceof Refused && error.status === 401) logInAgain(error);
  });
}

function rest() {
  clearTimeout(timer);
  stopEvents?.();
  stopEvents = null;
  leaveDetail();
}

function logInAgain(error) {
  rest();
  store.session = null;
  store.events = [];
  $('app').hidden = true;
  $('logout').hidden = true;
  $('read-only').hidden = true;
  $('project-choice').hidden = true;
  $('login').hidden = false;
  live('not logged in', 'warn');
  const ended = localStorage.getItem('eco.key') && error.status === 401 && !error.fromLink;
  setText($('login-why'), error.fromLink ? `${error.message}.` : ended ? 'The session is over: it was idle for 12 hours, or eco was restarted.' : '');
}

// The secret of a link; it is taken out of the address before anything else.
async function enter(token) {
  history.replaceState(null, '', '/');
  try {
    await logIn(token);
  } catch (error) {
    error.fromLink = true;
    logInAgain(error);
    return false;
  }
  return true;
}

async function start() {
  if (location.pathname === '/login' && 1 < location.hash.length && !(await enter(location.hash.slice(1)))) return;
  try {
    store.session = await get('session');
  } catch (error) {
    if (error instanceof Refused) return logInAgain(error);
    live('no answer, trying again', 'bad');
    setTimeout(start, EVERY);
    return;
  }
  readAddress();
  begin();
}

$('login-go').addEventListener('click', async () => {
  const text = $('login-link').value.trim();
  $('login-link').value = '';
  if (await enter(text.includes('#') ? text.slice(text.indexOf('#') + 1) : text)) start();
});
$('login-link').addEventListener('keydown', (event) => {
  if (event.key === 'Enter') $('login-go').click();
});
$('logout').addEventListener('click', async () => {
  await logOut();
  location.assign('/');
});
$('project').addEventListener('change', (event) => {
  location.hash = address(event.target.value);
});
addEventListener('hashchange', () => {
  // A link that is opened in this very page.
  if (location.pathname === '/login') return location.reload();
  readAddress();
  if (store.session) show();
});
document.addEventListener('visibilitychange', () => (document.hidden ? rest() : wake()));
document.addEventListener('keydown', (event) => {
  const typing = event.target.closest?.('input, select, textarea, dialog');
  if (event.key === '/' && !typing && !event.ctrlKey && !event.metaKey && !event.altKey) {
    event.preventDefault();
    const log = $('log-search');
    (log && log.offsetParent ? log : $('filter')).focus();
  }
});
addEventListener('eco:look', look);
addEventListener('error', () => say('Something in this page failed; reload it if it looks wrong.', 'bad'));
start();
