// What an app prints, as it prints it.

import { $, h, setAttribute, setText } from './dom.js';
import { follow } from './server.js';
import { clock } from './words.js';

// So many lines are shown; older ones go.
const SHOWN = 2000;
const LAST = 300;

export class Logs {
  constructor(element, project, app) {
    Object.assign(this, { project, app, element, paused: false, waiting: [], frame: null });
    this.search = h('input', { type: 'search', id: 'log-search', placeholder: 'Search the log', autocomplete: 'off', 'aria-keyshortcuts': '/' });
    this.instance = h('select', { id: 'log-instance' });
    this.pause = h('button', { type: 'button', onclick: () => this.turn() }, 'Pause');
    this.count = h('p', { class: 'summary', role: 'status' });
    this.lines = h('div', { class: 'log', role: 'log', 'aria-live': 'off', 'aria-label': `Log of ${app}`, tabindex: '0' });
    this.empty = h('p', { class: 'empty' });
    element.append(
      h('div', { class: 'bar' },
        h('label', { class: 'search' }, h('span', { class: 'hidden' }, 'Search the log'), this.search),
        h('label', { class: 'choice' }, h('span', {}, 'Instance'), ' ', this.instance),
        this.pause),
      this.count, this.lines, this.empty);
    let typed = null;
    this.search.addEventListener('input', () => {
      clearTimeout(typed);
      typed = setTimeout(() => this.begin(), 200);
    });
    this.search.addEventListener('keydown', (event) => {
      if (event.key !== 'Escape' || !this.search.value) return;
      this.search.value = '';
      this.begin();
    });
    this.instance.addEventListener('change', () => this.begin());
    this.begin();
  }

  // Which instances there are to choose from.
  offer(app) {
    const indices = [...new Set(app.instances.map((it) => it.id.split('/').at(-1)))];
    const wanted = ['', ...indices];
    if (wanted.join() === [...this.instance.options].map((it) => it.value).join()) return;
    const chosen = this.instance.value;
    this.instance.replaceChildren(...wanted.map((index) => h('option', { value: index }, index === '' ? 'all' : index)));
    this.instance.value = wanted.includes(chosen) ? chosen : '';
  }

  begin() {
    this.stop?.();
    this.waiting = [];
    this.lines.replaceChildren();
    const wanted = this.search.value;
    // A plain text is searched for, in any case of letters.
    const grep = wanted && `(?i)${wanted.replace(/[.*+?^${}()|[\]\\]/g, '\\$&')}`;
    setText(this.empty, wanted ? `Nothing with “${wanted}” yet.` : 'Nothing was printed yet.');
    this.empty.hidden = false;
    setText(this.count, '');
    const query = { project: this.project, app: this.app, instance: this.instance.value, last: LAST, follow: true, grep };
    this.stop = follow('logs/stream', () => {
      // What comes after a break begins anew.
      this.waiting = [];
      this.lines.replaceChildren();
      return query;
    }, (lines) => this.take(lines), (error) => error && setText(this.empty, error.message));
  }

  turn() {
    this.paused = !this.paused;
    setText(this.pause, this.paused ? 'Go on' : 'Pause');
    setAttribute(this.pause, 'aria-pressed', this.paused);
    if (this.paused) this.stop?.();
    else this.begin();
  }

  // Lines are drawn once a frame, however fast they come.
  take(lines) {
    this.waiting.push(...lines);
    if (SHOWN < this.waiting.length) this.waiting.splice(0, this.waiting.length - SHOWN);
    this.frame ??= requestAnimationFrame(() => this.draw());
  }

  draw() {
    this.frame = null;
    const box = this.lines;
    const atEnd = box.scrollHeight - box.scrollTop - box.clientHeight < 40;
    box.append(...this.waiting.map((line) => this.line(line)));
    this.waiting = [];
    while (SHOWN < box.childElementCount) box.firstElementChild.remove();
    this.empty.hidden = 0 < box.childElementCount;
    setText(this.count, `${box.childElementCount} lines${this.search.value ? ` with “${this.search.value}”` : ''}`);
    if (atEnd) box.scrollTop = box.scrollHeight;
  }

  line(line) {
    // Colours of terminals are not shown.
    const text = line.line.replace(/\u001b\[[0-9;?]*[ -/]*[@-~]/g, '');
    return h('div', { class: line.stream === 'err' ? 'err' : null },
      h('time', { datetime: line.time }, clock(line.time)),
      h('span', { class: 'who' }, `${line.instance ?? ''}${line.stream === 'err' ? ' err' : ''}`),
      h('span', { class: 'text' }, ...marked(text, this.search.value)));
  }

  leave() {
    this.stop?.();
    if (this.frame !== null) cancelAnimationFrame(this.frame);
  }
}

// The text with what was searched for in marks.
function marked(text, wanted) {
  if (!wanted) return [text];
  const parts = [];
  const [lower, word] = [text.toLowerCase(), wanted.toLowerCase()];
  let at = 0;
  for (let found = lower.indexOf(word); found !== -1; found = lower.indexOf(word, at)) {
    parts.push(text.slice(at, found), h('mark', {}, text.slice(found, found + word.length)));
    at = found + word.length;
  }
  return [...parts, text.slice(at)];
}
