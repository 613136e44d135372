// The Fastify server of the long load table; see tests/apps/express/server.js for what it can do.
const fastify = require('fastify');

const behave = process.env.BEHAVE;
if (behave === 'throw') throw new Error('a bad release');

const app = fastify();
const version = process.env.VERSION || 'none';
app.addHook('onSend', async (request, reply) => {
  reply.header('X-Pid', String(process.pid));
});
app.get('/', async () => version);
app.get('/later', async () => {
  await new Promise((resolve) => setTimeout(resolve, 20));
  return version;
});

async function listen() {
  await app.listen({ port: Number(process.env.PORT), host: '127.0.0.1' });
  console.log('listening', process.pid);
  if (behave === 'crash') setTimeout(() => process.exit(7), 500);
}

if (behave === 'deaf') setInterval(() => {}, 1000);
else setTimeout(listen, behave === 'slow' ? 5000 : 0);
