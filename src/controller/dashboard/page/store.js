// What the page knows: how all stands, what was chosen, and the last minutes of what was measured.

import { minute, total } from './words.js';

// So many looks at each app are kept: ten minutes at one every two seconds.
const KEPT = 300;

export const store = {
  session: null,
  // As `status` answers it.
  projects: [],
  // What the address says: project, app and tab, each perhaps empty.
  chosen: { project: '', app: '', tab: '' },
  events: [],
  samples: new Map(),
};

// `#/shop/web/logs`; `#/shop` shows a project alone.
export function readAddress() {
  const [project = '', app = '', tab = ''] = location.hash.replace(/^#\/?/, '').split('/').map(decodeURIComponent);
  store.chosen = { project, app, tab };
}

export function address(project, app = '', tab = '') {
  const parts = [project, app, tab].filter((part) => part !== '').map(encodeURIComponent);
  return `#/${parts.join('/')}`;
}

export const keyOf = (project, app) => `${project}:${app}`;

// The projects that are shown: the chosen one, or all.
export function shown() {
  const { project } = store.chosen;
  const all = store.projects;
  return all.some((it) => it.project === project) ? all.filter((it) => it.project === project) : all;
}

export function find(project, app) {
  return store.projects.find((it) => it.project === project)?.apps.find((it) => it.name === app) ?? null;
}

export function mayChange(project) {
  return !store.session.read_only && !store.session.read_only_projects.includes(project);
}

// Sums over the instances of an app.
export function sums(app) {
  return {
    cpu: total(app.instances.map((it) => it.cpu)),
    memory: total(app.instances.map((it) => it.memory)),
    restarts: app.instances.reduce((sum, it) => sum + it.restarts, 0),
    requests: minute(app.traffic),
    // Where nobody measures requests, the slowest instance's own probes tell something.
    probe: most(app.instances.map((it) => minute(it.probes)?.p99)),
  };
}

const most = (values) => values.reduce((found, value) => (value === null || value === undefined ? found : Math.max(found ?? 0, value)), null);

// Keeps what was just measured.
export function remember() {
  const now = Date.now() / 1000;
  const present = new Set();
  for (const project of store.projects) {
    for (const app of project.apps) {
      const key = keyOf(project.project, app.name);
      present.add(key);
      let kept = store.samples.get(key);
      if (!kept) store.samples.set(key, (kept = [[], [], [], []]));
      const { cpu, memory, requests, probe } = sums(app);
      const values = [now, cpu, memory, requests?.p99 ?? (requests ? null : probe)];
      values.forEach((value, at) => {
        kept[at].push(value);
        if (KEPT < kept[at].length) kept[at].shift();
      });
    }
  }
  for (const key of store.samples.keys()) if (!present.has(key)) store.samples.delete(key);
}
