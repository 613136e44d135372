module.exports = {
  apps: [
    {
      name: `api`,
      script: `npm`,
      args: `run start:prod`,
      env: { BANNER: `two
lines`, PRICE: `5 \`ticks\` and \${HOME}` },
    },
  ],
}
