import { setTimeout as wait } from 'node:timers/promises';
export default (async () => {
  await wait(1);
  return { apps: [{ name: 'later', script: 'later.mjs' }] };
})();
