// The table of apps: problems first.

import { $, h, Keyed, setAttribute, setText } from './dom.js';
import { address, keyOf, shown, store, sums } from './store.js';
import { age, bytes, count, percent, rate, span, state } from './words.js';

// Title, how it is written, what it is sorted by; numbers have the largest first.
const COLUMNS = [
  { id: 'state', title: 'State', by: (it) => it.look.rank },
  { id: 'name', title: 'App', by: (it) => it.name },
  { id: 'ready', title: 'Ready', number: true, by: (it) => it.app.ready },
  { id: 'restarts', title: 'Restarts', number: true, by: (it) => -it.sums.restarts },
  { id: 'uptime', title: 'Uptime', number: true, by: (it) => -(it.since ?? 0) },
  { id: 'cpu', title: 'CPU', number: true, by: (it) => -(it.sums.cpu ?? -1) },
  { id: 'memory', title: 'Memory', number: true, by: (it) => -(it.sums.memory ?? -1) },
  { id: 'rate', title: 'Req/s', number: true, traffic: true, by: (it) => -(it.sums.requests?.rate ?? -1) },
  { id: 'p99', title: 'p99', number: true, traffic: true, by: (it) => -(it.sums.requests?.p99 ?? -1) },
];

let order = { id: 'state', back: false };
let rows = null;

function build() {
  $('apps-head').replaceChildren(...COLUMNS.map((column) => h('th', { role: 'columnheader', scope: 'col', 'data-column': column.id, class: column.number ? 'number' : null },
    h('button', { type: 'button', onclick: () => sortBy(column.id) }, column.title, h('span', { class: 'arrow', 'aria-hidden': 'true' })))));
  $('filter').addEventListener('input', showOverview);
  $('filter').addEventListener('keydown', (event) => {
    if (event.key !== 'Escape') return;
    event.target.value = '';
    showOverview();
  });
  rows = new Keyed($('apps-body'), makeRow, patchRow);
}

function sortBy(id) {
  order = { id, back: order.id === id && !order.back };
  showOverview();
}

function makeRow() {
  const sign = h('span', { class: 'sign', 'aria-hidden': 'true' });
  const word = h('span');
  const link = h('a', { class: 'name' });
  const project = h('span', { class: 'of' });
  const hold = h('p', { class: 'hold' });
  const cells = new Map(COLUMNS.map((column) => [column.id, h('td', { role: 'cell', 'data-column': column.id, 'data-title': column.title, class: column.number ? 'number' : null })]));
  cells.get('state').append(sign, word);
  cells.get('name').setAttribute('role', 'rowheader');
  cells.get('name').append(link, project, hold);
  const element = h('tr', { role: 'row' }, ...cells.values());
  // A whole row may be clicked; the link in it is what the keyboard reaches.
  element.addEventListener('click', (event) => {
    if (!event.target.closest('a, button') && !getSelection().toString()) link.click();
  });
  return { element, cells, sign, word, link, project, hold };
}

function patchRow(row, it) {
  const { app, look } = it;
  setText(row.sign, look.sign);
  setText(row.word, look.word);
  setAttribute(row.element, 'data-tone', look.tone);
  setText(row.link, app.name);
  setAttribute(row.link, 'href', address(it.project, app.name));
  setAttribute(row.link, 'aria-current', it.project === store.chosen.project && app.name === store.chosen.app ? 'true' : null);
  setAttribute(row.element, 'data-chosen', it.project === store.chosen.project && app.name === store.chosen.app);
  setText(row.project, 1 < shown().length ? it.project : '');
  setText(row.hold, [app.hold, ...app.overrides.map((text) => `by an operator: ${text}`)].filter(Boolean).join('; '));
  const text = (id, value) => setText(row.cells.get(id), value);
  text('ready', `${app.ready}/${app.desired}`);
  text('restarts', String(it.sums.restarts));
  text('uptime', it.since === null ? '–' : age(new Date(it.since).toISOString()));
  text('cpu', percent(it.sums.cpu));
  text('memory', bytes(it.sums.memory));
  text('rate', rate(it.sums.requests?.rate));
  text('p99', span(it.sums.requests?.p99));
}

// Since when the youngest instance that is ready has been that.
function youngest(app) {
  const times = app.instances.filter((it) => it.phase === 'ready' && it.since).map((it) => Date.parse(it.since));
  return times.length ? Math.max(...times) : null;
}

export function showOverview() {
  if (!rows) build();
  const all = shown().flatMap((project) => project.apps.map((app) => ({
    app, project: project.project, name: app.name, look: state(app.state), sums: sums(app), since: youngest(app),
  })));
  const wanted = $('filter').value.trim().toLowerCase();
  const fits = (it) => !wanted || [it.name, it.look.word, it.project, ...it.app.tags].some((text) => text.toLowerCase().includes(wanted));
  const items = all.filter(fits);
  const column = COLUMNS.find((it) => it.id === order.id);
  const compare = (left, right) => (left < right ? -1 : right < left ? 1 : 0);
  items.sort((left, right) => (order.back ? -1 : 1) * compare(column.by(left), column.by(right)) || compare(left.project, right.project) || compare(left.name, right.name));
  const measured = all.some((it) => it.sums.requests);
  setAttribute($('apps-body').parentElement, 'data-traffic', measured);
  for (const head of $('apps-head').children) {
    const chosen = head.dataset.column === order.id;
    setAttribute(head, 'aria-sort', chosen ? (order.back !== Boolean(head.classList.contains('number')) ? 'descending' : 'ascending') : null);
  }
  rows.show(items, (it) => keyOf(it.project, it.name));
  const bad = all.filter((it) => it.look.rank < 2).length;
  const instances = all.reduce((sum, it) => sum + it.app.instances.length, 0);
  setText($('summary'), `${count(all.length, 'app')}, ${count(instances, 'instance')}: ${bad ? `${bad} need${bad === 1 ? 's' : ''} attention` : 'none needs attention'}`);
  setAttribute($('summary'), 'data-tone', bad ? 'bad' : 'good');
  $('no-apps').hidden = 0 < items.length;
  setText($('no-apps'), all.length ? 'No app fits the filter.' : 'Nothing has been applied yet: run `eco apply` where an ecosystem.yaml is.');
}
