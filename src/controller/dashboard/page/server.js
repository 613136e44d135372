// Asks the server. The session is a cookie that scripts cannot read and a key that only scripts of
// this very address can: both are sent.

const KEY = 'eco.key';

export class Refused extends Error {
  constructor(status, error) {
    super(error?.message ?? `the server answered ${status}`);
    this.status = status;
    this.help = error?.help ?? null;
  }
}

const headers = () => ({ 'x-eco-key': localStorage.getItem(KEY) ?? '' });

async function checked(response) {
  if (response.ok) return response;
  const body = await response.json().catch(() => null);
  throw new Refused(response.status, body?.error);
}

export async function get(path, query = {}) {
  const response = await fetch(address(path, query), { headers: headers(), cache: 'no-store' });
  return (await checked(response)).json();
}

async function post(path, body) {
  const response = await fetch(path, {
    method: 'POST',
    headers: { ...headers(), 'content-type': 'application/json' },
    body: JSON.stringify(body),
  });
  return checked(response);
}

function address(path, query) {
  const set = Object.entries(query).filter(([, value]) => value !== null && value !== undefined && value !== '');
  const text = new URLSearchParams(set).toString();
  return `/api/v1/${path}${text && `?${text}`}`;
}

export async function logIn(token) {
  const answer = await (await post('/login', { token })).json();
  localStorage.setItem(KEY, answer.key);
}

export async function logOut() {
  await post('/logout', {}).catch(() => null);
  localStorage.removeItem(KEY);
}

// Lines of JSON as they come.
async function readLines(response, onLine) {
  const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
  let rest = '';
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return;
    const lines = (rest + value).split('\n');
    rest = lines.pop();
    const items = lines.filter((line) => line !== '').map((line) => JSON.parse(line));
    if (items.length) onLine(items);
  }
}

// Does something and hands over what comes of it.
export async function operate(order, onLine) {
  await readLines(await post('/api/v1/operate', order), onLine);
}

// Follows a stream until it is stopped; one that breaks off is asked for again, ever more seldom.
// `query` is called each time, so that it can say what was seen already.
export function follow(path, query, onItems, onState = () => {}) {
  const ending = new AbortController();
  const run = async () => {
    for (let wait = 250; !ending.signal.aborted; wait = Math.min(wait * 2, 5000)) {
      try {
        const response = await checked(await fetch(address(path, query()), { headers: headers(), cache: 'no-store', signal: ending.signal }));
        onState(null);
        wait = 250;
        await readLines(response, onItems);
      } catch (error) {
        if (ending.signal.aborted) return;
        onState(error);
        if (error instanceof Refused && error.status !== 429 && error.status < 500) return;
      }
      await new Promise((resolve) => setTimeout(resolve, wait));
    }
  };
  run();
  return () => ending.abort();
}
