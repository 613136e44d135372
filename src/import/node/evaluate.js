'use strict';
// Runs the ecosystem file that is named as argument, and answers on descriptor 0 with one line of
// JSON: what the file exports, the variables it read, the files it loaded; or what it threw.

const fs = require('fs');
const Module = require('module');
const { pathToFileURL, fileURLToPath } = require('url');
const { isAbsolute, resolve } = require('path');

const file = process.argv[1];
const { writeSync, statSync, readFileSync } = fs;
const { stringify } = JSON;
const files = new Set();
const variables = new Set();

function note(path) {
  if (path instanceof URL) path = path.href;
  if (typeof path !== 'string' || files.size > 20000) return;
  if (path.startsWith('file:')) path = fileURLToPath(path);
  if (path && !/^(node|evalmachine|data):/.test(path)) files.add(resolve(path));
}

// Variables: to be read again with the same ones.
const given = process.env;
const names = new Set(Object.keys(given));
const seen = (name) => typeof name === 'string' && names.has(name) && variables.add(name);
process.env = new Proxy(given, {
  get: (env, name) => (seen(name), env[name]),
  has: (env, name) => (seen(name), name in env),
  set: (env, name, value) => ((env[name] = value), true),
  ownKeys: (env) => (names.forEach((name) => variables.add(name)), Reflect.ownKeys(env)),
  getOwnPropertyDescriptor: (env, name) =>
    (seen(name), Reflect.getOwnPropertyDescriptor(env, name)),
});

// Files: modules of both kinds, and what is read at once, as `.env` by dotenv.
fs.readFileSync = function (path, ...rest) {
  if (typeof path !== 'number') note(path);
  return readFileSync.call(this, path, ...rest);
};
try {
  const { Session } = require('inspector');
  const session = new Session();
  session.connect();
  session.on('Debugger.scriptParsed', ({ params }) => {
    if (/^(file:|\/)/.test(params.url)) note(params.url);
  });
  session.post('Debugger.enable');
} catch {
  // Without it only what is imported, but not required, is missing.
}

// What others may write is not run by root.
const find = Module._resolveFilename;
Module._resolveFilename = function (...args) {
  const found = find.apply(this, args);
  if (process.getuid() === 0 && isAbsolute(found)) {
    const about = statSync(found);
    if (about.uid !== 0 || about.mode & 0o002) {
      throw new Error(`${found} can be written by others than root, who would say by it what root runs`);
    }
  }
  return found;
};

// What is no data is told apart instead of being left out.
function plain(value, at, above, odd) {
  const is = (what) => (odd.push([at, what]), undefined);
  switch (typeof value) {
    case 'string':
    case 'boolean':
    case 'undefined':
      return value;
    case 'number':
      return Number.isFinite(value) ? value : is('no finite number');
    case 'object':
      break;
    default:
      return is(`a ${typeof value}`);
  }
  if (value === null) return null;
  if (above.includes(value) || above.length > 60) return is('a value within itself');
  if (value instanceof RegExp) return is('a regular expression');
  if (value instanceof Map || value instanceof Set) return is('a Map or Set');
  if (value instanceof Promise) return is('a promise');
  if (typeof value.toJSON === 'function') return plain(value.toJSON(), at, above, odd);
  const below = [...above, value];
  if (Array.isArray(value)) {
    return value.map((item, index) => plain(item, `${at}[${index}]`, below, odd) ?? null);
  }
  const out = {};
  for (const key of Object.keys(value)) {
    const kept = plain(value[key], at ? `${at}.${key}` : key, below, odd);
    if (kept !== undefined) Object.defineProperty(out, key, { value: kept, enumerable: true });
  }
  return out;
}

function answer(what) {
  Object.keys(require.cache).forEach(note);
  what.variables = [...variables];
  what.files = [...files];
  const bytes = Buffer.from(stringify(what) + '\n');
  for (let at = 0; at < bytes.length; ) at += writeSync(0, bytes, at);
}

async function main() {
  const exported = await import(pathToFileURL(file).href);
  let value = 'default' in exported ? exported.default : { ...exported };
  if (value && value.__esModule && 'default' in value) value = value.default;
  for (let calls = 0; typeof value === 'function' && calls < 3; calls += 1) value = await value();
  const odd = [];
  answer({ value: plain(await value, '', [], odd) ?? null, odd });
}

main().catch((error) => {
  const is = error instanceof Error;
  answer({ error: is ? `${error.name}: ${error.message}` : String(error), stack: is ? String(error.stack) : '' });
});
