// What can be done: each after a question, and with its result said.

import { $, h, setAttribute, setText } from './dom.js';
import { operate } from './server.js';

let silence = null;

// Says something; a screen reader reads it out.
export function say(text, tone = 'plain') {
  setText($('status'), text);
  setAttribute($('status'), 'data-tone', tone);
  clearTimeout(silence);
  if (tone !== 'busy') silence = setTimeout(() => setText($('status'), ''), tone === 'bad' ? 20000 : 8000);
}

// Asks; resolves to what was entered, or null if it is not to be done. The field is a number's, if any.
export function ask({ title, text, verb, field, danger }) {
  const dialog = $('dialog');
  const input = field ? h('input', { type: 'number', id: 'dialog-field', min: field.min, max: field.max, value: field.value }) : null;
  return new Promise((resolve) => {
    let answer = null;
    const done = () => {
      if (input && !input.checkValidity()) return input.reportValidity();
      answer = input ? Number(input.value) : true;
      dialog.close();
    };
    dialog.replaceChildren(
      h('h2', { id: 'dialog-title' }, title),
      h('p', {}, text),
      ...(input ? [h('label', { for: 'dialog-field' }, field.label), input] : []),
      h('div', { class: 'row end' },
        h('button', { type: 'button', onclick: () => dialog.close() }, 'Cancel'),
        h('button', { type: 'button', class: danger ? 'strong danger' : 'strong', onclick: done }, verb)),
    );
    input?.addEventListener('keydown', (event) => {
      if (event.key !== 'Enter') return;
      // Otherwise it would press the button that has the focus after this.
      event.preventDefault();
      done();
    });
    dialog.onclose = () => resolve(answer);
    dialog.showModal();
    (input ?? dialog.querySelector('.strong')).focus();
  });
}

// Shows something in a dialog.
export function showDialog(title, ...content) {
  const dialog = $('dialog');
  dialog.replaceChildren(h('h2', { id: 'dialog-title' }, title), ...content,
    h('div', { class: 'row end' }, h('button', { type: 'button', class: 'strong', onclick: () => dialog.close() }, 'Close')));
  dialog.onclose = null;
  if (!dialog.open) dialog.showModal();
}

// Has something done, and says how it went.
export async function perform(order, doing, done) {
  say(`${doing} …`, 'busy');
  let outcome = null;
  try {
    await operate(order, (lines) => {
      for (const line of lines) {
        if (line.type === 'app') say(`${doing}: ${line.app} has ${line.ready} of ${line.desired} ready${line.hold ? ` (${line.hold})` : ''}`, 'busy');
        if (line.type === 'result') outcome = line;
      }
      dispatchEvent(new Event('eco:look'));
    });
  } catch (error) {
    return say(`Not done: ${error.message}${error.help ? ` (${error.help})` : ''}`, 'bad');
  } finally {
    dispatchEvent(new Event('eco:look'));
  }
  const why = outcome?.failed?.[0];
  if (outcome && outcome.exit === 0) say(done, 'good');
  else say(`${doing} did not end well: ${why ? `${why.id}: ${why.hold}` : outcome?.result ?? 'the connection broke'}`, 'bad');
}

const VERBS = {
  restart: {
    verb: 'Restart', doing: 'Restarting', done: 'was restarted', operation: 'restart',
    text: 'New instances take the place of the present ones, as in a rollout: an old one stops when its successor is ready.',
  },
  reload: {
    verb: 'Reload', doing: 'Reloading', done: 'was reloaded', operation: 'reload',
    text: 'The app reads its own files again: by a signal if its file says so, otherwise its instances are replaced.',
  },
  stop: {
    verb: 'Stop', doing: 'Stopping', done: 'was stopped', operation: 'stop', danger: true,
    text: 'It stays down until it is started, or the file is applied.',
  },
  start: { verb: 'Start', doing: 'Starting', done: 'was started', operation: 'start', text: 'It runs again as the file says.' },
};

// Does one of the above to an app or an instance, if that is meant.
export async function act(name, project, app) {
  const { verb, doing, done, operation, text, danger } = VERBS[name];
  if (!(await ask({ title: `${verb} ${app}?`, text, verb, danger }))) return;
  await perform({ project, app, operation }, `${doing} ${app}`, `${app} ${done}.`);
}

export async function scale(project, app, present) {
  const wanted = await ask({
    title: `Scale ${app}`, verb: 'Scale', text: 'So many instances run until the file is applied.',
    field: { label: 'Instances', min: 0, max: 1000, value: present },
  });
  if (wanted === null) return;
  await perform({ project, app, operation: { scale: wanted } }, `Scaling ${app}`, `${app} has ${wanted} instances.`);
}

export async function runJob(project, app) {
  if (!(await ask({ title: `Run ${app} now?`, text: 'The job runs once, besides its schedule.', verb: 'Run' }))) return;
  const number = crypto.getRandomValues(new Uint32Array(1))[0];
  await perform({ project, app, operation: { run_job: number } }, `Running ${app}`, `${app} has run.`);
}

export async function rollBack(project, generation) {
  const text = `All apps of ${project} become what they were in generation ${generation}, by a rollout. The file stays as it is, and is ahead then.`;
  if (!(await ask({ title: `Roll ${project} back?`, text, verb: 'Roll back', danger: true }))) return;
  await perform({ project, app: null, operation: { rollback: generation } }, `Rolling ${project} back`, `${project} is as in generation ${generation}.`);
}
