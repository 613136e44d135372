module.exports = {
  apps: [
    { name: 'venv', script: 'main.py', interpreter: './venv/bin/python', interpreter_args: '-u', cwd: './workers' },
    { name: 'module', script: 'python3', args: '-m uvicorn app.main:app --host 0.0.0.0 --port 8000' },
    { name: 'plain', script: 'bot.py', watch: false },
    { name: 'gunicorn', script: 'gunicorn', args: '-w 4 -b 127.0.0.1:9000 app:app', interpreter: 'none' },
    { name: 'celery', script: 'celery -A tasks worker -l info -c 2', cwd: 'workers', instances: 2 },
  ],
};
