module.exports = {
  apps: [
    {
      name: "web",
      script: "server.js",
      max_memory_restrat: "300M",
      instanses: 2,
      env_file: ".env",
      healthz: "/",
    },
  ],
  whatch: true,
};
