// What happened, what was applied before, and what an edit of the file would do.

import { $, h, Keyed, setText } from './dom.js';
import { get } from './server.js';
import { mayChange, shown, store } from './store.js';
import { count, when } from './words.js';
import { rollBack, showDialog } from './actions.js';

// So many events are kept; so many of them are shown.
const KEPT = 500;
const SHOWN = 40;

const BAD = ['start_failed', 'crashed', 'file_broken', 'not_live', 'stuck', 'over_memory', 'killed', 'rolled_back', 'output_dropped', 'logs_removed', 'alert'];

export function addEvents(events) {
  const last = store.events.at(-1)?.seq ?? -1;
  store.events.push(...events.filter((event) => last < event.seq));
  if (KEPT < store.events.length) store.events.splice(0, store.events.length - KEPT);
}

function makeEvent(event) {
  const about = [event.app, event.instance].filter((part) => part !== null && part !== undefined).join('/');
  const name = [1 < store.projects.length ? event.project : null, about || null].filter(Boolean).join(': ');
  const who = event.who ? [event.who.user ?? `user ${event.who.uid}`, event.who.command].filter(Boolean).join(', ') : event.by === 'eco' ? '' : event.by;
  const element = h('li', { 'data-tone': BAD.includes(event.type) ? 'bad' : null },
    h('time', { datetime: event.time }, when(event.time)),
    h('span', { class: 'kind' }, event.type.replaceAll('_', ' ')),
    h('span', { class: 'text' }, name ? h('b', {}, name) : null, name ? ' ' : '', event.message, who ? h('span', { class: 'by' }, ` by ${who}`) : null),
    1 < event.stderr?.length ? h('pre', { class: 'stderr' }, event.stderr.slice(-8).join('\n')) : null);
  return { element };
}

export class EventList {
  constructor(list, empty) {
    Object.assign(this, { empty, list: new Keyed(list, makeEvent, () => {}) });
  }

  show(fits) {
    const found = store.events.filter(fits).slice(-SHOWN).reverse();
    this.list.show(found, (event) => event.seq);
    this.empty.hidden = 0 < found.length;
  }
}

let all = null;

export function showEvents() {
  all ??= new EventList($('events'), $('no-events'));
  const names = shown().map((it) => it.project);
  all.show((event) => event.project === null || names.includes(event.project));
}

const RESULTS = { converged: ['●', 'converged', 'good'], rolled_back: ['▲', 'rolled back', 'warn'], superseded: ['○', 'superseded', 'quiet'] };

// The revisions of a project, with a way back.
export async function showHistory(element, project) {
  let revisions;
  try {
    ({ revisions } = await get('history', { project }));
  } catch (error) {
    return element.replaceChildren(h('p', { class: 'empty' }, error.message));
  }
  const current = revisions.find((it) => it.current) ?? revisions[0];
  const rows = revisions.slice(0, 100).map((it) => {
    const [sign, word, tone] = RESULTS[it.result] ?? ['', '', 'quiet'];
    const isCurrent = it === current;
    return h('tr', { role: 'row', 'data-tone': tone, 'data-chosen': isCurrent },
      h('th', { role: 'rowheader', scope: 'row', class: 'number', 'data-title': 'Generation' }, String(it.generation)),
      h('td', { role: 'cell', 'data-title': 'When' }, h('time', { datetime: it.time }, when(it.time))),
      h('td', { role: 'cell', 'data-title': 'By' }, it.by),
      h('td', { role: 'cell', 'data-title': 'Git', class: 'code' }, it.git ? `${it.git.slice(0, 8)}${it.dirty ? '*' : ''}` : '–'),
      h('td', { role: 'cell', 'data-title': 'Result' }, h('span', { class: 'sign', 'aria-hidden': 'true' }, sign), word),
      h('td', { role: 'cell', 'data-title': 'What' }, it.summary),
      h('td', { role: 'cell', 'data-title': '' }, isCurrent ? h('span', { class: 'badge' }, 'wanted now')
        : mayChange(project) ? h('button', { type: 'button', 'aria-label': `Roll back to generation ${it.generation}`, onclick: () => rollBack(project, it.generation) }, 'Roll back') : null));
  });
  const titles = ['Gen.', 'When', 'By', 'Git', 'Result', 'What', ''];
  element.replaceChildren(h('table', { class: 'cards plain', role: 'table', 'aria-label': `Revisions of ${project}` },
    h('thead', { role: 'rowgroup' }, h('tr', { role: 'row' }, ...titles.map((title) => title ? h('th', { role: 'columnheader', scope: 'col' }, title) : h('td', { role: 'cell' })))),
    h('tbody', { role: 'rowgroup' }, ...rows)));
}

// What applying the file as it is now would do.
export async function showPlan(project) {
  const title = `What applying the file of ${project} would do`;
  let plan;
  try {
    plan = await get('pending', { project });
  } catch (error) {
    return showDialog(title, h('p', {}, error.message), error.help ? h('p', {}, error.help) : null);
  }
  const value = (it, text) => (it.masked ? '(hidden)' : text ?? 'none');
  const changes = plan.changes.map((it) => h('li', {}, h('b', {}, it.app || 'the project'), it.field ? ` ${it.field}: ` : ' ',
    it.field ? h('span', { class: 'code' }, `${value(it, it.old)} → ${value(it, it.new)}`) : '', h('span', { class: 'badge' }, it.effect)));
  const actions = plan.actions.map((it) => h('li', {}, `${it.action} ${it.app}/${it.instance}: ${it.reason}`));
  const losses = plan.interruption.map((it) => h('li', {}, h('b', {}, it.app), ` ${it.text}`));
  const part = (name, items) => (items.length ? [h('h3', {}, name), h('ul', {}, ...items.slice(0, 200))] : []);
  showDialog(title,
    ...(changes.length || actions.length ? [] : [h('p', {}, 'Nothing.')]),
    ...part(count(changes.length, 'change'), changes), ...part(count(actions.length, 'step'), actions), ...part('Interruption', losses),
    ...part('Notes', plan.notes.map((note) => h('li', {}, note))),
    h('p', {}, 'To do it, run ', h('code', {}, 'eco apply'), ' in the directory of the file.'));
}
