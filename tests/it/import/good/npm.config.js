module.exports = {
  apps: [
    { name: 'start', script: 'npm', args: 'start' },
    { name: 'run', script: 'npm run dev -- --host', cwd: 'src' },
    { name: 'yarn', script: 'yarn', args: ['workspace', 'web', 'start'], interpreter: 'bash' },
    { name: 'pnpm', script: '/usr/local/bin/pnpm', args: 'start', interpreter: 'none' },
    { name: 'npx', script: 'npx', args: 'next start -p 3000', instances: 1 },
    { name: 'cli', script: './node_modules/npm/bin/npm-cli.js', args: 'run start' },
  ],
};
