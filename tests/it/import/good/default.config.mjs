// A module of today.
export default {
  apps: [{ name: 'esm', script: './src/main.mjs', interpreter_args: '--enable-source-maps' }],
};
