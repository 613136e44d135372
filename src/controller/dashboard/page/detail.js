// One app: its instances, curves, log, events, history and settings.

import { $, h, Keyed, setAttribute, setText } from './dom.js';
import { get } from './server.js';
import { address, find, mayChange, store, sums } from './store.js';
import { age, bytes, minute, percent, rate, span, state } from './words.js';
import { act, runJob, scale } from './actions.js';
import { Charts } from './charts.js';
import { EventList, showHistory } from './happened.js';
import { Logs } from './logs.js';

const TABS = [['', 'Instances'], ['logs', 'Log'], ['events', 'Events'], ['history', 'History'], ['settings', 'Settings']];

let open = null;

export function leaveDetail() {
  if (!open) return;
  open.leaveTab?.();
  $('detail').replaceChildren();
  $('detail').hidden = true;
  document.body.classList.remove('has-detail');
  open = null;
}

export function showDetail() {
  const { project, app: name, tab } = store.chosen;
  const app = name ? find(project, name) : null;
  if (!app) return leaveDetail();
  if (!open || open.project !== project || open.name !== name) {
    leaveDetail();
    open = build(project, app);
    if (matchMedia('(max-width: 1099px)').matches) {
      open.title.focus({ preventScroll: true });
      scrollTo(0, 0);
    }
  }
  const known = TABS.some(([id]) => id === tab) ? tab : '';
  if (open.tab !== known) turnTo(known, app);
  patch(app);
}

function build(project, app) {
  const name = app.name;
  const title = h('h2', { id: 'detail-title', tabindex: '-1' }, name);
  const sign = h('span', { class: 'sign', 'aria-hidden': 'true' });
  const word = h('span');
  const look = h('p', { class: 'look' }, sign, word);
  const hold = h('p', { class: 'hold' });
  const facts = h('dl', { class: 'facts' });
  const actions = h('div', { class: 'row actions', role: 'group', 'aria-label': `Actions on ${name}` });
  const tabs = TABS.map(([id, text]) => h('button', {
    type: 'button', role: 'tab', id: `tab-${id || 'instances'}`, 'aria-controls': 'panel', 'data-tab': id,
    onclick: () => { location.hash = address(project, name, id); },
  }, text));
  const list = h('div', { class: 'tabs', role: 'tablist', 'aria-label': `About ${name}`, onkeydown: arrow }, ...tabs);
  const panel = h('div', { id: 'panel', role: 'tabpanel', tabindex: '-1' });
  const close = h('a', { class: 'close', href: address(project === store.chosen.project && 1 < store.projects.length ? project : '') },
    h('span', { class: 'back' }, '‹ Apps'), h('span', { class: 'cross', 'aria-hidden': 'true' }, '×'), h('span', { class: 'hidden' }, ` close ${name}`));
  $('detail').replaceChildren(h('div', { class: 'head' }, close, title, look), hold, facts, actions, list, panel);
  $('detail').hidden = false;
  document.body.classList.add('has-detail');
  return { project, name, title, sign, word, look, hold, facts, actions, tabs, panel, tab: null, factsKey: '', actionsKey: '' };
}

// Left and right go through the tabs, as they do in other programs.
function arrow(event) {
  const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
  if (!step) return;
  event.preventDefault();
  const at = open.tabs.indexOf(document.activeElement);
  const next = open.tabs[(at + step + open.tabs.length) % open.tabs.length];
  next.focus();
  next.click();
}

function turnTo(tab, app) {
  open.leaveTab?.();
  Object.assign(open, { tab, leaveTab: null, patchTab: () => {} });
  for (const button of open.tabs) {
    const chosen = button.dataset.tab === tab;
    setAttribute(button, 'aria-selected', String(chosen));
    setAttribute(button, 'tabindex', chosen ? '0' : '-1');
  }
  const { panel, project, name } = open;
  panel.setAttribute('aria-labelledby', `tab-${tab || 'instances'}`);
  panel.replaceChildren();
  const begin = { '': instances, logs, events, history: past, settings }[tab];
  begin(panel, project, name, app);
}

function patch(app) {
  const look = state(app.state);
  setText(open.sign, look.sign);
  setText(open.word, look.word);
  setAttribute(open.look, 'data-tone', look.tone);
  setText(open.hold, [app.hold, ...app.overrides.map((text) => `by an operator: ${text}`), ...app.unkept].filter(Boolean).join('; '));
  const { cpu, memory, restarts, requests } = sums(app);
  const facts = [
    ['Ready', `${app.ready} of ${app.desired}`], ['Restarts', String(restarts)], ['CPU', percent(cpu)], ['Memory', bytes(memory)],
    ...(requests ? [['Requests', `${rate(requests.rate)}/s`], ['p50', span(requests.p50)], ['p99', span(requests.p99)], ['Failed', requests.requests ? `${((100 * requests.failed) / requests.requests).toFixed(1)}%` : '–']] : []),
    ...(app.listen ? [['Ports', app.listen.ports.join(', ') || '–']] : []),
    ...(app.next ? [['Next run', new Date(app.next).toLocaleString()]] : []),
    ...app.queues.map((it) => [`Queue ${it.address}`, `${it.waiting} of ${it.capacity}`]),
    ...(app.tags.length ? [['Tags', app.tags.join(', ')]] : []),
    ['Revision', app.revision.slice(0, 8)],
  ];
  const key = JSON.stringify(facts);
  if (key !== open.factsKey) {
    open.factsKey = key;
    open.facts.replaceChildren(...facts.map(([name, value]) => h('div', {}, h('dt', {}, name), h('dd', {}, value))));
  }
  patchActions(app);
  open.patchTab(app);
}

function patchActions(app) {
  const { project, name } = open;
  const isDown = app.state === 'stopped';
  const isJob = app.next !== null || app.state === 'done';
  const key = [isDown, isJob, mayChange(project)].join();
  if (key === open.actionsKey) return;
  open.actionsKey = key;
  const focused = open.actions.contains(document.activeElement) ? document.activeElement.dataset.verb : null;
  const button = (verb, text, onclick, danger) => h('button', { type: 'button', 'data-verb': verb, class: danger ? 'danger' : null, onclick }, text);
  const offered = !mayChange(project) ? [] : [
    ...(isJob ? [button('run', 'Run now', () => runJob(project, name))] : [
      button('restart', 'Restart', () => act('restart', project, name)),
      button('reload', 'Reload', () => act('reload', project, name)),
      button('scale', 'Scale', () => scale(project, name, find(project, name)?.desired ?? 1)),
    ]),
    isDown ? button('start', 'Start', () => act('start', project, name)) : button('stop', 'Stop', () => act('stop', project, name), true),
  ];
  open.actions.replaceChildren(...offered);
  open.actions.hidden = offered.length === 0;
  if (focused) (open.actions.querySelector(`[data-verb=${focused}]`) ?? open.actions.firstElementChild)?.focus();
}

const COLUMNS = [['state', 'State'], ['id', 'Instance'], ['pid', 'Pid'], ['since', 'Since'], ['restarts', 'Restarts'], ['cpu', 'CPU'], ['memory', 'Memory'], ['p99', 'p99'], ['do', '']];

function instances(panel, project, name) {
  const charts = h('div', { class: 'charts' });
  const body = h('tbody', { role: 'rowgroup' });
  const number = (id) => !['state', 'id', 'do'].includes(id);
  const head = COLUMNS.map(([id, text]) => (text ? h('th', { role: 'columnheader', scope: 'col', 'data-column': id, class: number(id) ? 'number' : null }, text) : h('td', { role: 'cell' })));
  const table = h('table', { class: 'cards plain instances', role: 'table', 'aria-label': `Instances of ${name}` }, h('thead', { role: 'rowgroup' }, h('tr', { role: 'row' }, ...head)), body);
  panel.append(charts, table);
  const curves = new Charts(charts);
  const rows = new Keyed(body, () => {
    const cells = new Map(COLUMNS.map(([id, text]) => [id, h('td', { role: id === 'id' ? 'rowheader' : 'cell', 'data-title': text, 'data-column': id, class: number(id) ? 'number' : null })]));
    const sign = h('span', { class: 'sign', 'aria-hidden': 'true' });
    const word = h('span');
    const label = h('span', { class: 'name' });
    const hold = h('p', { class: 'hold' });
    cells.get('state').append(sign, word);
    cells.get('id').append(label, hold);
    return { element: h('tr', { role: 'row' }, ...cells.values()), cells, sign, word, label, hold };
  }, (row, it) => {
    const look = state(it.phase);
    setText(row.sign, look.sign);
    setText(row.word, look.word);
    setAttribute(row.element, 'data-tone', look.tone);
    setText(row.label, it.id);
    setText(row.hold, [it.hold, it.dropped, it.hold ? null : exit(it.exit)].filter(Boolean).join('; '));
    const text = (id, value) => setText(row.cells.get(id), value);
    text('pid', it.pid ? String(it.pid) : '–');
    text('since', age(it.since));
    text('restarts', String(it.restarts));
    text('cpu', percent(it.cpu));
    text('memory', bytes(it.memory));
    const measured = minute(it.traffic) ?? minute(it.probes);
    text('p99', measured ? `${span(measured.p99)}${it.traffic ? '' : ' (probe)'}` : '–');
    if (mayChange(project) && !row.button) {
      row.button = h('button', { type: 'button', 'aria-label': `Restart ${it.id}`, onclick: () => act('restart', project, it.id) }, 'Restart');
      row.cells.get('do').append(row.button);
    }
  });
  open.patchTab = (app) => {
    curves.show(project, name);
    setAttribute(table, 'data-measured', app.instances.some((it) => it.traffic || it.probes) ? 'yes' : 'no');
    // During a replacement two have one name.
    rows.show(app.instances, (it) => `${it.id} ${it.pid ?? ''} ${it.pid ? '' : it.phase}`);
  };
  open.leaveTab = () => curves.leave();
}

function exit(it) {
  if (!it || it.requested) return null;
  return `before: ${it.signal ? `killed by ${it.signal}` : `exit code ${it.code ?? 'unknown'}`} ${age(it.at)} ago`;
}

function logs(panel, project, name) {
  const log = new Logs(panel, project, name);
  open.patchTab = (app) => log.offer(app);
  open.leaveTab = () => log.leave();
}

function events(panel, project, name) {
  const list = h('ol', { class: 'events' });
  const empty = h('p', { class: 'empty' }, 'Nothing yet.');
  panel.append(list, empty);
  const shown = new EventList(list, empty);
  open.patchTab = () => shown.show((event) => event.project === project && event.app === name);
}

function past(panel, project) {
  let seen = null;
  open.patchTab = () => {
    // It is asked for again when something was applied.
    const last = store.events.findLast((event) => event.project === project && ['applied', 'operated', 'rolled_back'].includes(event.type))?.seq ?? 0;
    if (last === seen) return;
    seen = last;
    showHistory(panel, project);
  };
}

async function settings(panel, project, name) {
  let described;
  try {
    described = (await get('describe', { project, app: name })).apps[0];
  } catch (error) {
    return panel.append(h('p', { class: 'empty' }, error.message));
  }
  if (!open || open.panel !== panel || open.tab !== 'settings') return;
  const rows = described.fields.map(([key, value]) => h('tr', { role: 'row' }, h('th', { role: 'rowheader', scope: 'row' }, key), h('td', { role: 'cell', class: 'code' }, value)));
  const list = (title, items) => (items.length ? [h('h3', {}, title), h('ul', {}, ...items)] : []);
  panel.append(
    h('table', { class: 'plain settings', role: 'table', 'aria-label': `Settings of ${name}` }, h('tbody', { role: 'rowgroup' }, ...rows)),
    ...list('Latest exits', described.exits.slice(0, 10).map((text) => h('li', {}, text))),
    ...list('Last output of failed runs', described.last_output.map((it) => h('li', {}, `${it.id}: ${it.ended}`, h('pre', { class: 'stderr' }, it.stderr.join('\n'))))),
    ...list('Log files', described.logs.map((path) => h('li', { class: 'code' }, path))));
}
