const name = 'named';
export const apps = [{ name, script: `${name}.mjs`, env_production: { NODE_ENV: 'production' } }];
