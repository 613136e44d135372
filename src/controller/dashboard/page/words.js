// How values are written.

// State of an app or phase of an instance: the sign, the word, what it means for the eye, and how
// urgent it is. Colour is never alone: sign and word say the same.
const STATES = {
  failed: ['✖', 'failed', 'bad', 0],
  crash_looping: ['✖', 'crash-looping', 'bad', 0],
  degraded: ['▲', 'degraded', 'warn', 1],
  exited: ['▲', 'exited', 'warn', 1],
  converging: ['◐', 'converging', 'busy', 2],
  waiting: ['◌', 'waiting', 'warn', 2],
  starting: ['◐', 'starting', 'busy', 2],
  stopping: ['◐', 'stopping', 'busy', 2],
  stopped: ['■', 'stopped', 'quiet', 3],
  ready: ['●', 'ready', 'good', 4],
  done: ['✓', 'done', 'good', 5],
  off: ['○', 'off', 'quiet', 6],
};

export function state(name) {
  const [sign, word, tone, rank] = STATES[name] ?? ['?', String(name), 'quiet', 1];
  return { sign, word, tone, rank };
}

const FILES = {
  in_sync: ['the file is in sync', 'good'],
  ahead: ['the file is ahead of what runs', 'warn'],
  rolled_back: ['what the file says was rolled back', 'warn'],
  broken: ['the file cannot be used', 'bad'],
  missing: ['the file is not there', 'bad'],
  held: ['an edit of the file waits', 'warn'],
};

export function file(name) {
  const [text, tone] = FILES[name] ?? [String(name), 'warn'];
  return { text, tone };
}

const NONE = '–';

export function bytes(count) {
  if (count === null || count === undefined) return NONE;
  let value = count;
  for (const unit of ['B', 'K', 'M', 'G']) {
    if (value < 1000 || unit === 'G') return `${value < 10 && unit !== 'B' ? value.toFixed(1) : Math.round(value)}${unit}`;
    value /= 1024;
  }
  return NONE;
}

export function percent(cores) {
  if (cores === null || cores === undefined) return NONE;
  const value = cores * 100;
  return `${value < 10 ? value.toFixed(1) : Math.round(value)}%`;
}

export function rate(perSecond) {
  if (perSecond === null || perSecond === undefined) return NONE;
  return perSecond < 10 ? perSecond.toFixed(1) : String(Math.round(perSecond));
}

export function span(seconds) {
  if (seconds === null || seconds === undefined) return NONE;
  if (seconds < 0.001) return `${Math.round(seconds * 1e6)}µs`;
  if (seconds < 1) return `${Math.round(seconds * 1000)}ms`;
  return `${seconds < 10 ? seconds.toFixed(1) : Math.round(seconds)}s`;
}

// How long ago a time was, in one or two units.
export function age(time, now = Date.now()) {
  if (!time) return NONE;
  const seconds = Math.max(0, Math.floor((now - Date.parse(time)) / 1000));
  const minutes = Math.floor(seconds / 60);
  const hours = Math.floor(minutes / 60);
  const days = Math.floor(hours / 24);
  if (days) return `${days}d ${hours % 24}h`;
  if (hours) return `${hours}h ${minutes % 60}m`;
  if (minutes) return minutes < 10 ? `${minutes}m ${seconds % 60}s` : `${minutes}m`;
  return `${seconds}s`;
}

const CLOCK = new Intl.DateTimeFormat(undefined, { hour: '2-digit', minute: '2-digit', second: '2-digit', hourCycle: 'h23' });
const DAY = new Intl.DateTimeFormat(undefined, { month: 'short', day: 'numeric', hour: '2-digit', minute: '2-digit', hourCycle: 'h23' });

export const clock = (time) => CLOCK.format(new Date(time));

// The time of day, with the date if it is another day's.
export function when(time) {
  const date = new Date(time);
  return date.toDateString() === new Date().toDateString() ? CLOCK.format(date) : DAY.format(date);
}

export const count = (number, one, many = `${one}s`) => `${number} ${number === 1 ? one : many}`;

// The sum of what is known; null if nothing is.
export function total(values) {
  let sum = null;
  for (const value of values) if (value !== null && value !== undefined) sum = (sum ?? 0) + value;
  return sum;
}

// The last minute of what was measured of requests, or of probes where nobody measures requests.
export function minute(traffic) {
  return traffic?.windows?.find((window) => window.seconds === 60) ?? null;
}
