// The Bun server of the tests; see tests/apps/express/server.js for what it can do.
const behave = process.env.BEHAVE;
if (behave === 'throw') throw new Error('a bad release');

const version = process.env.VERSION || 'none';
const headers = { 'X-Pid': String(process.pid) };

async function answer(request) {
  if (new URL(request.url).pathname === '/later') await Bun.sleep(20);
  return new Response(version, { headers });
}

function listen() {
  Bun.serve({ hostname: '127.0.0.1', port: Number(process.env.PORT), fetch: answer });
  console.log('listening', process.pid);
  if (behave === 'crash') setTimeout(() => process.exit(7), 500);
}

if (behave === 'deaf') setInterval(() => {}, 1000);
else setTimeout(listen, behave === 'slow' ? 5000 : 0);
