// The Deno server of the tests; see tests/apps/express/server.js for what it can do.
const behave = Deno.env.get('BEHAVE');
if (behave === 'throw') throw new Error('a bad release');

const version = Deno.env.get('VERSION') || 'none';
const headers = { 'X-Pid': String(Deno.pid) };

async function answer(request) {
  if (new URL(request.url).pathname === '/later') {
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  return new Response(version, { headers });
}

function listen() {
  Deno.serve({ hostname: '127.0.0.1', port: Number(Deno.env.get('PORT')) }, answer);
  if (behave === 'crash') setTimeout(() => Deno.exit(7), 500);
}

if (behave === 'deaf') setInterval(() => {}, 1000);
else setTimeout(listen, behave === 'slow' ? 5000 : 0);
