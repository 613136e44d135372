// `/api/later`: answers after 20 ms with the version and the pid that answered.
export default async function later(request, response) {
  await new Promise((resolve) => setTimeout(resolve, 20));
  response.setHeader('X-Pid', String(process.pid));
  response.status(200).send(process.env.VERSION || 'none');
}
